export const CHANNEL_KINDS = ['telegram', 'discord', 'slack', 'dingtalk', 'feishu', 'wecom', 'email', 'http'] as const;

export type ChannelKind = (typeof CHANNEL_KINDS)[number];

export interface TelegramSettings {
  readonly kind: 'telegram';
  readonly bot_token: string;
  /** A number as text, or `@channelname`. */
  readonly chat_id: string;
  readonly parse_mode: 'HTML' | 'MarkdownV2' | null;
}

/** Where the provider's incoming webhook is; the URL itself is the credential. */
export interface IncomingWebhookSettings {
  readonly kind: 'discord' | 'slack' | 'wecom';
  readonly url: string;
}

export interface SignedWebhookSettings {
  readonly kind: 'dingtalk' | 'feishu';
  readonly url: string;
  /** Null for a robot that is not secured by signing. */
  readonly secret: string | null;
}

export interface EmailSettings {
  readonly kind: 'email';
  readonly to: readonly string[];
  /** Null for the operator's sender address. */
  readonly from: string | null;
}

export interface HttpSettings {
  readonly kind: 'http';
  readonly url: string;
  readonly method: 'POST' | 'PUT' | 'PATCH';
  readonly headers: Readonly<Record<string, string>>;
}

/** Where notifications go, as the API and the database have it. */
export type ChannelSettings =
  TelegramSettings | IncomingWebhookSettings | SignedWebhookSettings | EmailSettings | HttpSettings;

/** What is to be stored sealed and never shown. */
export const SECRET_MEMBERS: Readonly<Record<ChannelKind, readonly string[]>> = {
  telegram: ['bot_token'],
  discord: ['url'],
  slack: ['url'],
  dingtalk: ['url', 'secret'],
  feishu: ['url', 'secret'],
  wecom: ['url'],
  email: [],
  http: ['url', 'headers'],
};
