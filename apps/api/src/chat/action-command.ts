import { ChatError } from './chat-error';
import type { ChatEndpoints, NewChatAction } from './chat-endpoints';
import { actionLine } from './command-texts';
import { readArguments, type Arguments, type Word } from './command-words';
import { usageError, type ChatCommand } from './endpoint-commands';
import { nearest } from './nearest';

/** How each type of action is written: what may follow it, and what it becomes. */
const ADDABLE: Record<
  string,
  { usage: string; options: string[]; settings(endpoints: ChatEndpoints, given: Arguments): Promise<NewChatAction> }
> = {
  notify: {
    usage: 'add notify [<channel,…>] [--template <text>] [--if <condition>]',
    options: ['template', 'if'],
    async settings(endpoints, { positional, options }) {
      const channels = positional.flatMap(({ text }) => text.split(',')).filter((channel) => channel !== '');
      if (channels.length === 0) channels.push(await defaultChannel(endpoints));
      const template = options.get('template');
      return {
        type: 'notify',
        settings: { channels, ...(template !== undefined && { template }) },
        condition: options.get('if') ?? null,
      };
    },
  },
  execute: {
    usage: 'add execute <handler or https://…> [--if <condition>]',
    options: ['if'],
    settings(_endpoints, { positional, options }) {
      const target = positional[0]?.text;
      if (target === undefined)
        throw new ChatError(
          'Say what to execute: the name of a handler that is registered in code, or a URL to call.\n' +
            `For example: /webhook action <name> add execute place-order --if 'payload.confidence > 0.8'`,
        );
      const settings = /^https?:\/\//i.test(target) ? { url: target } : { handler: target };
      return Promise.resolve({ type: 'execute', settings, condition: options.get('if') ?? null });
    },
  },
  forward: {
    usage: 'add forward <https://… or event type> [--if <condition>]',
    options: ['if'],
    settings(_endpoints, { positional, options }) {
      const target = positional[0]?.text;
      if (target === undefined) throw new ChatError('Say where to: a URL, or the type of the event to publish.');
      const settings = /^https?:\/\//i.test(target) ? { url: target } : { event: target };
      return Promise.resolve({ type: 'forward', settings, condition: options.get('if') ?? null });
    },
  },
  log: {
    usage: 'add log <table> [--if <condition>]',
    options: ['if'],
    settings(_endpoints, { positional, options }) {
      const table = positional[0]?.text;
      if (table === undefined) throw new ChatError('Say which table to log to, for example signal_history.');
      return Promise.resolve({
        type: 'log',
        settings: { table },
        condition: options.get('if') ?? null,
      });
    },
  },
};

export const ACTION_COMMAND: ChatCommand = {
  usage: 'action <name> list | add notify|execute|forward|log … | remove <id>',
  about: 'show, add or remove what an endpoint does with a request',
  scope: 'inbound:read',
  async run(endpoints, words) {
    const [name, verb, ...rest] = words;
    if (name === undefined || verb === undefined) throw usageError(this.usage);
    switch (verb.text) {
      case 'list':
        return listActions(endpoints, name.text);
      case 'add':
        endpoints.require('inbound:write');
        return addAction(endpoints, name.text, rest);
      case 'remove': {
        endpoints.require('inbound:write');
        const id = rest[0]?.text;
        if (id === undefined || rest.length > 1) throw usageError('action <name> remove <id>');
        await endpoints.removeAction(name.text, id);
        return `Removed ${id} from ${name.text}.`;
      }
      default: {
        const meant = nearest(verb.text, ['list', 'add', 'remove']);
        throw new ChatError(
          `There is no "action ${verb.text}".${meant === null ? '' : ` Did you mean ${meant}?`}\nUsage: /webhook ${this.usage}`,
        );
      }
    }
  },
};

/** The lines of `help` on actions. */
export const ACTION_USAGES = Object.values(ADDABLE).map(({ usage }) => `action <name> ${usage}`);

async function listActions(endpoints: ChatEndpoints, name: string): Promise<string> {
  const { actions } = await endpoints.get(name);
  if (actions.length === 0) return `${name} has no actions. Add one: /webhook action ${name} add notify`;
  return [`Actions of ${name}:`, ...actions.map(actionLine)].join('\n');
}

async function addAction(endpoints: ChatEndpoints, name: string, [type, ...words]: Word[]): Promise<string> {
  const types = Object.keys(ADDABLE);
  if (type === undefined) throw new ChatError(`Say which type of action to add: ${types.join(', ')}.`);
  const addable = Object.hasOwn(ADDABLE, type.text) ? ADDABLE[type.text] : undefined;
  if (addable === undefined) {
    const meant = nearest(type.text, types);
    throw new ChatError(
      `There is no action of type ${type.text}.${meant === null ? '' : ` Did you mean ${meant}?`} Types: ${types.join(', ')}. Custom ones are added in code.`,
    );
  }
  const given = readArguments(words, addable.options);
  if (type.text !== 'notify' && given.positional.length > 1) throw usageError(`action <name> ${addable.usage}`);
  const added = await endpoints.addAction(name, await addable.settings(endpoints, given));
  return `Added to ${name}:\n${actionLine(added)}`;
}

async function defaultChannel(endpoints: ChatEndpoints): Promise<string> {
  const channel = await endpoints.defaultChannel();
  if (channel !== null) return channel;
  throw new ChatError(
    'There is no default channel to notify. Name one: /webhook action <name> add notify <channel>\n' +
      'or set one: POST /api/inbound/channels with "is_default": true.',
  );
}
