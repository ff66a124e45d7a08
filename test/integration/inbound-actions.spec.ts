import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatId } from '#kernel/ids';
import { startService, type TestService } from '../support/apps-in-process';
import { POSTGRES_BACKEND } from '../support/backends';
import { insertEndpoint, QUICK_RETRY, readRun, type ActionValues, type RecordedRun } from '../support/insert-inbound';
import { startPlainReceiver, type PlainReceiver } from '../support/plain-receiver';
import { startReceiver } from '../support/receiver';
import { waitFor } from '../support/wait-for';

const HANDLERS = `
exports.double = (payload, { metadata }) => ({ doubled: payload.amount * 2, endpoint: metadata.endpoint, attempt: metadata.attempt });
exports.fail = () => { throw new Error('no such market'); };
exports.hang = () => new Promise(() => {});
exports.withOptions = (payload, { options, headers, query }) => ({ options, agent: headers['user-agent'], page: query.page });
`;

describe('inbound actions', () => {
  let service: TestService;
  let receiver: PlainReceiver;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'handlers-'));
    const module = join(folder, 'handlers.cjs');
    await writeFile(module, HANDLERS);
    service = await startService(POSTGRES_BACKEND, { env: { INBOUND_HANDLERS: module } });
  });

  beforeEach(async () => {
    receiver = await startPlainReceiver();
  });

  afterEach(async () => {
    await receiver.stop();
  });

  afterAll(async () => {
    await service.stop();
    await rm(folder, { recursive: true });
  });

  const endpoint = (...actions: ActionValues[]) => insertEndpoint(service.pool, service.tenant.tenantId, actions);

  async function untilFinished(runId: string): Promise<RecordedRun> {
    await waitFor(`run ${runId} to finish`, async () => (await readRun(service.pool, runId)).finished_at !== null);
    return readRun(service.pool, runId);
  }

  async function runOne(action: ActionValues, request = {}): Promise<RecordedRun> {
    const { runIds } = await (await endpoint(action)).accept(request);
    return untilFinished(runIds[0]!);
  }

  it('records each action of a request by itself, and leaves nothing waiting', async () => {
    const { accept } = await endpoint(
      { type: 'log', settings: { table: 'signals' } },
      { type: 'execute', settings: { handler: 'fail' } },
      { type: 'execute', settings: { handler: 'double' } },
    );
    const { runIds } = await accept({ body: { amount: 21 } });
    const runs = await Promise.all(runIds.map(untilFinished));
    expect(runs.map(({ status, attempts, error }) => ({ status, attempts, error }))).toEqual([
      { status: 'succeeded', attempts: 1, error: null },
      { status: 'failed', attempts: 1, error: 'fail: no such market' },
      { status: 'succeeded', attempts: 1, error: null },
    ]);
    expect(runs[2]?.result).toMatchObject({ doubled: 42, attempt: 1 });
    expect(await service.rows('SELECT FROM waiting_inbound_actions WHERE run_id = ANY($1::uuid[])', [runIds])).toEqual(
      [],
    );
  });

  describe('log', () => {
    it('keeps the payload in the named table', async () => {
      const { accept, id } = await endpoint({ type: 'log', settings: { table: 'signals' } });
      const { runIds, requestId } = await accept({ body: { symbol: 'BTC', note: 'a\u0000b' } });
      await untilFinished(runIds[0]!);
      const records = await service.rows<{ request_id: string; data: string }>(
        `SELECT request_id, data FROM inbound_records WHERE endpoint_id = $1 AND table_name = 'signals'`,
        [id],
      );
      expect(records.map(({ request_id, data }) => ({ request_id, data: JSON.parse(data) as unknown }))).toEqual([
        { request_id: requestId, data: { symbol: 'BTC', note: 'a\u0000b' } },
      ]);
    });

    it('keeps no more than the newest so many, within a tenth', async () => {
      const { accept, id } = await endpoint({ type: 'log', settings: { table: 'capped', max_records: 5 } });
      for (let number = 0; number < 12; number += 1) {
        const { runIds } = await accept({ body: { number } });
        await untilFinished(runIds[0]!);
      }
      const records = await service.rows<{ data: string }>(
        'SELECT data FROM inbound_records WHERE endpoint_id = $1 ORDER BY id',
        [id],
      );
      expect(records.map(({ data }) => (JSON.parse(data) as { number: number }).number)).toEqual([7, 8, 9, 10, 11]);
    });
  });

  describe('forward', () => {
    it('delivers to a URL through the delivery engine, signed and with a history', async () => {
      const target = await startReceiver(({ attempt }) => (attempt === 1 ? 500 : 200));
      try {
        const webhook = await service.webhook({ url: target.origin, events: [] });
        await service.pool.query(`UPDATE webhooks SET kind = 'inbound_forward' WHERE id = $1`, [webhook.id]);
        const run = await runOne(
          { type: 'forward', settings: { url: target.origin }, webhookId: webhook.id },
          { body: { a: 1 } },
        );
        await target.waitFor(2);
        expect(target.requests.map(({ body, attempt }) => ({ data: body.data, event: body.event, attempt }))).toEqual([
          { data: { a: 1 }, event: 'inbound.received', attempt: 1 },
          { data: { a: 1 }, event: 'inbound.received', attempt: 2 },
        ]);
        expect(run).toMatchObject({ status: 'succeeded', result: { delivery_id: target.requests[0]?.deliveryId } });
        await waitFor('the delivery to be recorded', async () => {
          const [row] = await service.rows<{ state: string }>('SELECT state FROM deliveries WHERE webhook_id = $1', [
            webhook.id,
          ]);
          return row?.state === 'delivered';
        });
        const other = await service.webhook({ url: target.origin, events: ['*'] });
        const eventId = String((run.result as { event_id: string }).event_id);
        const explained = await service.api.as(service.tenant.token).get(`/api/events/${eventId}/explain`).expect(200);
        expect((explained.body as { webhooks: { webhook_id: string; outcome: string }[] }).webhooks).toMatchObject([
          { webhook_id: other.publicId, outcome: 'not_addressed' },
          { webhook_id: webhook.publicId, outcome: 'delivered' },
        ]);
      } finally {
        await target.stop();
      }
    });

    it('publishes an event that webhooks get', async () => {
      const target = await startReceiver();
      try {
        await service.webhook({ url: target.origin, events: ['deployment.started'] });
        const run = await runOne(
          { type: 'forward', settings: { event: 'deployment.started' } },
          { body: { deployment_id: 'd1' } },
        );
        await target.waitFor(1);
        expect(target.requests[0]?.body).toMatchObject({ event: 'deployment.started', data: { deployment_id: 'd1' } });
        expect(run.result).toMatchObject({
          event: 'deployment.started',
          event_id: target.requests[0]?.headers['webhook-id'],
        });
      } finally {
        await target.stop();
      }
    });

    it('fails for good for what cannot be published', async () => {
      expect(await runOne({ type: 'forward', settings: { event: 'no.such.type' } }, { body: {} })).toMatchObject({
        status: 'failed',
        attempts: 1,
        error: 'no.such.type is not a known event type',
      });
      expect(await runOne({ type: 'forward', settings: { event: 'build.started' } }, { body: '[1]' })).toMatchObject({
        status: 'failed',
        error: expect.stringContaining('must be a JSON object') as string,
      });
      expect(await runOne({ type: 'forward', settings: { url: receiver.origin } })).toMatchObject({
        status: 'failed',
        error: 'The webhook of the action is gone',
      });
    });
  });

  describe('execute', () => {
    it('calls a URL back with payload and metadata, signed, and records the answer', async () => {
      receiver.answer(() => ({ body: { accepted: 7 } }));
      const run = await runOne(
        {
          type: 'execute',
          settings: { url: `${receiver.origin}/act` },
          secrets: { secret: 'callback-secret', headers: { 'x-key': 'k1' } },
        },
        { body: { side: 'BUY' }, query: 'a=1' },
      );
      const [request] = receiver.requests;
      const id = formatId('run', run.id);
      expect(request).toMatchObject({
        method: 'POST',
        path: '/act',
        body: { payload: { side: 'BUY' }, metadata: { run_id: id, attempt: 1, ip: '192.0.2.1', method: 'POST' } },
      });
      const timestamp = request?.headers['webhook-timestamp'] as string;
      const mac = (text: string | Buffer, encoding: 'hex' | 'base64') =>
        createHmac('sha256', 'callback-secret').update(text).digest(encoding);
      expect(request?.headers).toMatchObject({
        'x-key': 'k1',
        'webhook-id': id,
        'x-webhook-signature': `sha256=${mac(request!.raw, 'hex')}`,
        'webhook-signature': `v1,${mac(`${id}.${timestamp}.${request!.raw.toString()}`, 'base64')}`,
      });
      expect(run).toMatchObject({ status: 'succeeded', result: { status: 200, body: { accepted: 7 } } });
    });

    it('retries a callback by its policy and waits as long as Retry-After says', async () => {
      receiver.answer((_request, number) =>
        number === 1
          ? { status: 503, headers: { 'retry-after': '1' } }
          : number === 2
            ? { status: 500 }
            : { status: 204 },
      );
      const run = await runOne(
        { type: 'execute', settings: { url: receiver.origin }, retryPolicy: QUICK_RETRY },
        { body: {} },
      );
      expect(run).toMatchObject({ status: 'succeeded', attempts: 3 });
      expect(receiver.requests[1]!.atMs - receiver.requests[0]!.atMs).toBeGreaterThanOrEqual(950);
      const attempts = receiver.requests.map(
        ({ body }) => (body as { metadata: { attempt: number } }).metadata.attempt,
      );
      expect(attempts).toEqual([1, 2, 3]);
    });

    it('gives a callback up when its attempts are used, and at once when it is refused', async () => {
      receiver.answer(() => ({ status: 500, body: { why: 'broken' } }));
      expect(
        await runOne({ type: 'execute', settings: { url: receiver.origin }, retryPolicy: QUICK_RETRY }, { body: {} }),
      ).toMatchObject({
        status: 'failed',
        attempts: 3,
        error: 'HTTP 500: Internal Server Error',
        result: { status: 500, body: { why: 'broken' } },
      });
      receiver.answer(() => ({ status: 403 }));
      expect(await runOne({ type: 'execute', settings: { url: receiver.origin } }, { body: {} })).toMatchObject({
        status: 'failed',
        attempts: 1,
        error: 'HTTP 403: Forbidden',
      });
    });

    it('retries the statuses that its policy names, and no others', async () => {
      receiver.answer((_request, number) => ({ status: number === 1 ? 404 : 500 }));
      const retryPolicy = { ...QUICK_RETRY, retry_on_status: [404] };
      const run = await runOne({ type: 'execute', settings: { url: receiver.origin }, retryPolicy }, { body: {} });
      expect(run).toMatchObject({ status: 'failed', attempts: 2, error: 'HTTP 500: Internal Server Error' });
    });

    it('does not call an address that deliveries may not reach', async () => {
      expect(
        await runOne({
          type: 'execute',
          settings: { url: 'http://169.254.169.254/' },
          retryPolicy: { ...QUICK_RETRY, max_attempts: 1 },
        }),
      ).toMatchObject({ status: 'failed', error: 'The host leads to an address that deliveries may not reach' });
    });

    it('names the functions there are when there is none of the name, and ends one that takes too long', async () => {
      expect(await runOne({ type: 'execute', settings: { handler: 'nope' } })).toMatchObject({
        status: 'failed',
        error: 'There is no function nope; registered are double, fail, hang, withOptions',
      });
      expect(await runOne({ type: 'execute', settings: { handler: 'hang', timeout: 1 } })).toMatchObject({
        status: 'failed',
        error: 'hang did not end within 1 seconds',
      });
    });

    it('runs no command unless commands are switched on', async () => {
      expect(await runOne({ type: 'execute', settings: { command: '/bin/true' } })).toMatchObject({
        status: 'failed',
        error: 'Commands are switched off: INBOUND_COMMANDS',
      });
    });
  });

  it('passes a custom action its options, and headers and query of the request', async () => {
    const run = await runOne(
      { type: 'custom', settings: { function: 'withOptions', options: { depth: 2 } } },
      { headers: { 'user-agent': 'curl' }, query: 'page=3' },
    );
    expect(run).toMatchObject({ status: 'succeeded', result: { options: { depth: 2 }, agent: 'curl', page: '3' } });
  });

  describe('condition', () => {
    it('skips the action when it is false, with the reason', async () => {
      const condition = 'payload.confidence > 0.8 && headers["x-env"] == "prod"';
      const { accept } = await endpoint(
        { type: 'log', settings: { table: 'c' }, condition },
        { type: 'log', settings: { table: 'c' } },
      );
      const cases: [object, string, string | null][] = [
        [{ confidence: 0.9 }, 'succeeded', null],
        [{ confidence: 0.5 }, 'skipped', 'The condition is false'],
        [{ other: 1 }, 'skipped', 'The condition is false: No such key: confidence'],
      ];
      for (const [body, status, error] of cases) {
        const { runIds } = await accept({ body, headers: { 'x-env': 'prod' } });
        expect(await untilFinished(runIds[0]!)).toMatchObject({ status, error });
        expect(await untilFinished(runIds[1]!)).toMatchObject({ status: 'succeeded' });
      }
    });
  });

  it('passes on what the mapping makes of a request', async () => {
    const mapping = {
      id: '{{order.id}}',
      text: 'from {{metadata.ip}}',
      agent: '{{headers.user-agent}}',
      list: ['{{no}}'],
    };
    const run = await runOne(
      { type: 'execute', settings: { url: receiver.origin, mapping } },
      { body: { order: { id: 7 } }, headers: { 'user-agent': 'curl' } },
    );
    expect(run.status).toBe('succeeded');
    expect(receiver.requests[0]?.body).toMatchObject({
      payload: { id: 7, text: 'from 192.0.2.1', agent: 'curl', list: [null] },
    });
  });

  it('skips what was removed after the request came', async () => {
    const { accept, actionIds } = await endpoint({ type: 'log', settings: { table: 't' } });
    await service.pool.query('DELETE FROM inbound_actions WHERE id = $1', [actionIds[0]]);
    const { runIds } = await accept();
    expect(await untilFinished(runIds[0]!)).toMatchObject({
      status: 'skipped',
      attempts: 0,
      error: 'The action was removed',
    });
  });
});
