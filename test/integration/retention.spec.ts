import { Client } from 'pg';
import { DROP_MARK } from '#database/partitions.queries';
import { formatId } from '#kernel/ids';
import { startService, type TestService } from '../support/apps-in-process';
import { POSTGRES_BACKEND } from '../support/backends';
import { writeDelivery, type PastDelivery } from '../support/history';
import type { TestWebhook } from '../support/insert-webhook';
import { startReceiver, type Receiver } from '../support/receiver';
import { DAY_MS, makePastPartitions, partitionAt, retain, weeksOf } from '../support/retention';
import { waitFor } from '../support/wait-for';

/** So many days of history there are. */
const DAYS = 200;

describe('retention', () => {
  let service: TestService;
  let receiver: Receiver;
  let webhook: TestWebhook;
  const nowMs = Date.now();
  const daysAgo = (days: number): number => nowMs - days * DAY_MS;

  beforeEach(async () => {
    service = await startService(POSTGRES_BACKEND, { dispatchers: 0 });
    receiver = await startReceiver();
    await makePastPartitions(service.pool, nowMs, DAYS);
    webhook = await service.webhook({ url: receiver.origin, atMs: daysAgo(DAYS) });
  });

  afterEach(async () => {
    await service.stop();
    await receiver.stop();
  });

  const write = async (days: number, more: Partial<PastDelivery> = {}): Promise<string> => {
    const past = { tenantId: service.tenant.tenantId, webhookId: webhook.publicId, atMs: daysAgo(days), ...more };
    return formatId('del', (await writeDelivery(service.pool, past)).id);
  };
  const run = (more = {}) => retain(service.databaseUrl, nowMs, more);
  const get = (path: string) => service.api.as(service.tenant.token).get(`/api/webhooks/${webhook.publicId}${path}`);
  /** A dispatcher whose own first run of retention is over, and the past it then finds. */
  const addDispatcher = async (): Promise<void> => {
    const { url } = await service.addDispatcher();
    await waitFor("the dispatcher's own run", async () =>
      /^webhooks_retention_last_run_timestamp_seconds [1-9]/m.test(await (await fetch(`${url}/metrics`)).text()),
    );
    await makePastPartitions(service.pool, nowMs, DAYS);
  };
  const exists = async (name: string): Promise<boolean> =>
    (await service.rows<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [name]))[0]?.found ?? false;

  it('drops the weeks whose time is over, payloads before records, and nothing else', async () => {
    for (const days of [3, 20, 50, 80, 120, 190]) await write(days);
    const before = await weeksOf(service.pool, 'deliveries');
    const report = await run();
    // A week goes when its last instant has had its time.
    const [payloads, records] = await Promise.all([
      weeksOf(service.pool, 'event_payloads'),
      weeksOf(service.pool, 'deliveries'),
    ]);
    expect(before.length - records.length).toBeGreaterThanOrEqual(14);
    expect(records.length - payloads.length).toBeGreaterThanOrEqual(8);
    expect(report?.dropped).toContain(await partitionAt(service.pool, 'event_payloads', daysAgo(50)));
    for (const table of ['events', 'deliveries', 'attempts', 'inbound_requests']) {
      expect(await exists(await partitionAt(service.pool, table, daysAgo(120)))).toBe(false);
      expect(await exists(await partitionAt(service.pool, table, daysAgo(89)))).toBe(true);
    }
    expect(await exists(await partitionAt(service.pool, 'attempt_responses', daysAgo(29)))).toBe(true);
    const left = await service.rows<{ deliveries: number; payloads: number; attempts: number }>(`
      SELECT (SELECT count(*)::integer FROM deliveries) AS deliveries, (SELECT count(*)::integer FROM event_payloads) AS payloads,
        (SELECT count(*)::integer FROM attempts) AS attempts`);
    expect(left).toEqual([{ deliveries: 4, payloads: 2, attempts: 4 }]);
    expect(await run()).toMatchObject({ dropped: [], reduced: [], kept: [] });
  });

  it('shows lists, totals and details as if all had gone at the instant at which its time was over', async () => {
    const ids = new Map<number, string>();
    for (const days of [3, 31, 80, 91, 120]) ids.set(days, await write(days));
    const check = async (): Promise<void> => {
      const list = (await get('/deliveries').expect(200)).body as {
        deliveries: { delivery_id: string }[];
        total: number;
        stats: { total_deliveries: number };
      };
      expect(list.deliveries.map(({ delivery_id: id }) => id)).toEqual([ids.get(3), ids.get(31), ids.get(80)]);
      expect(list.total).toBe(3);
      expect(list.stats.total_deliveries).toBe(3);
      await get(`/deliveries/${ids.get(120)}`).expect(404);
      const kept = (await get(`/deliveries/${ids.get(3)}`).expect(200)).body as object;
      expect(kept).toMatchObject({ payload: { data: { n: 1 } }, response_body: 'OK' });
      expect(kept).not.toHaveProperty('payload_expired');
      expect((await get(`/deliveries/${ids.get(31)}`).expect(200)).body).toMatchObject({
        payload: null,
        payload_expired: true,
        response_body: null,
        attempt_log: [{ response_code: 200, response_body: null }],
      });
    };
    await check();
    await run();
    await check();
    const redeliver = (days: number) =>
      service.api
        .as(service.tenant.token)
        .post(`/api/webhooks/${webhook.publicId}/deliveries/${ids.get(days)}/redeliver`);
    expect((await redeliver(31).expect(410)).body).toMatchObject({ code: 'payload_gone' });
    await redeliver(3).expect(202);
  });

  it('keeps what unfinished work needs, and delivers it', async () => {
    await write(120);
    const id = await write(120, { state: 'retrying', dueAtMs: nowMs, data: '{"old":true}' });
    const scheduled = await writeDelivery(service.pool, {
      tenantId: service.tenant.tenantId,
      webhookId: webhook.publicId,
      atMs: daysAgo(60),
    });
    await service.rows('INSERT INTO event_batches (id, due_at, event_ids) VALUES ($1, $2, $3)', [
      scheduled.eventId,
      new Date(nowMs + DAY_MS),
      [scheduled.eventId],
    ]);
    const report = await run();
    const needed = await Promise.all(
      ['events', 'event_payloads', 'deliveries', 'attempts'].map((table) =>
        partitionAt(service.pool, table, daysAgo(120)),
      ),
    );
    expect(report?.kept).toEqual(
      expect.arrayContaining([...needed, await partitionAt(service.pool, 'event_payloads', daysAgo(60))]),
    );
    expect(await exists(await partitionAt(service.pool, 'attempt_responses', daysAgo(120)))).toBe(false);
    await service.addDispatcher();
    await receiver.waitFor(1);
    expect(receiver.requests[0]).toMatchObject({ deliveryId: id, body: { data: { old: true } } });
    await waitFor('the outcome', async () => {
      const rows = await service.rows(`SELECT FROM deliveries WHERE status = 'pending'`);
      return rows.length === 0;
    });
    expect((await run())?.dropped).toEqual(expect.arrayContaining(needed));
  });

  it('gives the room of a week back of which unfinished work needs only some rows', async () => {
    const id = await write(60, { state: 'retrying', dueAtMs: nowMs, data: '{"old":true}' });
    const partition = await partitionAt(service.pool, 'event_payloads', daysAgo(60));
    await service.rows(
      `INSERT INTO event_payloads SELECT (left(uuid_floor($1)::text, 24) || lpad(to_hex(n), 12, '0'))::uuid, gen_random_uuid(), convert_to(repeat(md5(n::text), 30), 'UTF8')
       FROM generate_series(1, 5000) n`,
      [new Date(daysAgo(60))],
    );
    const bytes = async (): Promise<number> =>
      Number(
        (await service.rows<{ bytes: string }>('SELECT pg_total_relation_size($1) AS bytes', [partition]))[0]?.bytes,
      );
    const before = await bytes();
    expect((await run())?.reduced).toEqual([partition]);
    expect(await bytes()).toBeLessThan(before / 10);
    expect(await run()).toMatchObject({ reduced: [], kept: expect.arrayContaining([partition]) as string[] });
    await service.addDispatcher();
    await receiver.waitFor(1);
    expect(receiver.requests[0]).toMatchObject({ deliveryId: id, body: { data: { old: true } } });
  });

  it('goes on where it was interrupted, at whichever step', async () => {
    const [detached, detaching, marked] = await Promise.all(
      [150, 160, 170].map((days) => partitionAt(service.pool, 'deliveries', daysAgo(days))),
    );
    for (const name of [detached, detaching, marked]) await service.rows(`COMMENT ON TABLE ${name} IS '${DROP_MARK}'`);
    await service.rows(`ALTER TABLE deliveries DETACH PARTITION ${detached} CONCURRENTLY`);
    const reader = await beginReading(service.databaseUrl);
    await expect(
      retainer(service.databaseUrl, `ALTER TABLE deliveries DETACH PARTITION ${detaching} CONCURRENTLY`),
    ).rejects.toThrow('lock timeout');
    await reader.end();
    const others = await partitionAt(service.pool, 'events', daysAgo(3));
    await service.rows(`CREATE TABLE deliveries_archive_of_the_operator (id uuid)`);
    const report = await run();
    expect(report?.dropped).toEqual(expect.arrayContaining([detached, detaching, marked]));
    for (const name of [detached, detaching, marked]) expect(await exists(String(name))).toBe(false);
    expect(await exists(others)).toBe(true);
    expect(await exists('deliveries_archive_of_the_operator')).toBe(true);
  });

  it('lets publishing and delivering go on while it waits for somebody who reads an old week', async () => {
    await addDispatcher();
    await write(120);
    const reader = await beginReading(service.databaseUrl);
    let ended = false;
    const running = run().finally(() => {
      ended = true;
    });
    await waitFor('retention to wait for the reader', async () => {
      const rows = await service.rows(
        `SELECT FROM pg_stat_activity WHERE application_name = 'webhooks-retention' AND wait_event_type = 'Lock'`,
      );
      return rows.length > 0;
    });
    for (let count = 1; count <= 20; count += 1) {
      const startedAt = performance.now();
      await service.publish();
      expect(performance.now() - startedAt).toBeLessThan(2_000);
    }
    await receiver.waitFor(20);
    await get('/deliveries').expect(200);
    await service.rows(`SELECT ensure_partitions(now(), now() + interval '60 days')`);
    expect(ended).toBe(false);
    await reader.end();
    expect((await running)?.dropped).toContain(await partitionAt(service.pool, 'deliveries', daysAgo(120)));
  });

  it('is done by one process at a time', async () => {
    const reader = await beginReading(service.databaseUrl);
    const running = run();
    await waitFor('the first to begin', async () => {
      const rows = await service.rows(`SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = $1`, [
        7_206_154_885 % 2 ** 32,
      ]);
      return rows.length > 0;
    });
    expect(await run()).toBeNull();
    await reader.end();
    expect((await running)?.dropped).toContain(await partitionAt(service.pool, 'deliveries', daysAgo(120)));
  });

  it('loses nothing that is published and delivered meanwhile', async () => {
    await addDispatcher();
    for (let week = 5; week * 7 < DAYS; week += 1) await write(week * 7);
    let published = 0;
    const ended = new AbortController();
    const publishing = (async () => {
      while (!ended.signal.aborted) {
        await Promise.all(Array.from({ length: 10 }, () => service.publish()));
        published += 10;
      }
    })();
    const report = await run();
    ended.abort();
    await publishing;
    expect(report?.dropped.length).toBeGreaterThan(100);
    await receiver.waitFor(published, 30_000);
    await waitFor('all outcomes', async () => {
      const [row] = await service.rows<{ successes: number }>(
        `SELECT count(*)::integer AS successes FROM deliveries WHERE status = 'success' AND id >= uuid_floor($1)`,
        [new Date(nowMs)],
      );
      return row?.successes === published;
    });
  });

  it('deletes earlier what a tenant keeps for less, and leaves its neighbours alone', async () => {
    const admin = service.api.as('the-operators-token-of-the-tests-0123456789');
    await admin
      .patch(`/api/admin/tenants/${service.tenant.tenantId}`)
      .send({ limits: { payload_retention_days: 2, record_retention_days: 10 } })
      .expect(200);
    const other = await service.rows<{ id: string }>(`
      INSERT INTO tenants (id, name) VALUES (gen_random_uuid(), 'Neighbour') RETURNING id`);
    const otherId = formatId('tenant', other[0]?.id ?? '');
    for (const days of [1, 3, 12]) {
      await write(days);
      await write(days, { tenantId: otherId });
    }
    await write(12, { state: 'retrying', dueAtMs: nowMs + DAY_MS, data: '{"held":1}' });
    const count = async (table: string) =>
      (
        await service.rows<{ mine: number; theirs: number }>(
          `SELECT count(*) FILTER (WHERE tenant_id <> $1)::integer AS mine, count(*) FILTER (WHERE tenant_id = $1)::integer AS theirs FROM ${table}`,
          [other[0]?.id],
        )
      )[0];
    expect((await run())?.rowsOfTenants).toBeGreaterThan(0);
    expect(await count('deliveries')).toEqual({ mine: 3, theirs: 3 }); // one of them pending
    expect(await count('attempts')).toEqual({ mine: 3, theirs: 3 });
    expect(await count('attempt_responses')).toEqual({ mine: 2, theirs: 3 });
    expect(await count('event_payloads')).toEqual({ mine: 2, theirs: 3 });
    expect(await count('events')).toEqual({ mine: 3, theirs: 3 });
    expect(await run()).toMatchObject({ rowsOfTenants: 0 });
    await admin
      .patch(`/api/admin/tenants/${service.tenant.tenantId}`)
      .send({ limits: { payload_retention_days: 0 } })
      .expect(400);
  });

  it('deletes statistics, webhooks and tokens long after they ended, and no younger ones', async () => {
    const webhooks = [
      await service.webhook({ url: receiver.origin }),
      await service.webhook({ url: receiver.origin }),
      webhook,
    ];
    await write(60);
    await service.rows('UPDATE webhooks SET deleted_at = $2 WHERE id = ANY ($1)', [
      [webhooks[0]?.id, webhook.id],
      new Date(daysAgo(150)),
    ]);
    await service.rows('UPDATE webhooks SET deleted_at = $2 WHERE id = $1', [webhooks[1]?.id, new Date(daysAgo(80))]);
    await service.rows(
      `INSERT INTO hourly_stats SELECT id, date_trunc('hour', $1::timestamptz) - make_interval(days => d), 't', tenant_id, 1, 1, 0, 0, 1, 1, '{1}', '{1}'
       FROM webhooks, unnest('{365, 399, 401}'::integer[]) d WHERE id = $2`,
      [new Date(nowMs), webhook.id],
    );
    await service.rows(
      `INSERT INTO daily_stats SELECT webhook_id, date_trunc('day', hour, 'UTC'), event_type, tenant_id, 1, 1, 0, 0, 1, 1, '{}', '{}'
       FROM hourly_stats`,
    );
    const report = await run();
    expect(report).toMatchObject({ statsDeleted: 1, formerDeleted: 1 });
    const left = await service.rows<{ id: string }>('SELECT id FROM webhooks ORDER BY id');
    // One is too young, and one still has a delivery.
    expect(left.map(({ id }) => id)).toEqual([webhook.id, webhooks[1]?.id].sort());
  });
});

/** Somebody who reads the history, old weeks included, and takes their time. */
async function beginReading(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('BEGIN');
  await client.query('SELECT count(*) FROM deliveries');
  return client;
}

/** Runs a statement as retention does, with less patience. */
async function retainer(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url, options: '-c role=webhooks_retention -c lock_timeout=200' });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
