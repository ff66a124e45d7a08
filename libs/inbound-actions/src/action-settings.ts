import type { CommandSettings as RuleCommandSettings } from '#inbound-rules/commands/command-settings';

/** What an action may be; see docs/inbound.md. */
export type ActionType = 'notify' | 'forward' | 'log' | 'execute' | 'custom';

/** A JSON structure whose texts are templates; absent, the payload goes on as it is. */
export type Mapping = unknown;

/** Sends a message to channels of the tenant. */
export interface NotifySettings {
  /** Names; none for the tenant's default channel. */
  channels?: string[];
  /** By default says what came, as short as it can. */
  template?: string;
  /** Of an e-mail, or where a channel has a title. */
  subject?: string;
}

/**
 * Passes the request on: to a URL through a hidden webhook of the action, or as an event published here. Of a URL
 * everything but the mapping is the webhook's own: url, secret, headers, timeout, retry policy.
 */
export interface ForwardSettings {
  url?: string;
  event?: string;
  project_id?: string | null;
  mapping?: Mapping;
}

/** Keeps a record in a table of the endpoint. */
export interface LogSettings {
  table: string;
  destination?: 'database';
  mapping?: Mapping;
  /** Records kept in the table, the newest. */
  max_records?: number;
}

/** Calls code: exactly one of `handler`, `url` and `command`. */
export type ExecuteSettings = HandlerSettings | CallbackSettings | CommandSettings;

/** A function that the installation registered by name. */
export interface HandlerSettings {
  handler: string;
  mapping?: Mapping;
  /** Seconds, 1 to 300. */
  timeout?: number;
}

/** An HTTP callback, signed, whose answer is the result. */
export interface CallbackSettings {
  url: string;
  /** Secret setting. Absent: not signed. */
  secret?: string;
  /** Secret setting. */
  headers?: Record<string, string>;
  mapping?: Mapping;
  /** Seconds, 1 to 60. */
  timeout?: number;
}

/** A command that the operator defined; only with `INBOUND_COMMANDS=on`. */
export type CommandSettings = Partial<RuleCommandSettings> & {
  command: string;
  /** Seconds, 1 to 3,600. */
  timeout?: number;
  /** Bytes of output kept, standard output and error together. */
  max_output_bytes?: number;
};

/** Calls a function of the embedding application, with options of its own. */
export interface CustomSettings {
  function: string;
  options?: unknown;
}
