import { Pool } from 'pg';
import { startApi, type TestApi } from '../support/api';
import { OPERATIONS } from '../support/api-description';
import { makeTenant, type TestTenant } from '../support/factories';
import { writeDelivery } from '../support/history';
import { createTestDatabase, type TestDatabase } from '../support/postgres';
import { startReceiver, type Receiver } from '../support/receiver';
import { referenceExample, shapeOf, withoutChance } from '../support/reference';

const DAY_MS = 86_400_000;
const CREATE = referenceExample('create-request') as { url: string; secret: string };

/** The reference's examples as contract: the same fields, types, nesting, status names and values. */
describe('the contract', () => {
  let database: TestDatabase;
  let pool: Pool;
  let api: TestApi;
  let receiver: Receiver;
  let tenant: TestTenant;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = new Pool({ connectionString: database.url, max: 2 });
    await pool.query(`SELECT ensure_partitions(now() - interval '8 days', now())`);
    api = await startApi({ databaseUrl: database.url, env: { DELIVERY_ALLOWED_CIDRS: '127.0.0.0/8' } });
    receiver = await startReceiver(() => ({ body: 'OK' }), CREATE.secret);
  });

  beforeEach(async () => {
    tenant = await makeTenant(api);
  });

  afterAll(async () => {
    await receiver.stop();
    await api.stop();
    await pool.end();
    await database.drop();
  });

  /**
   * Holds an answer to an example.
   * @param added the fields that the service answers beyond it, with their types.
   * @param adjusted what differs in value: what the test made otherwise than the reference.
   */
  function expectContract(answer: unknown, example: object, added: string[] = [], adjusted: object = {}): void {
    const wanted = shapeOf(example);
    const found = shapeOf(answer);
    expect(found.filter((line) => !wanted.includes(line))).toEqual([...added].sort());
    expect(wanted.filter((line) => !found.includes(line))).toEqual([]);
    expect(withoutChance(answer)).toMatchObject(withoutChance({ ...example, ...adjusted }) as object);
  }

  const create = async (more: object = {}): Promise<string> => {
    const response = await api
      .as(tenant.token)
      .post('/api/webhooks')
      .send({ ...CREATE, ...more })
      .expect(201);
    return (response.body as { webhook_id: string }).webhook_id;
  };
  const get = async (path: string, query: object = {}): Promise<unknown> =>
    (await api.as(tenant.token).get(path).query(query).expect(200)).body as unknown;

  /** The two deliveries that the reference shows in full, with their payloads. */
  const writeShown = async (webhookId: string): Promise<string> => {
    const [success, failure] = referenceExample('deliveries-response')['deliveries'] as { payload: { data: object } }[];
    const past = { tenantId: tenant.tenantId, webhookId, atMs: Date.now() - 60_000 };
    const refused = {
      code: 500,
      ms: 5000,
      error: 'HTTP 500: Internal Server Error',
      errorClass: 'http_status',
      body: 'Internal Server Error',
    };
    const { id } = await writeDelivery(pool, {
      ...past,
      eventType: 'build.failed',
      state: 'exhausted',
      data: JSON.stringify(failure!.payload.data),
      attempts: [refused, refused, refused],
    });
    await writeDelivery(pool, {
      ...past,
      atMs: past.atMs + 1_000,
      data: JSON.stringify(success!.payload.data),
      attempts: [{ code: 200, ms: 245, body: 'OK' }],
    });
    return id;
  };

  /** The 150 deliveries that the reference counts: by type, by day, and as long as they took. */
  const writeCounted = async (webhookId: string): Promise<void> => {
    const times = [...repeat(200, 76), ...repeat(274, 55), ...repeat(273, 10), ...repeat(500, 9)];
    const failures = [
      'build.completed',
      'build.completed',
      'build.failed',
      'deployment.completed',
      'deployment.failed',
    ];
    const successes = [
      ...repeat('build.completed', 78),
      ...repeat('build.failed', 19),
      ...repeat('deployment.completed', 29),
      ...repeat('deployment.failed', 19),
    ];
    // One failure and 24 successes on the first day, one and 29 on the second, the others after them.
    const days = [...repeat(0, 24), ...repeat(1, 29), ...repeat(2, 92)];
    const write = (eventType: string, day: number, hasFailed: boolean): Promise<unknown> =>
      writeDelivery(pool, {
        tenantId: tenant.tenantId,
        webhookId,
        atMs: firstDayMs() + day * DAY_MS + 60_000,
        eventType,
        state: hasFailed ? 'exhausted' : 'delivered',
        attempts: [{ code: hasFailed ? 500 : 200, ms: times.pop()! }],
      });
    for (const [index, type] of failures.entries()) await write(type, Math.min(index, 2), true);
    for (const [index, type] of successes.entries()) await write(type, days[index]!, false);
  };
  const firstDayMs = (): number => Math.floor(Date.now() / DAY_MS - 6) * DAY_MS;

  it('create: answers 201 with what was sent and what was made of it', async () => {
    const response = await api.as(tenant.token).post('/api/webhooks').send(CREATE).expect(201);
    expectContract(response.body, referenceExample('create-response'));
  });

  it('create: takes the custom retry policy as it is shown', async () => {
    const policy = referenceExample('retry-policy');
    const response = await api
      .as(tenant.token)
      .post('/api/webhooks')
      .send({ ...CREATE, ...policy })
      .expect(201);
    expect(response.body).toMatchObject(policy);
  });

  it('list: totals and pages', async () => {
    const id = await create({ events: ['build.completed', 'build.failed'] });
    await writeCounted(id);
    expectContract(await get('/api/webhooks'), referenceExample('list-response'));
    expectContract(
      await get('/api/webhooks', {
        project_id: 'proj_123',
        active: true,
        limit: 20,
        offset: 0,
        sort: 'name',
        order: 'asc',
      }),
      referenceExample('list-response'),
    );
  });

  it('read: with secret, headers, statistics and the latest deliveries', async () => {
    const counted = await create();
    await writeCounted(counted);
    const { stats } = (await get(`/api/webhooks/${counted}`)) as { stats: object };
    const example = referenceExample('read-response');
    expectContract(stats, example['stats'] as object);

    const shown = await create();
    await writeShown(shown);
    const answer = (await get(`/api/webhooks/${shown}`)) as { stats: object };
    // The reference words this one error in two ways.
    const recent = (example['recent_deliveries'] as object[]).map((delivery) =>
      'error' in delivery ? { ...delivery, error: 'HTTP 500: Internal Server Error' } : delivery,
    );
    expectContract(answer, example, [], { stats: answer.stats, recent_deliveries: recent });
  });

  it('update: answers with what holds now', async () => {
    const id = await create();
    const response = await api
      .as(tenant.token)
      .put(`/api/webhooks/${id}`)
      .send(referenceExample('update-request'))
      .expect(200);
    expectContract(response.body, referenceExample('update-response'));
  });

  it('delete: answers with a message and an instant', async () => {
    const response = await api
      .as(tenant.token)
      .delete(`/api/webhooks/${await create()}`)
      .expect(200);
    expectContract(response.body, referenceExample('delete-response'));
  });

  it('test: answers with what came of it', async () => {
    const id = await create({ url: receiver.origin });
    const response = await api
      .as(tenant.token)
      .post(`/api/webhooks/${id}/test`)
      .send(referenceExample('test-request'))
      .expect(200);
    const { response_time, delivery_id } = response.body as { response_time: number; delivery_id: string };
    expect(response_time).toBeGreaterThanOrEqual(0);
    expect(delivery_id).toMatch(/^del_test_/);
    const adjusted = { response_time, webhook_url: receiver.origin };
    expectContract(response.body, referenceExample('test-response'), [], adjusted);
  });

  it('deliveries: with payloads, responses, pages and statistics', async () => {
    const shown = await create();
    await writeShown(shown);
    const example = referenceExample('deliveries-response');
    const answer = (await get(`/api/webhooks/${shown}/deliveries`)) as { stats: object };
    const log = '.deliveries[].attempt_log';
    expectContract(
      answer,
      example,
      [
        '.deliveries[].state: string',
        ...[`${log}: array`, `${log}[]: object`, `${log}[].attempt: number`, `${log}[].started_at: string`],
        ...[`${log}[].status: string`, `${log}[].response_code: number`, `${log}[].response_time: number`],
        ...['error', 'error_class'].flatMap((field) => [`${log}[].${field}: null`, `${log}[].${field}: string`]),
        '.pagination.next_cursor: null',
      ],
      { stats: answer.stats },
    );

    const counted = await create();
    await writeCounted(counted);
    const { stats } = (await get(`/api/webhooks/${counted}/deliveries`)) as { stats: object };
    expectContract(stats, example['stats'] as object);
    const query = { limit: 20, offset: 0, status: 'failed', event_type: 'build.failed' };
    expect(await get(`/api/webhooks/${counted}/deliveries`, query)).toMatchObject({
      total: 1,
      deliveries: [{ status: 'failed', event_type: 'build.failed' }],
    });
  });

  it('redeliver: answers 202 with a new delivery of its own', async () => {
    const id = await create();
    await writeShown(id);
    const { deliveries } = (await get(`/api/webhooks/${id}/deliveries`, { status: 'failed' })) as {
      deliveries: { delivery_id: string }[];
    };
    const failed = deliveries[0]!.delivery_id;
    const response = await api.as(tenant.token).post(`/api/webhooks/${id}/deliveries/${failed}/redeliver`).expect(202);
    expectContract(response.body, referenceExample('redeliver-response'));
    expect(response.body).toMatchObject({ original_delivery_id: failed, webhook_url: CREATE.url });
    expect((response.body as { delivery_id: string }).delivery_id).not.toBe(failed);
  });

  it('stats: overall, by day and by event type', async () => {
    const id = await create();
    await writeCounted(id);
    const day = (offset: number): string => new Date(firstDayMs() + offset * DAY_MS).toISOString().slice(0, 10);
    const query = { period: 'day', start_date: day(0), end_date: day(6) };
    const answer = (await get(`/api/webhooks/${id}/stats`, query)) as {
      start_date: string;
      end_date: string;
      daily_stats: ({ date: string } & Record<string, number>)[];
      overall_stats: Record<string, number>;
    };
    expect([answer.start_date, answer.end_date]).toEqual([`${day(0)}T00:00:00Z`, `${day(6)}T23:59:59Z`]);
    expect(answer.daily_stats.map(({ date }) => date)).toEqual([0, 1, 2, 3, 4, 5, 6].map(day));
    const example = referenceExample('stats-response');
    // The median and the 95th percentile are within 2 %; how long one day took is not what the reference made up.
    const overall = example['overall_stats'] as Record<string, number>;
    for (const name of ['median_response_time', 'p95_response_time']) {
      expect(Math.abs(answer.overall_stats[name]! / overall[name]! - 1)).toBeLessThanOrEqual(0.02);
    }
    const exact = { ...overall };
    delete exact['median_response_time'];
    delete exact['p95_response_time'];
    const firstDays = (example['daily_stats'] as Record<string, number>[]).map((wanted, index) => ({
      ...wanted,
      date: day(index),
      average_response_time: answer.daily_stats[index]!['average_response_time'],
    }));
    expectContract({ ...answer, daily_stats: answer.daily_stats.slice(0, 2) }, example, [], {
      overall_stats: exact,
      daily_stats: firstDays,
    });
  });

  it.each([
    'build.started',
    'build.completed',
    'build.failed',
    'deployment.completed',
    'collaboration.invited',
    'file.updated',
    'security.alert',
  ])('payload: %s is delivered as it is shown, and is the example of its type', async (eventType) => {
    const example = referenceExample(`payload-${eventType}`);
    const id = await create({ url: receiver.origin });
    const before = receiver.requests.length;
    const response = await api
      .as(tenant.token)
      .post(`/api/webhooks/${id}/test`)
      .send({ event_type: eventType, payload: example['data'] })
      .expect(200);
    expect(response.body).toMatchObject({ status: 'success' });
    const request = receiver.requests[before]!;
    expect(Object.keys(request.body)).toEqual(Object.keys(example));
    expect(shapeOf(request.body)).toEqual(shapeOf(example));
    expect(request.body).toMatchObject({ event: eventType, webhook_id: id, data: example['data'] });
    expect(request.headers).toMatchObject({
      'x-trae-event': eventType,
      'x-trae-delivery': (response.body as { delivery_id: string }).delivery_id,
      'x-trae-webhook-id': id,
      'x-trae-timestamp': expect.stringMatching(/^\d{10}$/) as string,
      'user-agent': 'Trae-Webhooks/1.0',
      'x-custom-header': 'custom-value',
    });
    const type = (await get(`/api/event-types/${eventType}`)) as { example: object };
    expect(type.example).toEqual(example['data']);
  });

  it.each([
    ['createWebhook', 'create-request', 'create-response'],
    ['listWebhooks', null, 'list-response'],
    ['getWebhook', null, 'read-response'],
    ['updateWebhook', 'update-request', 'update-response'],
    ['deleteWebhook', null, 'delete-response'],
    ['testWebhook', 'test-request', 'test-response'],
    ['listDeliveries', null, 'deliveries-response'],
    ['redeliver', null, 'redeliver-response'],
    ['getWebhookStats', null, 'stats-response'],
  ])('openapi.yaml shows the examples of %s', (id, request, response) => {
    const { operation, body } = OPERATIONS.find((described) => described.id === id)!;
    if (request !== null) expect(body).toEqual(referenceExample(request));
    const [success] = Object.values(operation.responses) as { content: Record<string, { example: object }> }[];
    expect(success!.content['application/json']!.example).toMatchObject(referenceExample(response));
  });
});

function repeat<T>(value: T, times: number): T[] {
  return Array.from({ length: times }, () => value);
}
