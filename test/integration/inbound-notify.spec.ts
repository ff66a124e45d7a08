import { createHmac } from 'node:crypto';
import { startService, type TestService } from '../support/apps-in-process';
import { POSTGRES_BACKEND } from '../support/backends';
import { insertChannel, insertEndpoint, QUICK_RETRY, readRun, type RecordedRun } from '../support/insert-inbound';
import { startMailServer, type MailServer } from '../support/mail-server';
import { startPlainReceiver, type PlainReceiver, type PlainRequest } from '../support/plain-receiver';
import { waitFor } from '../support/wait-for';

const SIGNAL = { action: 'BUY', symbol: 'BTC', price: 100000, note: '*bold* <b> @everyone' };
const TEMPLATE = '新信号: {{action}} {{symbol}} @ {{price}}';
const TEXT = '新信号: BUY BTC @ 100000';

describe('notify', () => {
  let service: TestService;
  let receiver: PlainReceiver;
  let mail: MailServer;

  beforeAll(async () => {
    receiver = await startPlainReceiver();
    mail = await startMailServer();
    service = await startService(POSTGRES_BACKEND, {
      env: { TELEGRAM_API_URL: receiver.origin, SMTP_URL: mail.url, SMTP_FROM: 'Signals <robot@example.com>' },
    });
    const add = (name: string, kind: string, secrets: object, settings: object = {}) =>
      insertChannel(service.pool, service.tenant.tenantId, { name, kind, settings, secrets });
    await add('telegram', 'telegram', { bot_token: '123456:ABC-DEF' }, { chat_id: '-100200', parse_mode: null });
    await add('discord', 'discord', { url: `${receiver.origin}/api/webhooks/1/token` });
    await add('slack', 'slack', { url: `${receiver.origin}/services/T0/B0/x` });
    await add('dingtalk', 'dingtalk', { url: `${receiver.origin}/robot/send?access_token=a1`, secret: 'SECd' });
    await add('feishu', 'feishu', { url: `${receiver.origin}/open-apis/bot/v2/hook/x`, secret: 'SECf' });
    await add('wecom', 'wecom', { url: `${receiver.origin}/cgi-bin/webhook/send?key=k1` });
    await add('http', 'http', { url: `${receiver.origin}/any`, headers: { 'x-key': 'k2' } }, { method: 'PUT' });
    await add('mail', 'email', {}, { to: ['a@example.com', 'b@example.com'], from: 'desk@tenant.example' });
  });

  beforeEach(() => {
    receiver.requests.length = 0;
    mail.mails.length = 0;
    mail.refuse(null);
    receiver.answer(takes);
  });

  afterAll(async () => {
    await service.stop();
    await receiver.stop();
    await mail.stop();
  });

  /** Answers as each provider does when it has taken a message. */
  function takes({ path }: PlainRequest) {
    if (path.startsWith('/bot')) return { body: { ok: true, result: {} } };
    if (path.startsWith('/robot') || path.startsWith('/cgi-bin')) return { body: { errcode: 0, errmsg: 'ok' } };
    if (path.startsWith('/open-apis')) return { body: { code: 0, msg: 'success' } };
    return path.startsWith('/api/webhooks') ? { status: 204 } : { body: 'ok' };
  }

  async function notify(settings: object, retryPolicy: object = QUICK_RETRY): Promise<RecordedRun> {
    const action = { type: 'notify' as const, settings, retryPolicy };
    const { accept } = await insertEndpoint(service.pool, service.tenant.tenantId, [action]);
    const { runIds } = await accept({ body: SIGNAL });
    const read = () => readRun(service.pool, runIds[0]!);
    await waitFor('the run to finish', async () => (await read()).finished_at !== null);
    return read();
  }

  it.each<[string, string, (request: PlainRequest) => object]>([
    ['telegram', '/bot123456:ABC-DEF/sendMessage', () => ({ chat_id: '-100200', text: TEXT })],
    ['discord', '/api/webhooks/1/token', () => ({ content: TEXT, allowed_mentions: { parse: [] } })],
    ['slack', '/services/T0/B0/x', () => ({ text: TEXT })],
    ['wecom', '/cgi-bin/webhook/send?key=k1', () => ({ msgtype: 'text', text: { content: TEXT } })],
    [
      'feishu',
      '/open-apis/bot/v2/hook/x',
      ({ body }) => {
        const { timestamp } = body as { timestamp: string };
        expect(Math.abs(Number(timestamp) - Date.now() / 1000)).toBeLessThan(30);
        const sign = createHmac('sha256', `${timestamp}\nSECf`).digest('base64');
        return { timestamp, sign, msg_type: 'text', content: { text: TEXT } };
      },
    ],
  ])('sends to %s what its documentation asks for', async (channel, path, bodyOf) => {
    const run = await notify({ channels: [channel], template: TEMPLATE });
    expect(run).toMatchObject({
      status: 'succeeded',
      attempts: 1,
      result: { channels: [{ channel, status: 'sent' }] },
    });
    const [request] = receiver.requests;
    expect(request).toMatchObject({ method: 'POST', path });
    expect(request?.body).toEqual(bodyOf(request!));
  });

  it('signs for DingTalk in the address', async () => {
    await notify({ channels: ['dingtalk'], template: TEMPLATE });
    const [request] = receiver.requests;
    const query = new URL(request!.path, receiver.origin).searchParams;
    const timestamp = query.get('timestamp')!;
    const sign = createHmac('sha256', 'SECd').update(`${timestamp}\nSECd`).digest('base64');
    expect(Object.fromEntries(query)).toEqual({ access_token: 'a1', timestamp, sign });
    expect(request?.body).toMatchObject({ msgtype: 'text', text: { content: TEXT } });
  });

  it('sends to any URL by its own method and headers', async () => {
    await notify({ channels: ['http'], template: TEMPLATE });
    expect(receiver.requests[0]).toMatchObject({
      method: 'PUT',
      path: '/any',
      headers: { 'x-key': 'k2' },
      body: { text: TEXT, payload: SIGNAL },
    });
  });

  it('sends mail as the operator, answers to which go to the channel', async () => {
    const run = await notify({ channels: ['mail'], template: TEMPLATE, subject: 'Signal {{symbol}}' });
    expect(run.status).toBe('succeeded');
    await mail.waitFor(1);
    const [received] = mail.mails;
    expect(received).toMatchObject({
      from: 'robot@example.com',
      to: ['a@example.com', 'b@example.com'],
      user: 'robot',
    });
    expect(received?.source).toMatch(/^From: Signals <robot@example\.com>\r$/m);
    expect(received?.source).toMatch(/^Reply-To: desk@tenant\.example\r$/m);
    expect(received?.source).toMatch(/^Subject: Signal BTC\r$/m);
    expect(received?.source).toMatch(/^Message-ID:\s+<run_[0-9a-z]{26}\.[0-9a-f-]{36}@example\.com>\r$/m);
    expect(received?.source).toContain('100000');
  });

  it('tries mail again that is refused for now, and not what is refused for good', async () => {
    mail.refuse({ code: 451, message: 'try later' });
    expect(await notify({ channels: ['mail'] })).toMatchObject({ status: 'failed', attempts: 3 });
    mail.refuse({ code: 550, message: 'no such sender' });
    expect(await notify({ channels: ['mail'] })).toMatchObject({
      status: 'failed',
      attempts: 1,
      error: expect.stringContaining('no such sender') as string,
    });
  });

  it('sends again only where it was not taken', async () => {
    let failures = 1;
    receiver.answer((request) =>
      request.path.startsWith('/services') && failures-- > 0 ? { status: 500, body: 'oh' } : takes(request),
    );
    const run = await notify({ channels: ['discord', 'slack'], template: TEMPLATE });
    expect(run).toMatchObject({ status: 'succeeded', attempts: 2 });
    expect(receiver.requests.map(({ path }) => path.split('/')[1]).sort()).toEqual(['api', 'services', 'services']);
  });

  it('waits as long as a provider says, and leaves its channel alone meanwhile', async () => {
    receiver.answer((request, number) =>
      number === 1
        ? {
            status: 429,
            body: { ok: false, error_code: 429, description: 'Too Many Requests', parameters: { retry_after: 2 } },
          }
        : takes(request),
    );
    const startedAtMs = Date.now();
    const first = notify({ channels: ['telegram'], template: TEMPLATE });
    await receiver.waitFor(1);
    const second = notify({ channels: ['telegram'], template: TEMPLATE });
    expect(await first).toMatchObject({ status: 'succeeded', attempts: 2 });
    // It was never sent before its time, so no attempt of it was used up.
    expect(await second).toMatchObject({ status: 'succeeded', attempts: 1 });
    expect(receiver.requests).toHaveLength(3);
    for (const { atMs } of receiver.requests.slice(1)) expect(atMs - startedAtMs).toBeGreaterThanOrEqual(1_950);
  });

  it.each([
    ['dingtalk', { errcode: 310000, errmsg: 'sign not match' }],
    ['wecom', { errcode: 93000, errmsg: 'invalid webhook url' }],
    ['feishu', { code: 19021, msg: 'sign match fail' }],
    ['telegram', { ok: false, error_code: 400, description: 'chat not found' }],
  ])('knows an answer of 200 by which %s has not taken it', async (channel, body) => {
    receiver.answer(() => ({ status: channel === 'telegram' ? 400 : 200, body }));
    const run = await notify({ channels: [channel], template: TEMPLATE });
    expect(run).toMatchObject({ status: 'failed', attempts: 1 });
    expect(run.error).toMatch(/not match|invalid webhook|match fail|chat not found/);
  });

  it('uses the default channel, and says what to do when there is none', async () => {
    expect(await notify({})).toMatchObject({
      status: 'failed',
      error: 'There is no default channel; name channels, or make one the default',
    });
    await service.pool.query(`UPDATE inbound_channels SET is_default = true WHERE name = 'slack'`);
    expect(await notify({})).toMatchObject({ status: 'succeeded', result: { channels: [{ channel: 'slack' }] } });
    expect((receiver.requests[0]?.body as { text: string }).text).toMatch(/^Webhook e-.*: request req_/);
  });

  it('names a channel that is gone, and sends to the others', async () => {
    expect(await notify({ channels: ['gone', 'slack'], template: TEMPLATE })).toMatchObject({
      status: 'failed',
      attempts: 1,
      error: 'gone: There is no channel gone',
    });
    expect(receiver.requests).toHaveLength(1);
  });
});
