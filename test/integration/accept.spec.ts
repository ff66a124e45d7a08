import { startService, type Published, type TestService } from '../support/apps-in-process';
import { makeTenant, type TestTenant } from '../support/factories';
import { acceptEvents } from '#accept/accept-events';
import type { NewEvent } from '#accept/new-event';
import { parseId, newUuid } from '#kernel/ids';
import { Pool } from 'pg';

const POSTGRES = {
  kind: 'postgres' as const,
  redisUrl: null,
  env: () => ({ REDIS_URL: '' }),
  emptyQueues: () => Promise.resolve(),
};

interface Item {
  status: 'accepted' | 'rejected';
  event_id?: string;
  duplicate?: boolean;
  error?: { statusCode: number; code: string };
}

describe('accepting events', () => {
  let service: TestService;
  let tenant: TestTenant;

  beforeAll(async () => {
    service = await startService(POSTGRES, { dispatchers: 0 });
  });
  beforeEach(async () => {
    tenant = await makeTenant(service.api);
  });
  afterAll(async () => {
    await service.stop();
  });

  const send = (body: string | object, key?: string, token = tenant.token) => {
    const request = service.api.as(token).post('/api/events').set('content-type', 'application/json');
    if (key !== undefined) request.set('idempotency-key', key);
    return request.send(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const sendBatch = async (events: object[], key?: string): Promise<Item[]> => {
    const request = service.api.as(tenant.token).post('/api/events/batch');
    if (key !== undefined) request.set('idempotency-key', key);
    const response = await request.send({ events }).expect(202);
    return (response.body as { events: Item[] }).events;
  };
  const storedEvents = (id = tenant.tenantId): Promise<{ id: string; client_event_id: string | null }[]> =>
    service.rows('SELECT id, client_event_id FROM events WHERE tenant_id = $1 ORDER BY id', [parseId('tenant', id)]);
  const event = (number = 1, more: object = {}): object => ({ event: 'build.completed', data: { number }, ...more });

  it('answers the same key and body with the first event', async () => {
    const first = (await send(event(), 'key-1').expect(202)).body as Published;
    const second = (await send(event(), 'key-1').expect(202)).body as Published;
    expect(first).toMatchObject({ status: 'accepted', duplicate: false });
    expect(second).toEqual({ ...first, duplicate: true });
    expect(await storedEvents()).toHaveLength(1);
  });

  it('refuses the same key with another body with 422', async () => {
    await send(event(1), 'key-1').expect(202);
    const refused = await send(event(2), 'key-1').expect(422);
    expect(refused.body).toMatchObject({ code: 'idempotency_mismatch', details: [{ field: 'Idempotency-Key' }] });
    await send(event(3, { event_id: 'mine' })).expect(202);
    const again = await send(event(4, { event_id: 'mine' })).expect(422);
    expect(again.body).toMatchObject({ code: 'idempotency_mismatch', details: [{ field: 'event_id' }] });
    expect(await storedEvents()).toHaveLength(2);
  });

  it('makes one event of 20 identical publishes at once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(event(1, { event_id: 'once' }), 'key-1')));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    expect(answers.filter(({ body }) => !(body as Published).duplicate)).toHaveLength(1);
    expect(new Set(answers.map(({ body }) => (body as Published).event_id))).toEqual(new Set(['once']));
    expect(await storedEvents()).toHaveLength(1);
  });

  it('accepts exactly one of 20 different bodies under one key at once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => send(event(index), 'key-1')));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 422)).toHaveLength(19);
    expect(await storedEvents()).toHaveLength(1);
  });

  it.each([
    { known: 'event_id', first: { event_id: 'known' }, firstKey: undefined },
    { known: 'Idempotency-Key', first: {}, firstKey: 'known-key' },
  ])('with a known $known and a new other key, nothing is stored and no key is taken', async ({ first, firstKey }) => {
    await send(event(1, first), firstKey).expect(202);
    const both = await send(event(1, { event_id: firstKey === undefined ? 'known' : 'new' }), firstKey ?? 'new-key');
    // The body with an event_id differs from the one without.
    expect(both.status).toBe(firstKey === undefined ? 202 : 422);
    expect(await storedEvents()).toHaveLength(1);
    // The key that was new is still free.
    const free = firstKey === undefined ? send(event(2), 'new-key') : send(event(2, { event_id: 'new' }));
    expect((await free.expect(202)).body).toMatchObject({ duplicate: false });
    expect(await storedEvents()).toHaveLength(2);
  });

  it('keeps the keys of tenants apart', async () => {
    const other = await makeTenant(service.api);
    const one = await send(event(1, { event_id: 'same' }), 'key-1').expect(202);
    const two = await send(event(2, { event_id: 'same' }), 'key-1', other.token).expect(202);
    expect(one.body).toMatchObject({ duplicate: false });
    expect(two.body).toMatchObject({ duplicate: false });
    expect(await storedEvents(other.tenantId)).toHaveLength(1);
  });

  it('accepts a key again once it expired', async () => {
    await send(event(1), 'key-1').expect(202);
    await service.rows(`UPDATE idempotency_keys SET expires_at = now() WHERE tenant_id = $1`, [
      parseId('tenant', tenant.tenantId),
    ]);
    expect((await send(event(2), 'key-1').expect(202)).body).toMatchObject({ duplicate: false });
  });

  it('answers the items of a batch in order: the first of an event_id counts, the others are its duplicates', async () => {
    for (let round = 0; round < 10; round += 1) {
      const id = `twice_${round}`;
      const items = await sendBatch([
        event(1, { event_id: id }),
        event(1, { event_id: id }),
        event(2, { event_id: id }),
        event(3),
        event(1, { event_id: id }),
      ]);
      expect(items.map(({ duplicate, error }) => error?.statusCode ?? duplicate)).toEqual([
        ...[false, true, 422, false, true],
      ]);
    }
    expect(await storedEvents()).toHaveLength(20);
  });

  it('accepts the good items of a batch beside the bad ones', async () => {
    const items = await sendBatch([
      event(1),
      { event: 'no.such.type', data: {} },
      event(2, { event_id: 'not allowed!' }),
      event(3, { data: [] }),
      event(4),
      event(5, { ordering_key: 'a\u0000b' }),
      event(6, { data: { text: 'a\u0000b \ud800' } }),
    ]);
    expect(items.map(({ status }) => status)).toEqual([
      ...['accepted', 'rejected', 'rejected', 'rejected', 'accepted', 'rejected', 'accepted'],
    ]);
    expect(items.filter(({ error }) => error !== undefined).map(({ error }) => error?.statusCode)).toEqual([
      ...[400, 400, 400, 400],
    ]);
    expect(await storedEvents()).toHaveLength(3);
  });

  it('answers a batch sent again under the same key item by item as duplicates', async () => {
    const events = [event(1), event(2)];
    const first = await sendBatch(events, 'batch-1');
    const second = await sendBatch(events, 'batch-1');
    expect(second).toEqual(first.map((item) => ({ ...item, duplicate: true })));
    expect(await storedEvents()).toHaveLength(2);
  });

  it('accepts a batch of 1,000 and refuses one of 1,001', async () => {
    const items = await sendBatch(Array.from({ length: 1_000 }, (_, index) => event(index)));
    expect(items.every(({ status }) => status === 'accepted')).toBe(true);
    expect(new Set(items.map((item) => item.event_id)).size).toBe(1_000);
    await service.api
      .as(tenant.token)
      .post('/api/events/batch')
      .send({ events: Array.from({ length: 1_001 }, () => event()) })
      .expect(400);
    expect(await storedEvents()).toHaveLength(1_000);
  });

  it('does not fail the others of a commit for an event that the database refuses', async () => {
    // No publish request gets this far with a type that is too much for the row; the wall behind it must hold too.
    await service.rows(`ALTER TABLE events ADD CONSTRAINT no_poison CHECK (project_id <> 'poison')`);
    try {
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          send(event(index, { project_id: index % 10 === 5 ? 'poison' : 'proj_1' })),
        ),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map((_, index) => (index % 10 === 5 ? 500 : 202)));
      expect(await storedEvents()).toHaveLength(36);
    } finally {
      await service.rows('ALTER TABLE events DROP CONSTRAINT no_poison');
    }
  });

  it('keeps data byte for byte', async () => {
    const data = '{"id":1234567890123456789,  "price":1.0, "e":1E+2, "u":"\\u00e9\\ud83d\\ude00", "nul":"\\u0000"}';
    const { event_id: id } = (await send(`{"event":"build.completed", "data" :${data} }`).expect(202))
      .body as Published;
    const [row] = await service.rows<{ data: Buffer }>(
      'SELECT data FROM event_payloads JOIN events ON id = event_id WHERE id = $1',
      [parseId('event', id)],
    );
    expect(row?.data.toString('utf8')).toBe(data);
    const read = await service.api.as(tenant.token).get(`/api/events/${id}`).expect(200);
    expect(read.text).toContain(`"data":${data}`);
  });

  it('never deadlocks when batches hold the same keys in opposite order', async () => {
    const pool = new Pool({ connectionString: service.databaseUrl, max: 8 });
    const ids = Array.from({ length: 200 }, (_, index) => `crossing_${index}`);
    const newEvents = (order: string[]): NewEvent[] =>
      order.map((clientEventId) => ({
        id: newUuid(Date.now()),
        tenantId: parseId('tenant', tenant.tenantId) ?? '',
        ...{ projectId: null, type: 'build.completed', clientEventId, occurredAtMs: Date.now(), version: '1' },
        ...{ priority: 'normal', orderingKey: null, deliverAtMs: null, idempotencyKey: `key-${clientEventId}` },
        data: Buffer.from('{}'),
        fingerprint: Buffer.alloc(32),
      }));
    try {
      const batches = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          acceptEvents(pool, newEvents(index % 2 === 0 ? ids : ids.toReversed()), Date.now()),
        ),
      );
      const accepted = batches.flatMap(({ acceptances }) => acceptances).filter(({ kind }) => kind === 'accepted');
      expect(accepted).toHaveLength(200);
      const [stats] = await service.rows<{ deadlocks: string }>(
        'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
      );
      expect(stats?.deadlocks).toBe('0');
    } finally {
      await pool.end();
    }
    expect(await storedEvents()).toHaveLength(200);
  });
});
