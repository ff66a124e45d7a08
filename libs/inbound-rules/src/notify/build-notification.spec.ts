import { createHmac } from 'node:crypto';
import type { ErrorDetail } from '#kernel/app-error';
import type { RequestContext } from '../request-context';
import { compileTemplate } from '../template';
import { buildNotification, type HttpMessage, type MailMessage } from './build-notification';
import { CHANNEL_KINDS, SECRET_MEMBERS, type ChannelSettings } from './channel-settings';
import { readChannelSettings } from './read-channel-settings';

const NOW = new Date('2026-03-01T12:00:00.400Z');
const NASTY = 'a <b> & *c* _d_ `e` [f](g) <!channel> @everyone <@user> <at user_id="all">';

const CONTEXT: RequestContext = {
  payload: { symbol: 'BTC', price: 1.5, nasty: NASTY, long: '多'.repeat(30_000), lines: 'a\r\nBcc: x@y.z' },
  headers: {},
  query: {},
  metadata: { id: 'req_1', endpoint: 'signals', method: 'POST', ip: '203.0.113.7', timestamp: '2026-03-01T12:00:00Z' },
};

const CHANNELS = {
  telegram: { kind: 'telegram', bot_token: '123456:ABC-def', chat_id: '-100123', parse_mode: null },
  discord: { kind: 'discord', url: 'https://discord.com/api/webhooks/1/x' },
  slack: { kind: 'slack', url: 'https://hooks.slack.com/services/T/B/x' },
  dingtalk: { kind: 'dingtalk', url: 'https://oapi.dingtalk.com/robot/send?access_token=x', secret: 'SECabc' },
  feishu: { kind: 'feishu', url: 'https://open.feishu.cn/open-apis/bot/v2/hook/x', secret: 'demo' },
  wecom: { kind: 'wecom', url: 'https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=x' },
  email: { kind: 'email', to: ['a@example.com', 'b@example.com'], from: null },
  http: { kind: 'http', url: 'https://example.com/x', method: 'PUT', headers: { 'x-token': 't' } },
} satisfies { [Kind in ChannelSettings['kind']]: ChannelSettings & { kind: Kind } };

function template(source: string) {
  const made = compileTemplate(source, 'template', []);
  if (made === null) throw new Error('no template');
  return made;
}

function build(channel: ChannelSettings, source: string, subject: string | null = null) {
  const content = { template: template(source), subject: subject === null ? null : template(subject) };
  return buildNotification(channel, content, CONTEXT, { telegramBaseUrl: 'https://api.telegram.org/', now: NOW });
}

function bodyOf(channel: ChannelSettings, source: string): Record<string, unknown> {
  return JSON.parse((build(channel, source).message as HttpMessage).body) as Record<string, unknown>;
}

