import { runRound } from '../../apps/dispatcher/src/redelivery/redelivery.queries';
import { startService, type TestService } from '../support/apps-in-process';
import { startApp } from '../support/apps-as-processes';
import { describeEachBackend } from '../support/backends';
import { makeTenant, makeToken } from '../support/factories';
import { uuidOf, writeDelivery, type PastDelivery } from '../support/history';
import { startReceiver, TEST_SECRET, type Receiver } from '../support/receiver';
import { waitFor } from '../support/wait-for';

const INSTANT = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z$/) as string;
const SECOND_MS = 1_000;

interface Job {
  job_id: string;
  status: string;
  reason: string | null;
  matched: number;
  redelivered: number;
  skipped: number;
  progress: number;
}

interface Made {
  original_delivery_id: string;
  status: string;
}

describeEachBackend('bulk redelivery', (backend) => {
  let service: TestService;
  let receiver: Receiver;
  let webhookId: string;

  beforeAll(async () => {
    service = await startService(backend, { dispatchers: 0 });
    receiver = await startReceiver();
  });

  beforeEach(async () => {
    receiver.answer(() => 200);
    webhookId = await makeWebhook();
  });

  afterEach(async () => {
    await Promise.all(service.dispatchers.splice(0).map((dispatcher) => dispatcher.stop()));
    await service.api.as(service.tenant.token).delete(`/api/webhooks/${webhookId}`);
  });

  afterAll(async () => {
    await service.stop();
    await receiver.stop();
  });

  async function makeWebhook(values: object = {}): Promise<string> {
    const body = { url: receiver.origin, events: ['*'], name: 'Redelivered', secret: TEST_SECRET, ...values };
    const made = await service.api.as(service.tenant.token).post('/api/webhooks').send(body).expect(201);
    return (made.body as { webhook_id: string }).webhook_id;
  }

  /** Writes deliveries a second apart, the last of them now. */
  async function write(count: number, values: Partial<PastDelivery> = {}): Promise<string[]> {
    const ids: string[] = [];
    const { tenantId } = service.tenant;
    for (let number = count; number > 0; number -= 1) {
      const atMs = Date.now() - number * SECOND_MS;
      const past = { tenantId, webhookId, atMs, state: 'exhausted', eventType: 'build.failed', ...values } as const;
      ids.push((await writeDelivery(service.pool, past)).id);
    }
    return ids;
  }

  const ask = (body: object = { filter: {} }, token = service.tenant.token) =>
    service.api.as(token).post(`/api/webhooks/${webhookId}/deliveries/redeliver`).send(body);
  const start = async (body?: object): Promise<Job> => (await ask(body).expect(202)).body as Job;
  const count = async (filter: object): Promise<number> =>
    ((await ask({ filter, dry_run: true }).expect(200)).body as Job).matched;
  const pathOf = ({ job_id }: Job): string => `/api/webhooks/${webhookId}/redeliveries/${job_id}`;
  const read = async (job: Job): Promise<Job> =>
    (await service.api.as(service.tenant.token).get(pathOf(job)).expect(200)).body as Job;
  const untilEnded = (job: Job): Promise<void> =>
    waitFor('the job to end', async () => !['pending', 'running'].includes((await read(job)).status), 20_000);
  /** The deliveries that redeliveries made. */
  const made = (): Promise<Made[]> =>
    service.rows<{ original_delivery_id: string; status: string }>(
      'SELECT original_delivery_id, status FROM deliveries WHERE webhook_id = $1 AND original_delivery_id IS NOT NULL',
      [uuidOf('webhook', webhookId)],
    );
  const originals = async (): Promise<string[]> =>
    (await made()).map(({ original_delivery_id }) => original_delivery_id).sort();
  const untilDelivered = (total: number): Promise<void> =>
    waitFor('every redelivery to be delivered', async () => {
      return (await made()).filter(({ status }) => status === 'success').length === total;
    });

  it('counts, then delivers each of them once, with the event it came of', async () => {
    const failed = await write(5);
    await write(2, { state: 'delivered' });
    expect((await ask({ filter: {}, dry_run: true }).expect(200)).body).toEqual({ matched: 5 });
    expect(await made()).toEqual([]);
    const response = await ask().expect(202);
    expect(response.body).toEqual({
      job_id: expect.stringMatching(/^job_[0-9a-z]{26}$/) as string,
      webhook_id: webhookId,
      status: 'pending',
      reason: null,
      filter: { status: 'failed', event_types: null, start_date: null, end_date: null },
      rate_per_second: 100,
      matched: 5,
      redelivered: 0,
      skipped: 0,
      progress: 0,
      created_at: INSTANT,
      started_at: null,
      finished_at: null,
    });
    const job = response.body as Job;
    await service.addDispatcher();
    await untilEnded(job);
    expect(await read(job)).toEqual({
      ...job,
      status: 'completed',
      redelivered: 5,
      progress: 100,
      started_at: INSTANT,
      finished_at: INSTANT,
    });
    await untilDelivered(5);
    expect(await originals()).toEqual([...failed].sort());
    const events = await service.rows<{ n: number }>(
      `SELECT count(*)::integer AS n FROM deliveries m JOIN deliveries o ON o.id = m.original_delivery_id
       WHERE m.webhook_id = $1 AND m.event_id = o.event_id AND m.event_type = o.event_type AND m.id > o.id`,
      [uuidOf('webhook', webhookId)],
    );
    expect(events[0]?.n).toBe(5);
    // What the job made counts like any other delivery.
    const history = await service.api.as(service.tenant.token).get(`/api/webhooks/${webhookId}/deliveries`).expect(200);
    expect(history.body).toMatchObject({
      total: 12,
      stats: { total_deliveries: 12, successful_deliveries: 7, failed_deliveries: 5, pending_deliveries: 0 },
    });
  });

  it('means what its filter says: status, event types and a half-open range, tests never', async () => {
    const atMs = Date.now() - 60_000;
    const at = (offsetMs: number): string => new Date(atMs + offsetMs).toISOString();
    const [first] = await write(1, { atMs });
    await write(1, { atMs: atMs + 10, eventType: 'build.completed' });
    await write(1, { atMs: atMs + 20, eventType: 'user.login', state: 'cancelled' });
    await write(1, { atMs: atMs + 30, state: 'delivered' });
    await write(1, { atMs: atMs + 40, state: 'retrying', dueAtMs: Date.now() + 3_600_000 });
    const test = await service.api
      .as(service.tenant.token)
      .put(`/api/webhooks/${webhookId}`)
      .send({ url: 'http://127.0.0.1:9/' });
    expect(test.status).toBe(200);
    await service.api.as(service.tenant.token).post(`/api/webhooks/${webhookId}/test`).send({}).expect(200);
    expect(await count({})).toBe(3);
    expect(await count({ status: 'success' })).toBe(1);
    expect(await count({ status: 'pending' })).toBe(1);
    expect(await count({ event_types: ['build.failed'] })).toBe(1);
    expect(await count({ event_types: ['build.completed', 'user.login', 'file.created'] })).toBe(2);
    expect(await count({ start_date: at(10) })).toBe(2);
    expect(await count({ end_date: at(10) })).toBe(1);
    expect(await count({ start_date: at(10), end_date: at(20), event_types: ['build.failed'] })).toBe(0);
    expect(await count({ end_date: '0000-01-01' })).toBe(0);
    expect(await count({ start_date: '9999-12-31' })).toBe(0);
    const job = await start({ filter: { event_types: ['build.failed'], start_date: at(0), end_date: at(1) } });
    while ((await read(job)).status !== 'completed') expect(await runRound(service.pool, 30)).not.toBeNull();
    expect(await originals()).toEqual([first]);
  });

  it('goes at its pace, a second after each share, and not beyond what there was at the beginning', async () => {
    await write(5);
    const job = await start({ filter: {}, rate_per_second: 2 });
    const [later] = await write(1, { atMs: Date.now() + 5 });
    expect(await runRound(service.pool, 30)).toMatchObject({ made: 2, ended: null });
    expect(await runRound(service.pool, 30)).toBeNull();
    expect(await read(job)).toMatchObject({ status: 'running', redelivered: 2, progress: 40 });
    await service.pool.query(`UPDATE deliveries SET status = 'failed', state = 'exhausted' WHERE webhook_id = $1`, [
      uuidOf('webhook', webhookId),
    ]);
    const shares: number[] = [];
    await waitFor('the job to end', async () => {
      const round = await runRound(service.pool, 30);
      if (round !== null) shares.push(round.made);
      return round?.ended === 'completed';
    });
    expect(shares).toEqual([2, 1]);
    expect(await originals()).toHaveLength(5);
    expect(await originals()).not.toContain(later);
    expect(new Set(await originals()).size).toBe(5);
  });

  it('repeats nothing and leaves nothing out when dispatchers are killed in the middle, and two go on', async () => {
    const failed = await write(60);
    const job = await start({ filter: {}, rate_per_second: 15 });
    const killed = await startApp('dispatcher', service.databaseUrl, service.env);
    try {
      await waitFor('the first share', async () => (await read(job)).redelivered > 0, 30_000);
    } finally {
      await killed.end('SIGKILL');
    }
    expect((await read(job)).status).toBe('running');
    await Promise.all([service.addDispatcher(), service.addDispatcher()]);
    await untilEnded(job);
    expect(await read(job)).toMatchObject({ status: 'completed', matched: 60, redelivered: 60, skipped: 0 });
    expect(await originals()).toEqual([...failed].sort());
  });

  it('is cancelled between two shares; what was made goes on', async () => {
    await write(4);
    const job = await start({ filter: {}, rate_per_second: 1 });
    expect(await runRound(service.pool, 30)).toMatchObject({ made: 1 });
    const token = service.tenant.token;
    const cancelled = (await service.api.as(token).delete(pathOf(job)).expect(200)).body as Job;
    expect(cancelled).toMatchObject({
      status: 'cancelled',
      reason: 'Cancelled by request',
      redelivered: 1,
      progress: 25,
    });
    expect((await service.api.as(token).delete(pathOf(job)).expect(200)).body).toEqual(cancelled);
    await service.addDispatcher();
    await untilDelivered(1);
    // Another one goes past it.
    const other = await start({ filter: { status: 'success' } });
    await untilEnded(other);
    expect((await read(job)).redelivered).toBe(1);
    const list = await service.api.as(token).get(`/api/webhooks/${webhookId}/redeliveries?limit=1`).expect(200);
    expect(list.body).toMatchObject({
      redeliveries: [{ job_id: other.job_id }],
      total: 2,
      pagination: { limit: 1, offset: 0, has_more: true },
    });
  });

  it('ends when its webhook is made inactive or deleted, and does not begin then', async () => {
    await write(3);
    const asOwner = service.api.as(service.tenant.token);
    const inactive = await start({ filter: {}, rate_per_second: 1 });
    await asOwner.put(`/api/webhooks/${webhookId}`).send({ active: false }).expect(200);
    expect(await runRound(service.pool, 30)).toMatchObject({ made: 0, ended: 'cancelled' });
    expect(await read(inactive)).toMatchObject({ status: 'cancelled', reason: 'The webhook was made inactive' });
    expect((await ask().expect(409)).body).toMatchObject({ code: 'webhook_inactive' });
    await asOwner.put(`/api/webhooks/${webhookId}`).send({ active: true }).expect(200);
    const deleted = await start();
    await asOwner.delete(`/api/webhooks/${webhookId}`).expect(200);
    expect(await runRound(service.pool, 30)).toMatchObject({ made: 0, ended: 'cancelled' });
    expect(await read(deleted)).toMatchObject({ status: 'cancelled', reason: 'The webhook was deleted' });
    await ask().expect(404);
    expect(await made()).toEqual([]);
  });

  it('passes over deliveries whose payload is gone, and says how many', async () => {
    const [kept] = await write(1);
    await write(2, { data: null });
    const job = await start();
    expect(await runRound(service.pool, 30)).toMatchObject({ made: 1, ended: 'completed' });
    expect(await read(job)).toMatchObject({
      status: 'completed',
      matched: 3,
      redelivered: 1,
      skipped: 2,
      progress: 100,
    });
    expect(await originals()).toEqual([kept]);
  });

  it('is shown for 30 days after it ended', async () => {
    const endedDaysAgo = async (days: number): Promise<Job> => {
      const job = await start();
      expect(await runRound(service.pool, 30)).toMatchObject({ ended: 'completed' });
      await service.pool.query(
        'UPDATE redelivery_jobs SET finished_at = now() - make_interval(days => $2) WHERE id = $1',
        [uuidOf('job', job.job_id), days],
      );
      return job;
    };
    const [old, recent] = [await endedDaysAgo(31), await endedDaysAgo(29)];
    await service.addDispatcher();
    const statusOf = async (job: Job): Promise<number> =>
      (await service.api.as(service.tenant.token).get(pathOf(job))).status;
    await waitFor('the old one to go', async () => (await statusOf(old)) === 404);
    expect(await statusOf(recent)).toBe(200);
  });

  it('is made once for the same Idempotency-Key, and one at a time for a webhook', async () => {
    await write(1);
    const keyed = (body: object, key = `bulk-${webhookId}`) => ask(body).set('idempotency-key', key);
    const answers = await Promise.all([1, 2, 3].map(() => keyed({ filter: {} })));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(new Set(answers.map(({ body }) => (body as Job).job_id)).size).toBe(1);
    expect((await keyed({ filter: { status: 'success' } }).expect(422)).body).toMatchObject({
      code: 'idempotency_mismatch',
    });
    expect((await ask().expect(409)).body).toMatchObject({ code: 'redelivery_running' });
    expect(await runRound(service.pool, 30)).toMatchObject({ made: 1, ended: 'completed' });
    expect((await keyed({ filter: {} }).expect(202)).body).toMatchObject({ status: 'completed', redelivered: 1 });
    expect(await made()).toHaveLength(1);
  });

  it.each([
    ['filter', undefined],
    ['filter', {}],
    ['filter', { filter: [] }],
    ['filter.status', { filter: { status: 'exhausted' } }],
    ['filter.event_types', { filter: { event_types: [] } }],
    ['filter.event_types', { filter: { event_types: ['build.*'] } }],
    ['filter.end_date', { filter: { start_date: '2026-01-02', end_date: '2026-01-01T00:00:00Z' } }],
    ['filter.start_date', { filter: { start_date: 'yesterday' } }],
    ['filter.event_type', { filter: { event_type: 'build.failed' } }],
    ['rate_per_second', { filter: {}, rate_per_second: 0 }],
    ['rate_per_second', { filter: {}, rate_per_second: 1_001 }],
    ['dry_run', { filter: {}, dry_run: 'true' }],
  ])('refuses a wrong %s with 400: %j', async (field, body) => {
    const response = await ask(body ?? {}).expect(400);
    expect(response.body).toMatchObject({ details: [{ field }] });
  });

  it('is 404 for strangers and other projects, and needs its scope', async () => {
    await write(1);
    const job = await start();
    const stranger = (await makeTenant(service.api)).token;
    const bound = (await makeToken(service.api, service.tenant, ['*'], { project_id: 'proj_1' })).token;
    for (const token of [stranger, bound]) {
      await ask({ filter: {} }, token).expect(404);
      await ask({ filter: {}, dry_run: true }, token).expect(404);
      await service.api.as(token).get(`/api/webhooks/${webhookId}/redeliveries`).expect(404);
      await service.api.as(token).get(pathOf(job)).expect(404);
      await service.api.as(token).delete(pathOf(job)).expect(404);
    }
    const reader = (await makeToken(service.api, service.tenant, ['deliveries:read'])).token;
    await ask({ filter: {} }, reader).expect(403);
    await service.api.as(reader).delete(pathOf(job)).expect(403);
    await service.api.as(reader).get(pathOf(job)).expect(200);
    // Another webhook of the tenant's has no such job.
    const first = webhookId;
    webhookId = await makeWebhook({ name: 'Other' });
    await service.api.as(service.tenant.token).get(pathOf(job)).expect(404);
    await service.api.as(service.tenant.token).delete(`/api/webhooks/${first}`).expect(200);
    expect(await runRound(service.pool, 30)).toMatchObject({ ended: 'cancelled' });
  });

  it('puts a job off whose rounds fail, without keeping others from theirs, and gives it up in the end', async () => {
    await write(1);
    const broken = await start();
    // A hundred years ago: there is no partition for what it would make.
    const id = '002540be-4000-7000-8000-000000000000';
    await service.pool.query('UPDATE redelivery_jobs SET id = $2 WHERE id = $1', [uuidOf('job', broken.job_id), id]);
    const brokenWebhook = webhookId;
    webhookId = await makeWebhook({ name: 'Sound' });
    await write(1);
    const sound = await start();
    await service.addDispatcher();
    await untilEnded(sound);
    expect(await read(sound)).toMatchObject({ status: 'completed', redelivered: 1 });
    const failures = async (): Promise<number> => {
      const [row] = await service.rows<{ failures: number }>('SELECT failures FROM redelivery_jobs WHERE id = $1', [
        id,
      ]);
      return row?.failures ?? 0;
    };
    await waitFor('a round to fail', async () => (await failures()) > 0);
    expect(await failures()).toBe(1);
    await service.pool.query('UPDATE redelivery_jobs SET failures = 9, due_at = now() WHERE id = $1', [id]);
    await waitFor('the job to be given up', async () => {
      const [row] = await service.rows<{ status: string }>('SELECT status FROM redelivery_jobs WHERE id = $1', [id]);
      return row?.status === 'failed';
    });
    await service.api.as(service.tenant.token).delete(`/api/webhooks/${brokenWebhook}`).expect(200);
  });
});
