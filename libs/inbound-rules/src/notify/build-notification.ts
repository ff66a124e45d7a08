import { createHmac } from 'node:crypto';
import type { RequestContext } from '../request-context';
import type { Template } from '../template';
import type {
  ChannelSettings,
  EmailSettings,
  HttpSettings,
  SignedWebhookSettings,
  TelegramSettings,
} from './channel-settings';
import { cutToBytes, cutToLength, ESCAPES, escapeHtml, escapeMarkdownV2 } from './message-text';

/** The providers' limits: Telegram and Discord count characters, WeCom bytes, DingTalk and Feishu the whole body. */
const MAX_TELEGRAM_LENGTH = 4_096;
const MAX_DISCORD_LENGTH = 2_000;
const MAX_SLACK_LENGTH = 40_000;
const MAX_WECOM_BYTES = 2_048;
const MAX_ROBOT_BYTES = 18_000;
const MAX_SUBJECT_LENGTH = 200;

export interface HttpMessage {
  readonly kind: 'http';
  readonly method: 'POST' | 'PUT' | 'PATCH';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface MailMessage {
  readonly kind: 'mail';
  readonly to: readonly string[];
  /** Null for the operator's sender address. */
  readonly from: string | null;
  readonly subject: string;
  readonly text: string;
}

export interface Notification {
  readonly message: HttpMessage | MailMessage;
  /** Paths of the templates at which the request has nothing. */
  readonly missing: readonly string[];
}

export interface NotificationContent {
  readonly template: Template;
  /** Of e-mails; null for a plain one. */
  readonly subject: Template | null;
}

export interface NotificationOptions {
  /** `https://api.telegram.org`, or where it is played in a test. */
  readonly telegramBaseUrl: string;
  readonly now: Date;
}

/** Writes the message for a channel: what a request brings is escaped for its markup and can mention nobody. */
export function buildNotification(
  channel: ChannelSettings,
  { template, subject }: NotificationContent,
  context: RequestContext,
  { telegramBaseUrl, now }: NotificationOptions,
): Notification {
  if (channel.kind === 'telegram') return telegram(channel, template, context, telegramBaseUrl);
  const { text, missing } = template.render(context, ESCAPES[channel.kind]);
  switch (channel.kind) {
    case 'discord': {
      const content = cutToLength(text, MAX_DISCORD_LENGTH);
      return { message: post(channel.url, { content, allowed_mentions: { parse: [] } }), missing };
    }
    case 'slack':
      return { message: post(channel.url, { text: cutToLength(text, MAX_SLACK_LENGTH) }), missing };
    case 'wecom': {
      const content = cutToBytes(text, MAX_WECOM_BYTES);
      return { message: post(channel.url, { msgtype: 'text', text: { content } }), missing };
    }
    case 'dingtalk':
      return { message: dingtalk(channel, text, now), missing };
    case 'feishu':
      return { message: feishu(channel, text, now), missing };
    case 'email':
      return email(channel, text, missing, subject, context);
    case 'http':
      return { message: http(channel, text, context), missing };
  }
}

/** https://core.telegram.org/bots/api#sendmessage */
function telegram(
  channel: TelegramSettings,
  template: Template,
  context: RequestContext,
  baseUrl: string,
): Notification {
  const url = `${baseUrl.replace(/\/$/, '')}/bot${channel.bot_token}/sendMessage`;
  const escape = { HTML: escapeHtml, MarkdownV2: escapeMarkdownV2 };
  if (channel.parse_mode !== null) {
    const { text, missing } = template.render(context, escape[channel.parse_mode]);
    if (text.length <= MAX_TELEGRAM_LENGTH) {
      return { message: post(url, { chat_id: channel.chat_id, text, parse_mode: channel.parse_mode }), missing };
    }
    // Cut in the middle of its markup, it would be refused: what is too long goes without.
  }
  const { text, missing } = template.render(context, (value) => value);
  return { message: post(url, { chat_id: channel.chat_id, text: cutToLength(text, MAX_TELEGRAM_LENGTH) }), missing };
}

/** https://open.dingtalk.com/document/robots/customize-robot-security-settings */
function dingtalk(channel: SignedWebhookSettings, text: string, now: Date): HttpMessage {
  const url = new URL(channel.url);
  if (channel.secret !== null) {
    const timestamp = String(now.getTime());
    const sign = createHmac('sha256', channel.secret).update(`${timestamp}\n${channel.secret}`).digest('base64');
    url.searchParams.set('timestamp', timestamp);
    url.searchParams.set('sign', sign);
  }
  const content = cutToBytes(text, MAX_ROBOT_BYTES);
  return post(url.href, { msgtype: 'text', text: { content }, at: { isAtAll: false } });
}

/** https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot: the key is time and secret, the message empty. */
function feishu(channel: SignedWebhookSettings, text: string, now: Date): HttpMessage {
  const message = { msg_type: 'text', content: { text: cutToBytes(text, MAX_ROBOT_BYTES) } };
  if (channel.secret === null) return post(channel.url, message);
  const timestamp = String(Math.floor(now.getTime() / 1000));
  const sign = createHmac('sha256', `${timestamp}\n${channel.secret}`).digest('base64');
  return post(channel.url, { timestamp, sign, ...message });
}

function email(
  channel: EmailSettings,
  text: string,
  missing: readonly string[],
  subject: Template | null,
  context: RequestContext,
): Notification {
  const rendered = subject?.render(context, (value) => value);
  const plain = rendered?.text ?? `Webhook ${context.metadata.endpoint}`;
  // A line end would begin another header.
  const line = cutToLength(plain.replace(/[\s\p{Cc}]+/gu, ' ').trim(), MAX_SUBJECT_LENGTH);
  return {
    message: { kind: 'mail', to: channel.to, from: channel.from, subject: line, text },
    missing: [...missing, ...(rendered?.missing ?? [])],
  };
}

function http(channel: HttpSettings, text: string, { payload, metadata }: RequestContext): HttpMessage {
  const body = JSON.stringify({
    text,
    endpoint: metadata.endpoint,
    request_id: metadata.id,
    timestamp: metadata.timestamp,
    payload,
  });
  const headers = { 'content-type': 'application/json', ...channel.headers };
  return { kind: 'http', method: channel.method, url: channel.url, headers, body };
}

function post(url: string, body: unknown): HttpMessage {
  return {
    kind: 'http',
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(body),
  };
}