describe('buildNotification', () => {
  const TEXT = '信号: {{symbol}} @ {{price}}{{missing}}';

  it.each<[keyof typeof CHANNELS, string, unknown]>([
    [
      'telegram',
      'https://api.telegram.org/bot123456:ABC-def/sendMessage',
      { chat_id: '-100123', text: '信号: BTC @ 1.5' },
    ],
    ['discord', CHANNELS.discord.url, { content: '信号: BTC @ 1.5', allowed_mentions: { parse: [] } }],
    ['slack', CHANNELS.slack.url, { text: '信号: BTC @ 1.5' }],
    ['wecom', CHANNELS.wecom.url, { msgtype: 'text', text: { content: '信号: BTC @ 1.5' } }],
  ])('writes for %s what its documentation asks for', (kind, url, body) => {
    const { message, missing } = build(CHANNELS[kind], TEXT);
    expect(message).toMatchObject({ kind: 'http', method: 'POST', url });
    expect(bodyOf(CHANNELS[kind], TEXT)).toEqual(body);
    expect(missing).toEqual(['missing']);
  });

  it('signs for DingTalk by time and secret in the address', () => {
    const { message } = build(CHANNELS.dingtalk, TEXT);
    const url = new URL((message as HttpMessage).url);
    const sign = createHmac('sha256', 'SECabc').update(`${NOW.getTime()}\nSECabc`).digest('base64');
    expect(Object.fromEntries(url.searchParams)).toEqual({ access_token: 'x', timestamp: String(NOW.getTime()), sign });
    expect(bodyOf(CHANNELS.dingtalk, TEXT)).toMatchObject({ msgtype: 'text', text: { content: '信号: BTC @ 1.5' } });
    const unsigned = build({ ...CHANNELS.dingtalk, secret: null }, TEXT).message as HttpMessage;
    expect(unsigned.url).toBe(CHANNELS.dingtalk.url);
  });

  it('signs for Feishu with time and secret as the key', () => {
    const sign = createHmac('sha256', `1772366400\ndemo`).digest('base64');
    expect(bodyOf(CHANNELS.feishu, TEXT)).toEqual({
      timestamp: '1772366400',
      sign,
      msg_type: 'text',
      content: { text: '信号: BTC @ 1.5' },
    });
    expect(bodyOf({ ...CHANNELS.feishu, secret: null }, TEXT)).not.toHaveProperty('sign');
  });

  it('writes e-mails, whose subject is one line', () => {
    const { message, missing } = build(CHANNELS.email, TEXT, 'Signal {{lines}} {{none}}');
    expect(message).toEqual({
      kind: 'mail',
      to: ['a@example.com', 'b@example.com'],
      from: null,
      subject: 'Signal a Bcc: x@y.z',
      text: '信号: BTC @ 1.5',
    });
    expect(missing).toEqual(['missing', 'none']);
    expect((build(CHANNELS.email, TEXT).message as MailMessage).subject).toBe('Webhook signals');
  });

  it('writes to any URL with its method and headers, text and payload beside each other', () => {
    expect(build(CHANNELS.http, TEXT).message).toMatchObject({
      method: 'PUT',
      url: 'https://example.com/x',
      headers: { 'content-type': 'application/json', 'x-token': 't' },
    });
    expect(bodyOf(CHANNELS.http, TEXT)).toMatchObject({
      text: '信号: BTC @ 1.5',
      endpoint: 'signals',
      request_id: 'req_1',
    });
  });

  it('lets values of a request neither mark up nor mention', () => {
    const text = '*{{nasty}}*';
    expect(bodyOf(CHANNELS.slack, text)['text']).toContain('a &lt;b&gt; &amp; *c*');
    expect(bodyOf(CHANNELS.slack, text)['text']).not.toContain('<');
    expect(bodyOf(CHANNELS.discord, text)['content']).toContain('\\*c\\* \\_d\\_ \\`e\\` \\[f\\]\\(g\\)');
    expect(JSON.stringify(bodyOf(CHANNELS.feishu, text))).not.toContain('<at');
    expect(JSON.stringify(bodyOf(CHANNELS.wecom, text))).not.toContain('<@');
    const html = bodyOf({ ...CHANNELS.telegram, parse_mode: 'HTML' }, '<b>{{nasty}}</b>');
    expect(html).toMatchObject({ parse_mode: 'HTML', text: expect.stringMatching(/^<b>a &lt;b&gt; &amp;/) as string });
    const markdown = bodyOf({ ...CHANNELS.telegram, parse_mode: 'MarkdownV2' }, '*{{price}} {{nasty}}*');
    expect(markdown['text']).toMatch(/^\*1\\\.5 a <b\\> & \\\*c\\\*/);
  });

  it.each<[keyof typeof CHANNELS, (body: Record<string, unknown>) => unknown, (text: string) => number, number]>([
    ['telegram', (body) => body['text'], (text) => text.length, 4_096],
    ['discord', (body) => body['content'], (text) => text.length, 2_000],
    ['slack', (body) => body['text'], (text) => text.length, 40_000],
    ['wecom', (body) => (body['text'] as { content: string }).content, Buffer.byteLength, 2_048],
    ['dingtalk', (body) => (body['text'] as { content: string }).content, Buffer.byteLength, 18_000],
    ['feishu', (body) => (body['content'] as { text: string }).text, Buffer.byteLength, 18_000],
  ])('keeps within the length that %s takes', (kind, textOf, measure, limit) => {
    const text = String(textOf(bodyOf(CHANNELS[kind], '{{long}}{{long}}')));
    expect(measure(text)).toBeLessThanOrEqual(limit);
    expect(measure(text)).toBeGreaterThan(limit - 6);
    expect(text).toMatch(/^多+…$/);
  });

  it('sends without markup what would be cut in the middle of it', () => {
    const body = bodyOf({ ...CHANNELS.telegram, parse_mode: 'HTML' }, '<b>{{long}}</b>');
    expect(body).not.toHaveProperty('parse_mode');
    expect(String(body['text'])).toHaveLength(4_096);
  });
});

describe('readChannelSettings', () => {
  function read(given: unknown) {
    const problems: ErrorDetail[] = [];
    return readChannelSettings(given, 'channel', problems) ?? problems;
  }

  it.each(CHANNEL_KINDS)('reads what it has written of %s', (kind) => {
    expect(read(CHANNELS[kind])).toEqual(CHANNELS[kind]);
    for (const member of SECRET_MEMBERS[kind]) expect(CHANNELS[kind]).toHaveProperty(member);
  });

  it('fills in what is not given', () => {
    expect(read({ kind: 'telegram', bot_token: '1:a', chat_id: 42 })).toEqual({
      kind: 'telegram',
      bot_token: '1:a',
      chat_id: '42',
      parse_mode: null,
    });
    expect(read({ kind: 'email', to: 'a@example.com' })).toEqual({ kind: 'email', to: ['a@example.com'], from: null });
    expect(read({ kind: 'http', url: 'http://localhost:1' })).toMatchObject({ method: 'POST', headers: {} });
  });

  it.each<[Record<string, unknown>, string]>([
    [{ kind: 'irc' }, 'channel.kind'],
    [{ ...CHANNELS.telegram, bot_token: 'x/../y' }, 'channel.bot_token'],
    [{ ...CHANNELS.telegram, chat_id: 'x y' }, 'channel.chat_id'],
    [{ ...CHANNELS.telegram, parse_mode: 'Markdown' }, 'channel.parse_mode'],
    [{ kind: 'slack' }, 'channel.url'],
    [{ kind: 'slack', url: 'ftp://x' }, 'channel.url'],
    [{ kind: 'slack', url: 'https://x', secret: 'y' }, 'channel.secret'],
    [{ ...CHANNELS.email, to: [] }, 'channel.to'],
    [{ ...CHANNELS.email, to: ['a@b.c\r\nBcc: d@e.f'] }, 'channel.to'],
    [{ ...CHANNELS.email, to: ['A <a@b.c>'] }, 'channel.to'],
    [{ ...CHANNELS.email, from: 'x' }, 'channel.from'],
    [{ ...CHANNELS.http, method: 'GET' }, 'channel.method'],
    [{ ...CHANNELS.http, headers: { 'a b': 'x' } }, 'channel.headers.a b'],
    [{ ...CHANNELS.http, headers: { a: 'x\ny' } }, 'channel.headers.a'],
  ])('refuses %j', (given, field) => {
    expect(read(given)).toContainEqual({ field, message: expect.any(String) as string });
  });
});
