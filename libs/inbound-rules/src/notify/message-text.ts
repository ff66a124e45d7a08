import type { ChannelKind } from './channel-settings';

type Escape = (value: string) => string;

/** How values of the request are made harmless in each channel's texts; Telegram's depends on its mode. */
export const ESCAPES: Readonly<Record<Exclude<ChannelKind, 'telegram'>, Escape>> = {
  discord: (value) => value.replace(/[\\*_~`|>#[\]()]/g, '\\$&'),
  // Slack's three control characters: links, channel and user mentions begin with <.
  slack: escapeHtml,
  // These channels' texts know no markup but mentions: <at …> of Feishu, <@…> of WeCom and @mobile of DingTalk, which
  // its `at` member has to confirm.
  feishu: (value) => value.replaceAll('<', '＜'),
  wecom: (value) => value.replaceAll('<@', '＜@'),
  dingtalk: plain,
  email: plain,
  http: plain,
};

export function escapeHtml(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** https://core.telegram.org/bots/api#markdownv2-style */
export function escapeMarkdownV2(value: string): string {
  return value.replace(/[\\_*[\]()~`>#+\-=|{}.!]/g, '\\$&');
}

/** At most so many UTF-16 units, without half a character at the end; what is cut off shows as an ellipsis. */
export function cutToLength(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  return `${text.slice(0, maxLength - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** At most so many bytes of UTF-8, without half a character at the end. */
export function cutToBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= maxBytes) return text;
  let end = maxBytes - Buffer.byteLength('…');
  // Continuation bytes are 10xxxxxx.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${bytes.toString('utf8', 0, end)}…`;
}

function plain(value: string): string {
  return value;
}
