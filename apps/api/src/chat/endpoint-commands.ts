import { ChatError } from './chat-error';
import type { ChatEndpoints } from './chat-endpoints';
import { endpointLine, endpointText, logText, testText } from './command-texts';
import { readArguments, readJson, type Word } from './command-words';
import type { Scope } from '../caller/scopes';

/** One command; `usage` and `about` are what `help` shows. */
export interface ChatCommand {
  usage: string;
  about: string;
  scope: Scope;
  /**
   * @param words what follows the command's own
   * @param text the whole command, as it was typed
   */
  run(endpoints: ChatEndpoints, words: Word[], text: string): Promise<string>;
}

const LOG_LINES = 10;
const MAX_LOG_LINES = 50;

export const ENDPOINT_COMMANDS: Record<string, ChatCommand> = {
  create: {
    usage: 'create <name> [--secret <secret>] [--description <text>] [--scheme <scheme>] [--ip <address or CIDR,…>]',
    about: 'make an inbound endpoint',
    scope: 'inbound:write',
    async run(endpoints, words) {
      const { positional, options } = readArguments(words, ['secret', 'description', 'scheme', 'ip']);
      const name = onlyName(positional, this.usage);
      const { endpoint, secret } = await endpoints.create({
        name,
        secret: options.get('secret'),
        description: options.get('description'),
        scheme: options.get('scheme'),
        allowedIps: options.get('ip')?.split(','),
      });
      return [
        `Created ${endpoint.name}.`,
        `URL: ${endpoint.url}`,
        ...(secret === null ? [] : [`Secret (shown this once): ${secret}`]),
        `Signature: ${endpoint.scheme}`,
      ].join('\n');
    },
  },
  list: {
    usage: 'list',
    about: 'list the endpoints',
    scope: 'inbound:read',
    async run(endpoints, words) {
      nothingMore(words, this.usage);
      const { endpoints: found, total } = await endpoints.list();
      if (found.length === 0) return 'There are no inbound endpoints. Make one: /webhook create <name>';
      const more = total > found.length ? [`… and ${total - found.length} more: GET /api/inbound`] : [];
      return [`${total} inbound ${total === 1 ? 'endpoint' : 'endpoints'}`, ...found.map(endpointLine), ...more].join(
        '\n',
      );
    },
  },
  info: {
    usage: 'info <name>',
    about: 'show an endpoint and its actions',
    scope: 'inbound:read',
    async run(endpoints, words) {
      return endpointText(await endpoints.get(onlyName(words, this.usage)));
    },
  },
  url: {
    usage: 'url <name>',
    about: "show an endpoint's URL",
    scope: 'inbound:read',
    async run(endpoints, words) {
      return (await endpoints.get(onlyName(words, this.usage))).url;
    },
  },
  regenerate: {
    usage: 'regenerate <name>',
    about: 'give an endpoint a new URL and a new secret; the old ones stop working',
    scope: 'inbound:write',
    async run(endpoints, words) {
      const name = onlyName(words, this.usage);
      const { url, secret } = await endpoints.regenerate(name);
      return [
        `${name} has a new URL and a new secret; the old ones no longer work.`,
        `URL: ${url}`,
        ...(secret === null ? [] : [`Secret (shown this once): ${secret}`]),
      ].join('\n');
    },
  },
  delete: {
    usage: 'delete <name>',
    about: 'delete an endpoint',
    scope: 'inbound:write',
    async run(endpoints, words) {
      const name = onlyName(words, this.usage);
      await endpoints.delete(name);
      return `Deleted ${name}.`;
    },
  },
  test: {
    usage: "test <name> ['<JSON payload>']",
    about: 'send a sample, or a payload of your own, the whole way',
    scope: 'inbound:write',
    async run(endpoints, words, text) {
      const [name, payload] = words;
      if (name === undefined) throw usageError(this.usage);
      const value = payload === undefined ? undefined : readJson(text, payload);
      return testText(name.text, await endpoints.test(name.text, value));
    },
  },
  logs: {
    usage: 'logs <name> [<how many>]',
    about: 'show the last requests',
    scope: 'inbound:read',
    async run(endpoints, words) {
      const [name, count, ...rest] = words;
      if (name === undefined || rest.length > 0) throw usageError(this.usage);
      const limit = count === undefined ? LOG_LINES : Number(count.text);
      if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LOG_LINES)
        throw new ChatError(`How many is a number from 1 to ${MAX_LOG_LINES}, not ${JSON.stringify(count?.text)}.`);
      const entries = await endpoints.logs(name.text, limit);
      return entries.length === 0
        ? `Nothing is logged of ${name.text} yet. Rejected requests are logged in debug mode: /webhook debug ${name.text}`
        : [`The last of ${name.text}:`, ...entries.map(logText)].join('\n');
    },
  },
  debug: {
    usage: 'debug <name> [on|off]',
    about: 'log rejected requests too, with the reason',
    scope: 'inbound:write',
    async run(endpoints, words) {
      const [name, state, ...rest] = words;
      const wanted = state?.text ?? 'on';
      if (name === undefined || rest.length > 0 || (wanted !== 'on' && wanted !== 'off')) throw usageError(this.usage);
      await endpoints.setDebug(name.text, wanted === 'on');
      return wanted === 'on'
        ? `Debug mode of ${name.text} is on: rejected requests are kept too. See them: /webhook logs ${name.text}. Off again: /webhook debug ${name.text} off`
        : `Debug mode of ${name.text} is off.`;
    },
  },
};

/** How a command is written, for one that was not written so. */
export function usageError(usage: string): ChatError {
  return new ChatError(`Usage: /webhook ${usage}`);
}

function onlyName(words: Word[], usage: string): string {
  const [name, ...rest] = words;
  if (name === undefined || rest.length > 0) throw usageError(usage);
  return name.text;
}

function nothingMore(words: Word[], usage: string): void {
  if (words.length > 0) throw usageError(usage);
}
