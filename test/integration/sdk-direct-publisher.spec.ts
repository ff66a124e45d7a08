import { randomUUID } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { Pool, type PoolClient } from 'pg';
import type { EventJob } from '#queues/queue-names';
import { roleConfig } from '#database/pools';
import { parseId } from '#kernel/ids';
import { DirectEventPublisher } from '#sdk/direct-event-publisher';
import { EventPublisher } from '#sdk/event-publisher';
import { PublishError } from '#sdk/publish-error';
import type { Publisher } from '#sdk/publisher';
import { ADMIN_TOKEN, startApi, type TestApi } from '../support/api';
import { makeTenant, type TestTenant } from '../support/factories';
import { createTestDatabase, databaseUrl, execute, type TestDatabase } from '../support/postgres';
import { waitFor } from '../support/wait-for';

const EVENT = { event: 'build.completed', data: { build_id: 'build_123', project_id: 'proj_123' } };
const INVOICE = { type: 'object', required: ['invoice_id'], properties: { invoice_id: { type: 'string' } } };
const INVOICE_V2 = { ...INVOICE, required: ['invoice_id', 'currency'] };

describe('DirectEventPublisher', () => {
  let database: TestDatabase;
  let api: TestApi;
  let pool: Pool;
  let publisher: DirectEventPublisher;
  let tenant: TestTenant;

  beforeAll(async () => {
    database = await createTestDatabase();
    api = await startApi({ databaseUrl: database.url });
    pool = new Pool({ ...roleConfig(database.url, 'webhooks_service', 'test-publisher'), max: 4 });
    publisher = new DirectEventPublisher({ pool, queue: { databaseUrl: database.url } });
    await publisher.untilReady();
  });

  beforeEach(async () => {
    tenant = await makeTenant(api);
  });

  afterAll(async () => {
    await publisher.close();
    await pool.end();
    await api.stop();
    await database.drop();
  });

  const transaction = async (
    work: (client: PoolClient) => Promise<void>,
    end: 'COMMIT' | 'ROLLBACK',
  ): Promise<void> => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      await work(client);
      await client.query(end);
    } finally {
      client.release();
    }
  };
  const uuidOf = (eventId: string): string => parseId('event', eventId)!;
  const fanOutsOf = async (eventId: string): Promise<string[]> => {
    const { rows } = await pool.query<{ id: string }>('SELECT id FROM event_batches WHERE $1 = ANY(event_ids)', [
      uuidOf(eventId),
    ]);
    return rows.map((row) => row.id);
  };
  /** The fan-outs that jobs in BullMQ's own table speak of. */
  const announced = async (): Promise<string[]> => {
    const { rows } = await pool.query<{ data: EventJob }>(
      `SELECT data FROM bullmq.job WHERE data::text LIKE '%batchIds%'`,
    );
    return rows.flatMap((row) => row.data.batchIds);
  };
  const untilAnnounced = async (eventId: string): Promise<void> => {
    const batchIds = await fanOutsOf(eventId);
    expect(batchIds).toHaveLength(1);
    await waitFor('the event job', async () => (await announced()).includes(batchIds[0]!));
  };
  const countEvents = async (): Promise<number> => {
    const { rows } = await pool.query<{ count: number }>(
      'SELECT count(*)::integer AS count FROM events WHERE tenant_id = $1',
      [parseId('tenant', tenant.tenantId)],
    );
    return rows[0]!.count;
  };
  const failureOf = async (publishing: Promise<unknown>): Promise<unknown> => {
    const error: unknown = await publishing.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(PublishError);
    return error;
  };

  it('stores an event byte for byte with the order to fan it out, and adds the event job', async () => {
    const data = '{ "id": 12345678901234567890, "ratio": 1.0, "nul": "\\u0000" }';
    const published = await publisher.forTenant(tenant.tenantId).publish({ event: 'build.completed', data });
    expect(published).toEqual({
      eventId: expect.stringMatching(/^event_[0-9a-z]{26}$/) as string,
      event: 'build.completed',
      status: 'accepted',
      createdAt: expect.stringMatching(/Z$/) as string,
      duplicate: false,
      // Built-in types warn unless the tenant says otherwise.
      warnings: [expect.objectContaining({ field: 'data.build_id' }) as object],
    });
    const stored = await pool.query<{ data: Buffer }>('SELECT data FROM event_payloads WHERE event_id = $1', [
      uuidOf(published.eventId),
    ]);
    expect(stored.rows[0]?.data.toString()).toBe(data);
    expect(await fanOutsOf(published.eventId)).toHaveLength(1);
    await untilAnnounced(published.eventId);
  });

  it('publishes in the transaction of its caller and signals after the commit only', async () => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const publishing = publisher.inTransaction(tenant.tenantId, client);
      const { eventId } = await publishing.publish(EVENT);
      expect(await countEvents()).toBe(0);
      await client.query('COMMIT');
      expect(await countEvents()).toBe(1);
      expect(await announced()).not.toContain((await fanOutsOf(eventId))[0]);
      publishing.afterCommit();
      await untilAnnounced(eventId);
    } finally {
      client.release();
    }
  });

  it('leaves nothing of a transaction that is rolled back, and frees its keys', async () => {
    const event = { ...EVENT, idempotencyKey: 'rolled-back' };
    let eventId = '';
    await transaction(async (client) => {
      ({ eventId } = await publisher.inTransaction(tenant.tenantId, client).publish(event));
    }, 'ROLLBACK');
    expect(await countEvents()).toBe(0);
    expect(await fanOutsOf(eventId)).toEqual([]);
    await expect(publisher.forTenant(tenant.tenantId).publish(event)).resolves.toMatchObject({ duplicate: false });
  });

  it('does not abort the transaction of its caller by a refusal', async () => {
    await transaction(async (client) => {
      const publishing = publisher.inTransaction(tenant.tenantId, client);
      await failureOf(publishing.publish({ ...EVENT, event: 'build.done' }));
      await publishing.publish(EVENT);
    }, 'COMMIT');
    expect(await countEvents()).toBe(1);
  });

  it('publishes once under one key, whichever way it is published', async () => {
    const event = { ...EVENT, idempotencyKey: 'once' };
    const first = await publisher.forTenant(tenant.tenantId).publish(event);
    const again = { ...first, duplicate: true };
    await expect(publisher.forTenant(tenant.tenantId).publish(event)).resolves.toEqual(again);
    await expect(new EventPublisher({ url: api.url, token: tenant.token }).publish(event)).resolves.toEqual(again);
    await transaction(async (client) => {
      await expect(publisher.inTransaction(tenant.tenantId, client).publish(event)).resolves.toEqual(again);
    }, 'COMMIT');
    expect(await countEvents()).toBe(1);
    expect(await failureOf(publisher.forTenant(tenant.tenantId).publish({ ...event, data: {} }))).toMatchObject({
      status: 422,
      code: 'idempotency_mismatch',
      details: [{ field: 'Idempotency-Key', message: 'was used before with another body' }],
    });
  });

  it("answers with the publisher's own id", async () => {
    const event = { ...EVENT, eventId: 'build_123:completed' };
    const direct = publisher.forTenant(tenant.tenantId);
    await expect(direct.publish(event)).resolves.toMatchObject({ eventId: 'build_123:completed', duplicate: false });
    await expect(direct.publish(event)).resolves.toMatchObject({ eventId: 'build_123:completed', duplicate: true });
  });

  it.each([
    ['an unknown event type', { event: 'build.done' }, 'event'],
    ['an invalid priority', { priority: 'urgent' as 'high' }, 'priority'],
    ['a timestamp without a zone', { timestamp: '2024-01-01' }, 'timestamp'],
    ['data that is a list', { data: '[]' }, 'data'],
  ])('refuses %s as the API does', async (_what, change, field) => {
    const event = { ...EVENT, ...change };
    const direct = (await failureOf(publisher.forTenant(tenant.tenantId).publish(event))) as PublishError;
    const overHttp = await failureOf(new EventPublisher({ url: api.url, token: tenant.token }).publish(event));
    expect(direct).toMatchObject({ status: 400, code: 'invalid_request', details: [{ field }] });
    expect(overHttp).toMatchObject({ status: 400, message: direct.message, details: direct.details });
    expect(await countEvents()).toBe(0);
  });

  describe("of the tenant's own event types", () => {
    const right = { event: 'invoice.paid', data: { invoice_id: 'inv_1', currency: 'EUR' } };
    let direct: Publisher;
    let overHttp: Publisher;

    beforeEach(async () => {
      const mine = api.as(tenant.token);
      await mine.post('/api/event-types').send({ name: 'invoice.paid', schema: INVOICE }).expect(201);
      await mine.put('/api/event-types/invoice.paid').send({ schema: INVOICE_V2 }).expect(200);
      direct = publisher.forTenant(tenant.tenantId);
      overHttp = new EventPublisher({ url: api.url, token: tenant.token });
    });

    const versionOf = async (eventId: string): Promise<unknown> => {
      const answer = await api.as(tenant.token).get(`/api/events/${eventId}`).expect(200);
      return (answer.body as { version: unknown }).version;
    };

    it('publishes the newest version or an older one, as the API does', async () => {
      for (const way of [direct, overHttp]) {
        const newest = await way.publish(right);
        expect([newest.warnings, await versionOf(newest.eventId)]).toEqual([[], '2']);
        const older = await way.publish({ ...right, data: { invoice_id: 'inv_1' }, version: '1' });
        expect([older.warnings, await versionOf(older.eventId)]).toEqual([[], '1']);
      }
    });

    it('is one and the same event with the same version only', async () => {
      const event = { ...right, idempotencyKey: 'versions' };
      await direct.publish({ ...event, version: '1' });
      await expect(overHttp.publish({ ...event, version: '1' })).resolves.toMatchObject({ duplicate: true });
      expect(await failureOf(direct.publish(event))).toMatchObject({ status: 422, code: 'idempotency_mismatch' });
    });

    it.each([
      ['data against the schema', { data: { invoice_id: 'inv_1' } }, 422, 'schema_violation', 'data.currency'],
      ['data against an older schema', { data: {}, version: '1' }, 422, 'schema_violation', 'data.invoice_id'],
      ['a version that is none', { version: '3' }, 400, 'invalid_request', 'version'],
      ['a type that is none', { event: 'invoice.sent' }, 400, 'invalid_request', 'event'],
    ])('refuses %s as the API does', async (_what, change, status, code, field) => {
      for (const way of [direct, overHttp]) {
        const refusal = await failureOf(way.publish({ ...right, ...change }));
        expect(refusal).toMatchObject({ status, code, details: [{ field }] });
      }
      await transaction(async (client) => {
        const publishing = publisher.inTransaction(tenant.tenantId, client);
        expect(await failureOf(publishing.publish({ ...right, ...change }))).toMatchObject({ status, code });
        await publishing.publish(right);
      }, 'COMMIT');
      expect(await countEvents()).toBe(1);
    });

    it('tells what is wrong where the tenant wants warnings only', async () => {
      await api
        .as(tenant.token)
        .put('/api/event-type-settings')
        .send({ schema_validation: { own: 'warn' } })
        .expect(200);
      for (const way of [publisher.forTenant(tenant.tenantId), overHttp]) {
        await expect(way.publish({ ...right, data: {} })).resolves.toMatchObject({
          warnings: [{ field: 'data.invoice_id', message: 'is required' }],
        });
        await expect(way.publish({ ...EVENT, data: { build_id: 7, project_id: 'proj_1' } })).resolves.toMatchObject({
          warnings: [{ field: 'data.build_id' }],
        });
      }
    });

    it('knows within a second what changed, and of no other tenant', async () => {
      await direct.publish(right);
      await api.as(tenant.token).delete('/api/event-types/invoice.paid').expect(200);
      const isRefused = async (): Promise<boolean> =>
        direct.publish(right).then(
          () => false,
          (error: PublishError) => error.status === 400 && error.details[0]?.field === 'event',
        );
      await waitFor('the archived type to be refused', isRefused, 1_500);
      const other = await makeTenant(api);
      expect(await failureOf(publisher.forTenant(other.tenantId).publish(right))).toMatchObject({ status: 400 });
    });

    it('needs no connection beside the one of the transaction', async () => {
      const single = new Pool({ ...roleConfig(database.url, 'webhooks_service', 'test-single'), max: 1 });
      const alone = new DirectEventPublisher({ pool: single, queue: { databaseUrl: database.url } });
      const client = await single.connect();
      try {
        await client.query('BEGIN');
        await alone.inTransaction(tenant.tenantId, client).publish(right);
        await client.query('COMMIT');
      } finally {
        client.release();
        await alone.close();
        await single.end();
      }
      expect(await countEvents()).toBe(1);
    });
  });

  it("keeps to the tenant's own limit", async () => {
    const small = await makeTenant(api, 'Small', { max_event_bytes: 2_000 });
    const data = { text: 'x'.repeat(2_000) };
    expect(await failureOf(publisher.forTenant(small.tenantId).publish({ ...EVENT, data }))).toMatchObject({
      status: 413,
      code: 'payload_too_large',
    });
    await publisher.forTenant(tenant.tenantId).publish({ ...EVENT, data });
  });

  it('shares the events per second of a tenant with the API', async () => {
    const slow = await makeTenant(api, 'Slow', { events_per_second: 3 });
    const publishers = [
      publisher.forTenant(slow.tenantId),
      new EventPublisher({ url: api.url, token: slow.token, retries: 0 }),
    ];
    const errors = await Promise.all(
      Array.from({ length: 20 }, async (_, index) =>
        publishers[index % 2]!.publish(EVENT).then(
          () => null,
          (error: PublishError) => `${error.status} ${error.code}`,
        ),
      ),
    );
    // The calls may fall into two seconds.
    expect(errors.filter((error) => error === '429 rate_limited').length).toBeGreaterThanOrEqual(14);
    expect(errors).toContain(null);
    expect(new Set(errors).size).toBe(2);
  });

  it('refuses a tenant within a second of its suspension, and one that does not exist', async () => {
    const direct = publisher.forTenant(tenant.tenantId);
    await direct.publish(EVENT);
    await api.as(ADMIN_TOKEN).put(`/api/admin/tenants/${tenant.tenantId}`).send({ status: 'suspended' }).expect(200);
    const suspended = async (): Promise<boolean> =>
      direct.publish(EVENT).then(
        () => false,
        (error: PublishError) => error.status === 403 && error.code === 'tenant_suspended',
      );
    await waitFor('the suspension', suspended, 1_500);
    for (const unknown of [`tenant_${'0'.repeat(26)}`, randomUUID()]) {
      expect(await failureOf(publisher.forTenant(unknown).publish(EVENT))).toMatchObject({ status: 403 });
    }
  });

  it('works for any login that is a member of webhooks_service', async () => {
    const role = `test_member_${randomUUID().slice(0, 8)}`;
    await execute(database.url, `CREATE ROLE ${role} LOGIN PASSWORD 'member' IN ROLE webhooks_service`);
    const url = new URL(databaseUrl(database.url, new URL(database.url).pathname.slice(1)));
    url.username = role;
    url.password = 'member';
    const own = new Pool({ connectionString: url.href, max: 1 });
    try {
      const client = await own.connect();
      await client.query('BEGIN');
      const publishing = publisher.inTransaction(tenant.tenantId, client);
      await publishing.publish({ ...EVENT, idempotencyKey: 'member' });
      await client.query('COMMIT');
      client.release();
      expect(await countEvents()).toBe(1);
    } finally {
      await own.end();
      await execute(database.url, `DROP ROLE ${role}`);
    }
  });

  it('stores events while the queue is away', async () => {
    const alone = new DirectEventPublisher({ pool, queue: { redisUrl: 'redis://127.0.0.1:1' } });
    try {
      const { eventId } = await alone.forTenant(tenant.tenantId).publish(EVENT);
      expect(await fanOutsOf(eventId)).toHaveLength(1);
    } finally {
      await alone.close();
    }
  });

  it('says that the database is away', async () => {
    const away = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => away.listen(0, '127.0.0.1', resolve));
    const nowhere = new Pool({ host: '127.0.0.1', port: (away.address() as AddressInfo).port });
    const alone = new DirectEventPublisher({ pool: nowhere, queue: { redisUrl: 'redis://127.0.0.1:1' } });
    try {
      expect(await failureOf(alone.forTenant(tenant.tenantId).publish(EVENT))).toMatchObject({
        status: 503,
        code: 'unavailable',
      });
    } finally {
      await alone.close();
      await nowhere.end();
      await new Promise((resolve) => away.close(resolve));
    }
  });
});
