import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import Fastify from 'fastify';
import { verifyDelivery } from '#sdk/verify-delivery';
import { createWebhookManager, WebhookResponse, type WebhookManager } from '#sdk/webhooks';
import { startPlainReceiver, type PlainReceiver } from '../support/plain-receiver';
import { createTestDatabase, type TestDatabase } from '../support/postgres';
import { waitFor } from '../support/wait-for';

const SECRET = 'a-secret-of-tests';

/** What is used of Express, whose types are a package of their own. */
type Express = RequestListener & {
  use(handler: unknown): Express;
  post(path: string, handler: (request: IncomingMessage & { body: unknown }, response: ServerResponse) => void): void;
};
const express = createRequire(__filename)('express') as (() => Express) & { json(): unknown };

interface Signal {
  go: boolean;
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function signed(body: string, secret = SECRET): Record<string, string> {
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  return { 'content-type': 'application/json', 'x-webhook-signature': `sha256=${signature}` };
}

async function post(
  url: string,
  body: string,
  headers = signed(body),
): Promise<{ status: number; body: unknown; headers: Headers }> {
  const answer = await fetch(url, { method: 'POST', headers, body });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text.startsWith('{') ? JSON.parse(text) : text };
}

describe.each(['memory', 'sqlite', 'postgres'] as const)('webhooks in %s', (storage) => {
  let directory: string;
  let database: TestDatabase;
  let webhooks: WebhookManager;
  let server: Server;
  let origin: string;
  let receiver: PlainReceiver;
  const warnings: string[] = [];
  const KEY = randomBytes(32).toString('base64');

  const open = (): WebhookManager =>
    createWebhookManager({
      ...{ baseUrl: 'https://example.com/app', storage, dbPath: join(directory, 'w.db'), databaseUrl: database.url },
      ...{
        defaultSecret: SECRET,
        encryptionKey: KEY,
        maxLogEntries: 5,
        trustedProxies: ['127.0.0.1'],
        maxBodyBytes: 10_000,
      },
      channels: { ops: { kind: 'http', url: `${receiver.origin}/ops`, method: 'POST', headers: {} } },
      logger: { warn: (details, message) => warnings.push(`${message} ${JSON.stringify(details)}`) },
    });

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'webhooks-'));
    database = await createTestDatabase();
    receiver = await startPlainReceiver();
    webhooks = open();
    server = createServer(webhooks.handler);
    origin = await listen(server);
  });

  afterAll(async () => {
    server.close();
    server.closeAllConnections();
    await webhooks.close();
    await receiver.stop();
    await database.drop();
    rmSync(directory, { recursive: true });
  });

  const settled = async (name: string): Promise<unknown[]> => {
    await waitFor(`the actions of ${name}`, async () => {
      const [entry] = await webhooks.getLogs(name);
      return entry?.actions.every(({ status }) => !['waiting', 'running'].includes(status)) === true;
    });
    const [entry] = await webhooks.getLogs(name);
    return (entry?.actions ?? []).map(({ type, status, error }) => [type, status, error]);
  };

  it('creates, shows, changes and deletes a webhook', async () => {
    const made = await webhooks.create({ name: 'one', description: 'first', allowedIps: ['10.0.0.0/8'] });
    expect(made).toMatchObject({
      url: 'https://example.com/app/webhooks/one',
      ...{ secret: SECRET, description: 'first', triggerCount: 0, lastTrigger: null, actions: [] },
    });
    expect(await webhooks.create({ name: 'one', description: 'first', allowedIps: ['10.0.0.0/8'] })).toEqual(made);
    await expect(webhooks.create({ name: 'one' })).rejects.toMatchObject({ status: 409, code: 'webhook_exists' });
    expect(await webhooks.update('one', { description: 'second' })).toMatchObject({
      ...{ description: 'second', allowedIps: ['10.0.0.0/8'] },
    });
    await webhooks.delete('one');
    await expect(webhooks.get('one')).rejects.toMatchObject({ status: 404 });
    expect((await post(`${origin}/webhooks/one`, '{}')).status).toBe(404);
  });

  it('names every field that is wrong', async () => {
    const wrong = { name: 'A b', secret: 'short', allowedIps: ['x'], signature: { scheme: 'hmac' }, colour: 'red' };
    await expect(webhooks.create(wrong)).rejects.toMatchObject({
      status: 400,
      message: expect.stringMatching(/name: .*secret: .*colour: .*allowedIps.*signature.header/s) as string,
    });
    await webhooks.create({ name: 'fields' });
    const refused = (action: object) => webhooks.addAction('fields', action as never);
    await expect(refused({ type: 'notify', template: '{{#if x}}' })).rejects.toThrow(/^template: /);
    await expect(refused({ type: 'execute' })).rejects.toThrow(/^action: /);
    await expect(refused({ type: 'log', table: 't', condition: 'payload >' })).rejects.toThrow(/^condition: /);
    await expect(refused({ type: 'log', table: 't', retryPolicy: { maxAttempts: 0 } })).rejects.toThrow(/^retryPolicy/);
    await expect(refused({ type: 'execute', command: 'ls' })).rejects.toThrow(/action|command/);
    expect(() => createWebhookManager({ baseUrl: 'nowhere' })).toThrow(/^baseUrl: /);
  });

  it('refuses what is not genuine, not allowed or malformed, and acts on none of it', async () => {
    const schema = { type: 'object', required: ['n'], properties: { n: { type: 'number' } } };
    await webhooks.create({ name: 'strict', debug: true, schema, allowedIps: ['203.0.113.0/24'], bodyKinds: ['json'] });
    const calls: unknown[] = [];
    webhooks.onReceive('strict', (payload) => void calls.push(payload));
    const url = `${origin}/webhooks/strict`;
    const from = (ip: string, headers: Record<string, string>) => ({ ...headers, 'x-forwarded-for': ip });
    const body = '{"n":1}';
    const own = (headers: Record<string, string>) => from('203.0.113.9', headers);
    expect((await post(url, body, own(signed(body)))).status).toBe(200);
    expect((await post(url, '{"n":2}', own(signed(body)))).status).toBe(401);
    expect((await post(url, body, own({ 'content-type': 'application/json' }))).status).toBe(401);
    expect((await post(url, body, from('198.51.100.1', signed(body)))).status).toBe(403);
    expect((await post(url, body, from('203.0.113.9, 198.51.100.1', signed(body)))).status).toBe(403);
    expect((await post(url, '{}', own(signed('{}')))).status).toBe(422);
    expect((await post(url, '{', own(signed('{')))).status).toBe(400);
    const deep = '['.repeat(4_000) + ']'.repeat(4_000);
    expect((await post(url, deep, own(signed(deep)))).status).toBe(422);
    const large = JSON.stringify({ n: 'x'.repeat(20_000) });
    expect((await post(url, large, own(signed(large)))).status).toBe(413);
    expect(
      (await post(url, 'n=1', own({ ...signed('n=1'), 'content-type': 'application/x-www-form-urlencoded' }))).status,
    ).toBe(415);
    const refused = await post(url, '{"n":2}', own(signed(body)));
    expect(refused.body).toMatchObject({ statusCode: 401, code: 'invalid_signature', details: [] });
    expect(calls).toEqual([{ n: 1 }]);
    expect((await webhooks.get('strict')).triggerCount).toBe(1);
    const [entry] = await webhooks.getLogs('strict', { status: 'rejected' });
    expect(entry).toMatchObject({ statusCode: 401, ip: '203.0.113.9' });
    expect(entry?.steps.at(-1)).toMatchObject({ step: 'signature', passed: false });
    expect(entry?.headers).not.toHaveProperty('authorization');
  });

  it('shows in the log what a handler has answered, U+0000 too', async () => {
    await webhooks.create({ name: 'zero' });
    const off = webhooks.onReceive('zero', () => ({ text: 'a\0', path: 'C:\\u0000' }));
    const answered = await post(`${origin}/webhooks/zero`, '{}');
    expect(answered.status).toBe(200);
    const [entry] = await webhooks.getLogs('zero', {});
    expect(entry?.response).toEqual({ text: 'a\0', path: 'C:\\u0000' });
    off();
  });

  it('acts on a delivery once, however often it comes at once', async () => {
    await webhooks.create({ name: 'once', dedupe: { header: 'x-delivery' }, response: { message: 'thanks' } });
    let calls = 0;
    const off = webhooks.onReceive('once', () => void (calls += 1));
    await webhooks.addAction('once', { type: 'log', table: 'seen' });
    const body = '{"a":1}';
    const headers = { ...signed(body), 'x-delivery': 'd-1' };
    const answers = await Promise.all([1, 2, 3, 4].map(() => post(`${origin}/webhooks/once`, body, headers)));
    expect(answers.map(({ status }) => status).filter((status) => status !== 409)).toContain(200);
    expect((await post(`${origin}/webhooks/once`, body, headers)).body).toBe('thanks');
    await settled('once');
    expect(calls).toBe(1);
    expect(await webhooks.getRecords('once', 'seen')).toHaveLength(1);
    off();
  });

  it('keeps nothing of what its handler refuses, so that the next try begins anew', async () => {
    await webhooks.create({ name: 'again', dedupe: { path: 'id' } });
    await webhooks.addAction('again', { type: 'log', table: 'done' });
    let tries = 0;
    webhooks.onReceive('again', () => {
      tries += 1;
      if (tries === 1) throw new Error('secret detail');
      return new WebhookResponse(202, { tries }, { 'X-Own': 'yes' });
    });
    const body = '{"id":7}';
    const first = await post(`${origin}/webhooks/again`, body);
    expect(first).toMatchObject({ status: 500, body: { code: 'handler_failed' } });
    expect(JSON.stringify(first.body)).not.toContain('secret detail');
    expect(warnings.join()).toContain('secret detail');
    const second = await post(`${origin}/webhooks/again`, body);
    expect(second).toMatchObject({ status: 202, body: { tries: 2 } });
    expect(second.headers.get('x-own')).toBe('yes');
    expect(await settled('again')).toEqual([['log', 'succeeded', null]]);
    expect((await webhooks.getLogs('again')).map(({ status }) => status)).toEqual(['accepted', 'failed']);
  });

  it('runs actions by their conditions, tries again what fails, and records each', async () => {
    await webhooks.create({ name: 'acts' });
    let tries = 0;
    const executed = await webhooks.addAction('acts', {
      type: 'execute',
      condition: (payload: Signal, { ip }) => payload.go && ip === '127.0.0.1',
      action: (payload: Signal, { attempt, runId }) => {
        tries += 1;
        if (attempt === 1) throw new Error('not yet');
        return { attempt, go: payload.go, sameRun: runId.startsWith('run_') };
      },
      retryPolicy: { maxAttempts: 2, initialDelayMs: 10 },
    });
    await webhooks.addAction('acts', { type: 'log', table: 'low', condition: 'payload.n < 0.5' });
    await webhooks.addAction('acts', { type: 'notify', channels: ['ops'], template: 'go {{go}}' });
    await webhooks.addAction('acts', { type: 'notify', channels: ['nobody'] });
    const forward = await webhooks.addAction('acts', {
      type: 'forward',
      url: `${receiver.origin}/next`,
      mapping: { n: '{{n}}' },
    });
    expect((await webhooks.get('acts')).actions).toHaveLength(5);
    await post(`${origin}/webhooks/acts`, '{"go":true,"n":1}');
    const actions = await settled('acts');
    expect(actions).toEqual([
      ['log', 'skipped', 'The condition is false'],
      ['notify', 'succeeded', null],
      ['notify', 'failed', 'nobody: There is no channel nobody'],
      ['forward', 'succeeded', null],
      ['execute', 'succeeded', null],
    ]);
    expect(tries).toBe(2);
    expect(receiver.requests.find(({ path }) => path === '/ops')?.body).toMatchObject({ text: 'go true' });
    const forwarded = receiver.requests.find(({ path }) => path === '/next');
    const { secret } = forward.settings as { secret: string };
    const delivery = verifyDelivery({ secret, headers: forwarded?.headers ?? {}, rawBody: forwarded?.raw ?? '' });
    expect(delivery).toMatchObject({ event: 'inbound.received', data: { n: 1 } });
    await webhooks.removeAction('acts', executed.id);
    await expect(webhooks.removeAction('acts', executed.id)).rejects.toMatchObject({ status: 404 });
    expect((await webhooks.get('acts')).actions).toHaveLength(4);
  });

  it('takes the old secret for as long as the overlap lasts', async () => {
    await webhooks.create({ name: 'turns' });
    const url = `${origin}/webhooks/turns`;
    const { secret } = await webhooks.regenerate('turns', { overlapSeconds: 60 });
    expect(secret).toMatch(/^whsec_/);
    expect((await post(url, '{}')).status).toBe(200);
    expect((await post(url, '{}', signed('{}', secret))).status).toBe(200);
    const last = await webhooks.regenerate('turns', { secret: 'another-secret' });
    expect(last.secret).toBe('another-secret');
    expect((await post(url, '{}')).status).toBe(401);
    expect((await post(url, '{}', signed('{}', secret))).status).toBe(401);
    expect((await post(url, '{}', signed('{}', 'another-secret'))).status).toBe(200);
  });

  it('limits requests, and keeps as many log entries as it is told', async () => {
    await webhooks.create({ name: 'limited', rateLimit: { requests: 7, perSeconds: 3_600 } });
    const answers: number[] = [];
    for (let n = 0; n < 8; n += 1) answers.push((await post(`${origin}/webhooks/limited`, `{"n":${n}}`)).status);
    expect(answers).toEqual([200, 200, 200, 200, 200, 200, 200, 429]);
    const logs = await webhooks.getLogs('limited', { limit: 50, since: new Date(Date.now() - 60_000) });
    expect(logs.map(({ payload }) => (payload as { n: number }).n)).toEqual([6, 5, 4, 3, 2]);
    expect(await webhooks.getLogs('limited', { since: Date.now() + 60_000 })).toEqual([]);
    const limited = await post(`${origin}/webhooks/limited`, '{}');
    const waitSeconds = Number(limited.headers.get('retry-after'));
    expect(waitSeconds).toBeGreaterThan(0);
    expect(waitSeconds).toBeLessThanOrEqual(3_600);
  });

  it('tests a webhook with a sample that its schema makes', async () => {
    const schema = { type: 'object', properties: { side: { enum: ['buy', 'sell'] } }, required: ['side'] };
    await webhooks.create({
      name: 'tested',
      schema,
      signature: { scheme: 'standard-webhooks' },
      allowedIps: ['10.0.0.1'],
    });
    await webhooks.addAction('tested', { type: 'log', table: 'tests' });
    const result = await webhooks.test('tested');
    expect(result).toMatchObject({
      status: 'accepted',
      statusCode: 200,
      actions: [{ type: 'log', status: 'succeeded' }],
    });
    expect(await webhooks.test('tested', { side: 'hold' })).toMatchObject({ status: 'rejected', statusCode: 422 });
    expect((await webhooks.get('tested')).triggerCount).toBe(0);
  });

  if (storage !== 'memory') {
    it('finds everything again after it was closed, secrets sealed', async () => {
      await webhooks.create({ name: 'stays', secret: 'never-in-the-clear' });
      await webhooks.addAction('stays', { type: 'log', table: 't' });
      await post(`${origin}/webhooks/stays`, '{"x":1}', signed('{"x":1}', 'never-in-the-clear'));
      await settled('stays');
      const before = await webhooks.get('stays');
      const other = open();
      expect(await other.get('stays')).toEqual(before);
      expect(await other.getLogs('stays')).toMatchObject([{ payload: { x: 1 }, actions: [{ status: 'succeeded' }] }]);
      await other.close();
      if (storage === 'sqlite')
        expect(readFileSync(join(directory, 'w.db')).includes('never-in-the-clear')).toBe(false);
    });
  }
});

