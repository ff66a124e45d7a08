import type { ErrorDetail } from '#kernel/app-error';
import { isJsonObject } from '#event-schemas/json-schema';
import { readHeaderName, refuseUnknown } from '../read-settings';
import { CHANNEL_KINDS, type ChannelKind, type ChannelSettings } from './channel-settings';

const MEMBERS: Readonly<Record<ChannelKind, readonly string[]>> = {
  telegram: ['bot_token', 'chat_id', 'parse_mode'],
  discord: ['url'],
  slack: ['url'],
  dingtalk: ['url', 'secret'],
  feishu: ['url', 'secret'],
  wecom: ['url'],
  email: ['to', 'from'],
  http: ['url', 'method', 'headers'],
};

const MAX_RECIPIENTS = 50;
const MAX_HEADERS = 20;
const MAX_URL_LENGTH = 2_048;
/** As Telegram's BotFather makes them. */
const BOT_TOKEN = /^\d{1,20}:[A-Za-z0-9_-]{1,100}$/;
const CHAT_ID = /^(-?\d{1,20}|@[A-Za-z][A-Za-z0-9_]{3,31})$/;
/** An address and nothing else: no name, no list, nothing that could break out of a header. */
const MAIL_ADDRESS = /^[^\s@<>,;:"()[\]\\]{1,64}@[^\s@<>,;:"()[\]\\]{1,253}$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]{0,4096}$/;

/** Reads a channel's settings, `{ "kind": …, … }` without its name; null, and problems, when they are wrong. */
export function readChannelSettings(given: unknown, field: string, problems: ErrorDetail[]): ChannelSettings | null {
  const kind = isJsonObject(given) ? CHANNEL_KINDS.find((name) => name === given['kind']) : undefined;
  if (!isJsonObject(given) || kind === undefined) {
    problems.push({ field: at(field, 'kind'), message: `must be one of ${CHANNEL_KINDS.join(', ')}` });
    return null;
  }
  const before = problems.length;
  refuseUnknown(given, ['kind', ...MEMBERS[kind]], field, problems);
  const settings = new Reader(given, field, problems).settings(kind);
  return problems.length > before ? null : settings;
}

class Reader {
  constructor(
    private readonly given: Record<string, unknown>,
    private readonly field: string,
    private readonly problems: ErrorDetail[],
  ) {}

  settings(kind: ChannelKind): ChannelSettings {
    switch (kind) {
      case 'telegram':
        return {
          kind,
          bot_token: this.matching('bot_token', BOT_TOKEN, 'must be a bot token, such as 123456:ABC-DEF'),
          chat_id: this.matching('chat_id', CHAT_ID, "must be a chat's number in quotes or @channelname"),
          parse_mode: this.oneOf('parse_mode', ['HTML', 'MarkdownV2']),
        };
      case 'discord':
      case 'slack':
      case 'wecom':
        return { kind, url: this.url() };
      case 'dingtalk':
      case 'feishu':
        return { kind, url: this.url(), secret: this.optional('secret', /^.{1,256}$/s, 'must be the signing secret') };
      case 'email':
        return { kind, to: this.recipients(), from: this.optional('from', MAIL_ADDRESS, 'must be an e-mail address') };
      case 'http':
        return {
          kind,
          url: this.url(),
          method: this.oneOf('method', ['POST', 'PUT', 'PATCH']) ?? 'POST',
          headers: this.headers(),
        };
    }
  }

  private matching(name: string, pattern: RegExp, message: string): string {
    const value = this.given[name];
    if (typeof value === 'string' && pattern.test(value)) return value;
    // A chat's number is easily given as one.
    if (name === 'chat_id' && Number.isSafeInteger(value)) return String(value);
    this.refuse(name, value === undefined ? `is required: it ${message}` : message);
    return '';
  }

  private optional(name: string, pattern: RegExp, message: string): string | null {
    return this.given[name] === undefined || this.given[name] === null ? null : this.matching(name, pattern, message);
  }

  private oneOf<T extends string>(name: string, allowed: readonly T[]): T | null {
    const value = this.given[name];
    if (value === undefined || value === null) return null;
    const found = allowed.find((one) => one === value) ?? null;
    if (found === null) this.refuse(name, `must be one of ${allowed.join(', ')}`);
    return found;
  }

  /** Whether its address may be reached is for the delivery client to say. */
  private url(): string {
    const value = this.given['url'];
    if (typeof value === 'string' && value.length <= MAX_URL_LENGTH && isHttpUrl(value)) return value;
    this.refuse('url', `must be an http or https URL of at most ${MAX_URL_LENGTH} characters`);
    return '';
  }

  private recipients(): string[] {
    const value = this.given['to'];
    const addresses: unknown[] = Array.isArray(value) ? value : [value];
    const isAddress = (address: unknown): address is string =>
      typeof address === 'string' && MAIL_ADDRESS.test(address);
    if (addresses.length > 0 && addresses.length <= MAX_RECIPIENTS && addresses.every(isAddress)) return addresses;
    this.refuse('to', `must be 1 to ${MAX_RECIPIENTS} e-mail addresses`);
    return [];
  }

  private headers(): Record<string, string> {
    const value = this.given['headers'] ?? {};
    if (!isJsonObject(value) || Object.keys(value).length > MAX_HEADERS) {
      this.refuse('headers', `must be an object of at most ${MAX_HEADERS} headers`);
      return {};
    }
    const headers = Object.entries(value).flatMap(([name, text]) => {
      const lowerName = readHeaderName(name, at(this.field, `headers.${name}`), this.problems);
      if (typeof text !== 'string' || !HEADER_VALUE.test(text)) {
        this.refuse(`headers.${name}`, 'must be a text of at most 4096 characters without line ends');
        return [];
      }
      return lowerName === null ? [] : [[lowerName, text] as const];
    });
    return Object.fromEntries(headers);
  }

  private refuse(name: string, message: string): void {
    this.problems.push({ field: at(this.field, name), message });
  }
}

function at(field: string, name: string): string {
  return field === '' ? name : `${field}.${name}`;
}

function isHttpUrl(text: string): boolean {
  try {
    return ['http:', 'https:'].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}
