import { Webhook } from 'standardwebhooks';
import { startApp, type AppProcess } from '../support/apps-as-processes';
import { BOOTSTRAP_TOKEN } from '../support/api';
import { describeEachBackend } from '../support/backends';
import { createTestDatabase, type TestDatabase } from '../support/postgres';
import { startReceiver, type ReceivedRequest, type Receiver } from '../support/receiver';
import { hasPython, startReferenceReceiver, type ReferenceReceiver } from '../support/reference-receivers';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy';
import { waitFor } from '../support/wait-for';

const SECRET = 'my-webhook-secret-key';
/** The reference's example of `build.completed`, with what its handler reads. */
const DATA = {
  build_id: 'build_123',
  project_id: 'proj_123',
  project_name: 'My Web App',
  branch: 'main',
  commit_sha: 'abc123def456',
  status: 'success',
  duration: 120,
  logs_url: 'https://trae.example/builds/build_123/logs',
  deploy_preview_url: 'https://preview.example/build_123',
};

interface Webhooks {
  webhook_id: string;
  secret?: string;
}

interface EventDetail {
  deliveries: { status: string; attempts: number; response_code: number | null }[];
}

describeEachBackend('the main job over HTTP, both apps as processes', (backend) => {
  let database: TestDatabase;
  let postgres: TcpProxy;
  let redis: TcpProxy | null = null;
  let api: AppProcess;
  let dispatcher: AppProcess;
  let receiver: Receiver;
  const references: ReferenceReceiver[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    postgres = await startTcpProxy(database.url);
    redis = backend.redisUrl === null ? null : await startTcpProxy(backend.redisUrl);
    receiver = await startReceiver(undefined, SECRET);
  });
  afterAll(async () => {
    for (const running of [api, dispatcher, ...references]) if (!running.hasEnded()) await running.end('SIGKILL');
    await receiver.stop();
    await postgres.stop();
    await redis?.stop();
    await database.drop();
  });

  const call = async <T>(method: string, path: string, body?: object): Promise<{ status: number; body: T }> => {
    const response = await fetch(`${api.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${BOOTSTRAP_TOKEN}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as T };
  };
  const createWebhook = async (url: string, more: object = {}): Promise<Webhooks> => {
    const values = { url, events: ['build.completed'], name: 'CI/CD Notifications', ...more };
    const created = await call<Webhooks>('POST', '/api/webhooks', values);
    if (created.status !== 201) throw new Error(`POST /api/webhooks: ${JSON.stringify(created)}`);
    return created.body;
  };
  const publish = async (): Promise<string> => {
    const published = await call<{ event_id: string }>('POST', '/api/events', { event: 'build.completed', data: DATA });
    expect(published.status).toBe(202);
    return published.body.event_id;
  };
  const deliveriesOf = async (eventId: string): Promise<EventDetail['deliveries']> =>
    (await call<EventDetail>('GET', `/api/events/${eventId}`)).body.deliveries;

  it('starts before its database and queue are up, says what it waits for, and becomes ready', async () => {
    postgres.cut();
    redis?.cut();
    const env = { ...backend.env(), ...(redis === null ? {} : { REDIS_URL: redis.url }) };
    [api, dispatcher] = await Promise.all([
      startApp('api', postgres.url, env),
      startApp('dispatcher', postgres.url, env),
    ]);
    for (const app of [api, dispatcher]) {
      await waitFor('the app to listen', async () => (await app.readiness()) !== null, 20_000);
      const readiness = await app.readiness();
      expect(readiness).toMatchObject({ status: 'unavailable', checks: { database: 'waiting for the database' } });
    }
    expect((await fetch(`${api.url}/healthz`)).status).toBe(200);
    const early = await fetch(`${api.url}/api/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${BOOTSTRAP_TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify({ event: 'build.completed', data: DATA }),
    });
    expect(early.status).toBe(503);

    postgres.restore();
    await Promise.all([api.untilReady(), dispatcher.untilReady()]);
    redis?.restore();
    await waitFor('the queue to be reached', async () => (await dispatcher.readiness())?.status === 'ok', 20_000);
  });

  it('delivers what is published, with a signature that the standardwebhooks package verifies', async () => {
    const plain = await createWebhook(receiver.origin, { secret: SECRET });
    const eventId = await publish();
    await receiver.waitFor(1);
    const [request] = receiver.requests;
    expect(request!.body).toMatchObject({ event: 'build.completed', webhook_id: plain.webhook_id, data: DATA });
    const verify = (secret: string, { raw, headers }: ReceivedRequest): unknown =>
      new Webhook(secret).verify(raw, headers as Record<string, string>);
    expect(verify(Buffer.from(SECRET).toString('base64'), request!)).toMatchObject({ event: 'build.completed' });
    const tampered = { ...request!, raw: Buffer.from(request!.raw.toString().replace('main', 'evil')) };
    expect(() => verify(Buffer.from(SECRET).toString('base64'), tampered)).toThrow('No matching signature found');

    await waitFor('the delivery to be recorded', async () =>
      (await deliveriesOf(eventId)).some(({ status }) => status === 'success'),
    );
    expect(await deliveriesOf(eventId)).toMatchObject([{ status: 'success', attempts: 1, response_code: 200 }]);
    const history = await call<{ deliveries: object[] }>('GET', `/api/webhooks/${plain.webhook_id}/deliveries`);
    expect(history.body.deliveries).toMatchObject([
      {
        ...{ webhook_id: plain.webhook_id, status: 'success', attempts: 1, response_code: 200 },
        event_type: 'build.completed',
        payload: { event: 'build.completed' },
      },
    ]);
    await call('DELETE', `/api/webhooks/${plain.webhook_id}`);
  });

  it('signs with the secret that it made when none was given', async () => {
    const requests: { headers: Record<string, string>; raw: string }[] = [];
    const made = await startReceiver(undefined, 'not known yet');
    const webhook = await createWebhook(made.origin);
    expect(webhook.secret).toMatch(/^whsec_/);
    await made.stop();
    const verified = await startReceiver(({ headers, raw }) => {
      requests.push({ headers: headers as Record<string, string>, raw: raw.toString() });
      return 200;
    }, webhook.secret);
    const second = await createWebhook(verified.origin, { secret: webhook.secret });
    await publish();
    await verified.waitFor(1);
    const [request] = requests;
    expect(new Webhook(webhook.secret!).verify(request!.raw, request!.headers)).toMatchObject({ data: DATA });
    for (const { webhook_id: id } of [webhook, second]) await call('DELETE', `/api/webhooks/${id}`);
    await verified.stop();
  });

  const names = ['Node.js', 'Express handler', 'Python'] as const;
  for (const name of names) {
    const isMissing = name === 'Python' && !hasPython();
    (isMissing ? it.skip : it)(
      `is accepted by the reference's own receiver (${name}${isMissing ? '; skipped: there is no python3' : ''})`,
      async () => {
        const reference = await startReferenceReceiver(name, SECRET);
        references.push(reference);
        const webhook = await createWebhook(reference.url, { secret: SECRET });
        const copy = await createWebhook(receiver.origin, { secret: SECRET });
        const before = receiver.requests.length;
        const eventId = await publish();
        await waitFor('the reference to accept the delivery', async () => {
          const deliveries = await deliveriesOf(eventId);
          return deliveries.length === 2 && deliveries.every(({ status }) => status === 'success');
        });
        expect(reference.output()).toContain('build');

        await receiver.waitFor(before + 1);
        const { raw, headers } = receiver.requests.at(-1)!;
        const send = async (body: string): Promise<number> => {
          const answer = await fetch(reference.url, {
            method: 'POST',
            headers: {
              'content-type': 'application/json',
              'x-trae-signature-256': String(headers['x-trae-signature-256']),
            },
            body,
          });
          await answer.text();
          return answer.status;
        };
        expect(await send(raw.toString())).toBe(200);
        expect(await send(raw.toString().replace('"duration":120', '"duration":121'))).toBe(401);
        for (const { webhook_id: id } of [webhook, copy]) await call('DELETE', `/api/webhooks/${id}`);
      },
    );
  }

  it('shows figures of what happened at /metrics of both apps', async () => {
    expect(await (await fetch(`${api.url}/metrics`)).text()).toMatch(/webhooks_events_accepted_total [1-9]/);
    expect(await (await fetch(`${dispatcher.url}/metrics`)).text()).toMatch(
      /webhooks_attempts_total\{outcome="success"\} [1-9]/,
    );
  });

  it('ends with status 0 at SIGTERM', async () => {
    expect(await Promise.all([api.end('SIGTERM'), dispatcher.end('SIGTERM')])).toEqual([0, 0]);
  });
});