describe('webhooks mounted', () => {
  const make = (): WebhookManager => createWebhookManager({ baseUrl: 'https://example.com', defaultSecret: SECRET });

  it('in Express, before its parsers; behind them only with the bytes', async () => {
    const webhooks = make();
    await webhooks.create({ name: 'hook' });
    const app = express();
    app.use(webhooks.handler);
    app.use(express.json());
    app.post('/other', (request, response) => void response.end(JSON.stringify(request.body)));
    const late = express().use(express.json()).use(webhooks.handler);
    const servers = [createServer(app), createServer(late)];
    const [first = '', second = ''] = await Promise.all(servers.map(listen));
    const body = '{"a": 1}';
    expect((await post(`${first}/webhooks/hook?x=1`, body)).status).toBe(200);
    expect((await post(`${first}/other`, body)).body).toEqual({ a: 1 });
    expect(await post(`${second}/webhooks/hook`, body)).toMatchObject({ status: 500, body: { code: 'body_parsed' } });
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    await webhooks.close();
  });

  it('in Fastify, whose other routes still get their bodies parsed', async () => {
    const webhooks = make();
    await webhooks.create({ name: 'hook' });
    const app = Fastify();
    await app.register(webhooks.fastify);
    app.post('/other', (request) => request.body);
    const origin = await app.listen({ port: 0, host: '127.0.0.1' });
    const body = '{"a": 1}';
    expect((await post(`${origin}/webhooks/hook`, body)).status).toBe(200);
    expect((await post(`${origin}/webhooks/hook`, body, signed('{}'))).status).toBe(401);
    expect((await post(`${origin}/webhooks/none`, body)).status).toBe(404);
    expect((await post(`${origin}/other`, body)).body).toEqual({ a: 1 });
    await app.close();
    await webhooks.close();
  });

  it('in NestJS on Fastify', async () => {
    @Module({})
    class Application {}
    const webhooks = make();
    await webhooks.create({ name: 'hook' });
    const app = await NestFactory.create<NestFastifyApplication>(Application, new FastifyAdapter(), { logger: false });
    await app.register(webhooks.fastify);
    await app.listen(0, '127.0.0.1');
    const url = `${await app.getUrl()}/webhooks/hook`;
    expect((await post(url, '{"a": 1}')).status).toBe(200);
    expect((await post(url, '{"a": 1}', signed('{}'))).status).toBe(401);
    await app.close();
    await webhooks.close();
  });
});
