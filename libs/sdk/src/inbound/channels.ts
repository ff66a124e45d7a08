import { readChannelSettings } from '#inbound-rules/notify/read-channel-settings';
import { CHANNEL_KINDS, type ChannelSettings } from '#inbound-rules/notify/channel-settings';
import type { Channel } from '#inbound-actions/notify/notify';
import type { MailServer } from '#inbound-actions/notify/send-mail';
import { invalidRequest, type ErrorDetail } from '#kernel/app-error';

type Variables = Readonly<Record<string, string | undefined>>;

/** Channels by name: those of the options, and behind them one of each kind that the environment describes. */
export class Channels {
  private readonly known: ReadonlyMap<string, ChannelSettings>;

  /** @throws AppError 400 for settings that are wrong. */
  constructor(
    given: Readonly<Record<string, unknown>>,
    private readonly defaultName: string | undefined,
    environment: Variables,
  ) {
    const problems: ErrorDetail[] = [];
    const own = Object.entries(given).map(
      ([name, settings]) => [name, readChannelSettings(settings, `channels.${name}`, problems)] as const,
    );
    if (problems.length > 0) throw invalidRequest(problems);
    const all = new Map(own.filter((entry): entry is [string, ChannelSettings] => entry[1] !== null));
    for (const [name, settings] of fromEnvironment(environment)) if (!all.has(name)) all.set(name, settings);
    if (defaultName !== undefined && !all.has(defaultName)) {
      throw invalidRequest([{ field: 'defaultChannel', message: 'must be the name of a channel' }]);
    }
    this.known = all;
  }

  /** Those of the names that there are; of no names, the default one, or the only one. */
  find(names: readonly string[]): Channel[] {
    const only = this.known.size === 1 ? [...this.known.keys()] : [];
    const wanted = names.length > 0 ? names : this.defaultName === undefined ? only : [this.defaultName];
    return wanted.flatMap((name) => {
      const settings = this.known.get(name);
      return settings === undefined ? [] : [{ id: name, name, settings }];
    });
  }
}

/** The mail server that the environment describes, as that of the service. */
export function mailServerOf({ SMTP_URL: url, SMTP_FROM: from }: Variables): MailServer | null {
  return url && from ? { url, from } : null;
}

/** @throws AppError 400 when a variable does not hold what its channel needs. */
function fromEnvironment(variables: Variables): [string, ChannelSettings][] {
  const problems: ErrorDetail[] = [];
  const found = CHANNEL_KINDS.flatMap((kind): [string, ChannelSettings][] => {
    const given = settingsFrom(kind, variables);
    const settings = given === null ? null : readChannelSettings({ kind, ...given }, kind.toUpperCase(), problems);
    return settings === null ? [] : [[kind, settings]];
  });
  if (problems.length > 0) throw invalidRequest(problems);
  return found;
}

function settingsFrom(kind: ChannelSettings['kind'], variables: Variables): Record<string, unknown> | null {
  const prefix = kind.toUpperCase();
  if (kind === 'telegram') {
    const { TELEGRAM_BOT_TOKEN: bot_token, TELEGRAM_CHAT_ID: chat_id } = variables;
    return bot_token && chat_id ? { bot_token, chat_id } : null;
  }
  if (kind === 'email') {
    const { EMAIL_TO: to } = variables;
    return to ? { to: to.split(',').map((address) => address.trim()) } : null;
  }
  if (kind === 'http') return null;
  const url = variables[`${prefix}_WEBHOOK_URL`];
  const secret = variables[`${prefix}_WEBHOOK_SECRET`];
  return url ? { url, ...(secret && { secret }) } : null;
}
