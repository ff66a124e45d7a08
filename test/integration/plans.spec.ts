import { Client, escapeLiteral, Pool, type QueryConfig } from 'pg';
import type { EntityManager } from 'typeorm';
import { newUuid, firstUuidAt } from '#kernel/ids';
import { countHistory } from '../../apps/api/src/delivery-history/history-counts.queries';
import { idRange } from '../../apps/api/src/delivery-history/history-filter';
import { readHistoryPageOfType } from '../../apps/api/src/delivery-history/history-of-type.queries';
import { DELIVERY_STATUSES } from '../../apps/api/src/delivery-history/delivery-status';
import {
  readAttempts,
  readContents,
  readHistoryPage,
  type DeliveryRow,
} from '../../apps/api/src/delivery-history/history.queries';
import { readRuns } from '../../apps/api/src/inbound/logs.queries';
import { readStats } from '../../apps/api/src/stats/stats.queries';
import { cancelWaiting, MAX_CANCELLED_AT_ONCE } from '../../apps/api/src/webhooks/cancel-waiting.queries';
import { takeBatches } from '../../apps/dispatcher/src/batches/event-batches.queries';
import { writeOutcomes } from '../../apps/dispatcher/src/record/record-outcomes.queries';
import { claimRuns } from '../../apps/dispatcher/src/inbound-actions/claim-runs.queries';
import { writeRunOutcomes } from '../../apps/dispatcher/src/inbound-actions/record-runs.queries';
import { claimDue } from '../../apps/dispatcher/src/retry/claim.queries';
import { writeHistory } from '../../bench/installation/write-history';
import { createTestDatabase, type TestDatabase } from '../support/postgres';

// The plans of what is asked of a long history: none may read more of it than the answer needs. Run once before the
// planner has any statistics, as on a new installation, and once with them; with plans made once for all values, as the
// apps ask for them, and for the values at hand.

const DELIVERIES = 20_000;
const DAYS = 21;
const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
/** Unix time begins on a Thursday, a partition on a Monday. */
const MONDAY_MS = 4 * DAY_MS;
/** The start of this week, so that the history fills whole partitions of equal size, whatever day it is. */
const HISTORY_ENDS_AT = Math.floor((Date.now() - MONDAY_MS) / WEEK_MS) * WEEK_MS + MONDAY_MS;
const EVENT_TYPES = 5;
const PAGE = { limit: 21, offset: 0 };
/** Of one webhook, and how many its lane takes. */
const [WAITING, ROOM] = [20_000, 128];
/** Rows of a page, of each status, and then some. */
const ROWS_OF_A_PAGE = 200;
const [TENANT, WEBHOOK, DISPATCHER, ENDPOINT] = Array.from({ length: 4 }, () => newUuid(Date.now())) as [
  string,
  string,
  string,
  string,
];
const HISTORY = /^(events|event_payloads|deliveries|attempts|attempt_responses)(_\d|$)/;

interface PlanNode {
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Join Filter'?: number;
  Plans?: PlanNode[];
}

let database: TestDatabase;
let pool: Pool;
let client: Client;
/** Rows of the history that the statements since the last look have read. */
let rowsRead = 0;
/** Rows of the statistics by hour that they have read. */
let hoursRead = 0;
/** Rows of what waits that they have read. */
let waitingRead = 0;

/** Explains what it is asked, as a prepared statement so that `plan_cache_mode` counts, and then asks it. */
async function explain(text: string, values: unknown[]): Promise<unknown[]> {
  await client.query(`PREPARE explained AS ${text}`);
  await client.query('BEGIN');
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE explained${values.length === 0 ? '' : `(${values.map(literal).join(', ')})`}`,
  );
  await client.query('ROLLBACK; DEALLOCATE explained');
  const count = (node: PlanNode): void => {
    const { 'Rows Removed by Filter': filtered = 0, 'Rows Removed by Join Filter': joined = 0 } = node;
    if (HISTORY.test(node['Relation Name'] ?? ''))
      rowsRead += (node['Actual Rows'] + filtered + joined) * node['Actual Loops'];
    if (node['Relation Name'] === 'hourly_stats')
      hoursRead += (node['Actual Rows'] + filtered + joined) * node['Actual Loops'];
    if (node['Relation Name'] === 'waiting_deliveries' || node['Relation Name'] === 'waiting_inbound_actions')
      waitingRead += (node['Actual Rows'] + filtered + joined) * node['Actual Loops'];
    for (const child of node.Plans ?? []) count(child);
  };
  for (const row of rows) count(row['QUERY PLAN'][0].Plan);
  return (await client.query<Record<string, unknown>>(text, values)).rows;
}

/** As text, from which PostgreSQL makes the parameter's type. */
function literal(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (value instanceof Date) return escapeLiteral(value.toISOString().replace(/^\+0*/, ''));
  if (Array.isArray(value)) return escapeLiteral(`{${value.map((element) => JSON.stringify(element)).join(',')}}`);
  if (typeof value === 'string' || typeof value === 'number') return escapeLiteral(value.toString());
  throw new TypeError(`a ${typeof value} has no literal here`);
}

const manager = {
  query: explain,
  queryRunner: {
    connect: () => ({
      query: async ({ text, values }: { text: string; values: unknown[] }) => ({ rows: await explain(text, values) }),
    }),
  },
} as unknown as EntityManager;

/** Of one connection, which explains what it is asked and leaves transactions out. */
const connection = {
  query: async (query: string | { text: string; values?: unknown[] }, values?: unknown[]) => {
    if (typeof query === 'object') return { rows: await explain(query.text, query.values ?? []) };
    return { rows: values === undefined ? [] : await explain(query, values) };
  },
  ...{ on: () => undefined, off: () => undefined, release: () => undefined },
};
const asPool = { ...connection, connect: () => connection } as unknown as Pool;

async function rowsReadBy(ask: () => Promise<unknown>): Promise<number> {
  rowsRead = 0;
  await ask();
  return rowsRead;
}

/** The connection itself, for what would begin and commit a transaction. */
const withoutTransactions = {
  query: async (query: string | QueryConfig, values?: unknown[]) =>
    query === 'BEGIN' || query === 'COMMIT' ? { rows: [] } : client.query(query as QueryConfig, values),
  connect: () => Promise.resolve(withoutTransactions),
  ...{ on: () => undefined, off: () => undefined, release: () => undefined },
} as unknown as Pool;

/** What comes of statements whose values may be binary, and how many rows of a table's partitions they read, by whatever way. */
async function fetchedBy<T>(
  table: string,
  ask: (connection: Pool) => Promise<T>,
): Promise<{ result: T; rows: number }> {
  // What the connection's earlier transactions read may still be among the counts.
  const readSoFar = async (): Promise<number> => {
    const { rows } = await client.query<{ sum: string }>(
      `SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) AS sum FROM pg_stat_xact_user_tables
       WHERE relname ~ ('^' || $1 || '_\\d')`,
      [table],
    );
    return Number(rows[0]?.sum);
  };
  await client.query('BEGIN');
  try {
    const before = await readSoFar();
    const result = await ask(withoutTransactions);
    return { result, rows: (await readSoFar()) - before };
  } finally {
    await client.query('ROLLBACK');
  }
}

async function insertWaitingDeliveries(): Promise<void> {
  await pool.query(
    `INSERT INTO waiting_deliveries (delivery_id, tenant_id, webhook_id, due_at, priority)
     SELECT gen_random_uuid(), $1, $2, now() - make_interval(secs => n), 0 FROM generate_series(1, $3) n`,
    [TENANT, WEBHOOK, WAITING],
  );
  await pool.query('ANALYZE waiting_deliveries');
}

beforeAll(async () => {
  database = await createTestDatabase();
  pool = new Pool({ connectionString: database.url, max: 1 });
  client = new Client({ connectionString: database.url });
  await client.connect();
  await writeHistory(pool, {
    ...{ tenantId: TENANT, webhookId: WEBHOOK, deliveries: DELIVERIES, days: DAYS, statsDays: DAYS, isAnalysed: false },
    until: new Date(HISTORY_ENDS_AT),
  });
  await pool.query(`INSERT INTO tenants (id, name) VALUES ($1, 'Plans')`, [TENANT]);
  await pool.query(`INSERT INTO dispatchers (id, host, pid) VALUES ($1, 'here', 1)`, [DISPATCHER]);
});

afterAll(async () => {
  await client.end();
  await pool.end();
  await database.drop();
});

describe.each([
  ['before the first ANALYZE', 'force_generic_plan'],
  ['with statistics', 'force_generic_plan'],
  ['with statistics', 'force_custom_plan'],
])('%s, %s', (when, mode) => {
  beforeAll(async () => {
    if (when === 'with statistics') await pool.query('ANALYZE');
    await client.query(`SELECT set_config('app.tenant_id', $1, false)`, [TENANT]);
    await client.query(`SET plan_cache_mode = ${mode}`);
    await client.query('SET ROLE webhooks_request');
  });
  afterEach(async () => {
    await pool.query('DELETE FROM waiting_deliveries');
    await pool.query('DELETE FROM waiting_inbound_actions');
    await client.query('SET ROLE webhooks_request');
  });

  const now = HISTORY_ENDS_AT;
  const middle = firstUuidAt(now - (DAYS / 2) * DAY_MS);

  it.each([
    ['the first page', idRange({})],
    ['a deep page', { ...idRange({}), until: middle }],
    ['a page of a day', idRange({ fromMs: now - 11 * DAY_MS, untilMs: now - 10 * DAY_MS })],
  ])('%s reads little more than its rows', async (_, range) => {
    let page: DeliveryRow[] = [];
    const read = await rowsReadBy(async () => {
      page = await readHistoryPage(manager, TENANT, WEBHOOK, DELIVERY_STATUSES, range, PAGE);
    });
    expect(page).toHaveLength(PAGE.limit);
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThanOrEqual(ROWS_OF_A_PAGE);

    const contents = await rowsReadBy(() => readContents(manager, TENANT, page));
    expect(contents).toBeGreaterThan(0);
    expect(contents).toBeLessThanOrEqual(ROWS_OF_A_PAGE);
    const ids = page.map(({ id }) => id);
    expect(await rowsReadBy(() => readAttempts(manager, TENANT, ids, false))).toBeLessThanOrEqual(ROWS_OF_A_PAGE);
  });

  it('a page of one status reads little more than its rows', async () => {
    const read = () => readHistoryPage(manager, TENANT, WEBHOOK, ['failed'], idRange({}), PAGE);
    // One in ten failed: to go by time and leave the others out is as good as the index that leads to them.
    expect(await rowsReadBy(read)).toBeLessThanOrEqual(2 * ROWS_OF_A_PAGE);
  });

  it('a page of one event type reads only the hours that it needs', async () => {
    const filter = { eventType: 'build.failed', status: undefined, from: idRange({}).from, until: middle };
    const read = await rowsReadBy(() => readHistoryPageOfType(manager, TENANT, WEBHOOK, filter, PAGE));
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThanOrEqual(DELIVERIES / 20);
  });

  it('counts come without the history', async () => {
    expect(await rowsReadBy(() => countHistory(manager, TENANT, WEBHOOK, {}))).toBe(0);
    const ofType = { eventType: 'build.failed' };
    // Of a range without ends there is no part of an hour to count.
    expect(await rowsReadBy(() => countHistory(manager, TENANT, WEBHOOK, ofType))).toBeLessThanOrEqual(ROWS_OF_A_PAGE);
  });

  it('statistics come without the history', async () => {
    const range = { fromMs: now - DAYS * DAY_MS, untilMs: now };
    expect(await rowsReadBy(() => readStats(manager, TENANT, WEBHOOK, 'day', range))).toBe(0);
  });

  it('statistics by day read few hours', async () => {
    // Half of its first day and half of its last.
    const range = { fromMs: now - (DAYS - 0.5) * DAY_MS, untilMs: now - 0.5 * DAY_MS };
    hoursRead = 0;
    await readStats(manager, TENANT, WEBHOOK, 'day', range);
    expect(hoursRead).toBeGreaterThan(0);
    // Of the first and of the last day, looked at twice.
    expect(hoursRead).toBeLessThanOrEqual(2 * 2 * 24 * EVENT_TYPES);
  });

  it('a claim reads what it takes only', async () => {
    await insertWaitingDeliveries();
    await client.query('SET ROLE webhooks_service');
    waitingRead = 0;
    await claimDue(asPool, DISPATCHER, [{ tenantId: TENANT, webhookId: WEBHOOK, room: ROOM }]);
    expect(waitingRead).toBeGreaterThanOrEqual(ROOM);
    // Found, locked and deleted.
    expect(waitingRead).toBeLessThanOrEqual(4 * ROOM);
  });

  it('cancelling what waits reads as much as is cancelled at once', async () => {
    await insertWaitingDeliveries();
    waitingRead = 0;
    // TypeORM answers an UPDATE with the rows and how many they are.
    const updates = { query: async (text: string, values: unknown[]) => [await explain(text, values), 0] };
    expect(await rowsReadBy(() => cancelWaiting(updates as unknown as EntityManager, TENANT, WEBHOOK, 'Deleted'))).toBe(
      0,
    );
    expect(waitingRead).toBeGreaterThanOrEqual(MAX_CANCELLED_AT_ONCE);
    // Found, locked and deleted.
    expect(waitingRead).toBeLessThanOrEqual(4 * MAX_CANCELLED_AT_ONCE);
  });

  it('a claim of inbound actions reads what it takes only', async () => {
    await pool.query(
      `INSERT INTO waiting_inbound_actions (run_id, tenant_id, endpoint_id, due_at)
       SELECT gen_random_uuid(), $1, $2, now() - make_interval(secs => n) FROM generate_series(1, $3) n`,
      [TENANT, ENDPOINT, WAITING],
    );
    await pool.query('ANALYZE waiting_inbound_actions');
    await client.query('SET ROLE webhooks_service');
    waitingRead = 0;
    await claimRuns(asPool, DISPATCHER, [{ tenantId: TENANT, endpointId: ENDPOINT, room: ROOM }]);
    expect(waitingRead).toBeGreaterThanOrEqual(ROOM);
    // Found, locked, updated, and deleted since their runs are not there.
    expect(waitingRead).toBeLessThanOrEqual(6 * ROOM);
  });

  it('the contents of a page are found by their ids, however far apart they lie', async () => {
    const { rows } = await pool.query<DeliveryRow>(
      '(SELECT * FROM deliveries ORDER BY id LIMIT 1) UNION ALL (SELECT * FROM deliveries ORDER BY id DESC LIMIT 1)',
    );
    const ids = rows.map(({ id }) => id);
    expect(await rowsReadBy(() => readContents(manager, TENANT, rows))).toBeLessThanOrEqual(10);
    expect(await rowsReadBy(() => readAttempts(manager, TENANT, ids, true))).toBeLessThanOrEqual(10);
  });

  it('deliveries are claimed and recorded by their ids, however far apart they lie', async () => {
    await pool.query(
      `WITH ends AS (
         UPDATE deliveries SET status = 'pending', state = 'retrying', owner = NULL
         WHERE id = ANY(ARRAY(SELECT unnest(array[min(id::text), max(id::text)])::uuid FROM deliveries)) RETURNING id)
       INSERT INTO waiting_deliveries (delivery_id, tenant_id, webhook_id, due_at, priority) SELECT id, $1, $2, now(), 0 FROM ends`,
      [TENANT, WEBHOOK],
    );
    await client.query('SET ROLE webhooks_service');
    const read = await fetchedBy('(deliveries|events|event_payloads)', async (connection) => {
      const claimed = await claimDue(connection, DISPATCHER, [{ tenantId: TENANT, webhookId: WEBHOOK, room: 2 }]);
      const outcomes = claimed.map(({ work }) => ({
        ...{ work, state: 'delivered' as const, attempt: null, isProbe: false, dueAtMs: null },
      }));
      return writeOutcomes(connection, outcomes);
    });
    expect(read.result.size).toBe(2);
    expect(read.rows).toBeLessThanOrEqual(20);
  });

  it('runs of inbound actions are claimed and recorded by their ids, however far apart they lie', async () => {
    await pool.query(
      `INSERT INTO inbound_action_runs (id, tenant_id, endpoint_id, request_id, action_id, position, type)
       SELECT id, $1, $2, id, id, 0, 'log' FROM deliveries ON CONFLICT DO NOTHING`,
      [TENANT, ENDPOINT],
    );
    if (when === 'with statistics') await pool.query('ANALYZE inbound_action_runs');
    await pool.query(
      `INSERT INTO waiting_inbound_actions (run_id, tenant_id, endpoint_id, due_at)
       SELECT unnest(array[min(id::text), max(id::text)])::uuid, $1, $2, now() FROM inbound_action_runs`,
      [TENANT, ENDPOINT],
    );
    await client.query('SET ROLE webhooks_service');
    const read = await fetchedBy('inbound_action_runs', async (connection) => {
      const claimed = await claimRuns(connection, DISPATCHER, [{ tenantId: TENANT, endpointId: ENDPOINT, room: 2 }]);
      const asManager = {
        query: async (text: string, values: unknown[]) => (await client.query<object>(text, values)).rows,
      };
      const ids = claimed.map(({ work }) => work.runId);
      await readRuns(asManager as unknown as EntityManager, TENANT, ids);
      const outcomes = claimed.map(({ work }) => ({
        ...{ work, status: 'succeeded' as const, counts: true, dueAtMs: null, result: '{}', error: null },
      }));
      return writeRunOutcomes(connection, outcomes);
    });
    expect(read.result.size).toBe(2);
    expect(read.rows).toBeLessThanOrEqual(20);
  });

  it('a fan-out reads its own events only', async () => {
    const { rows } = await pool.query<{ id: string }>('SELECT id FROM events WHERE id < $1 ORDER BY id DESC LIMIT 3', [
      middle,
    ]);
    const batchId = newUuid(Date.now());
    await pool.query('INSERT INTO event_batches (id, due_at, event_ids) VALUES ($1, now(), $2)', [
      batchId,
      rows.map(({ id }) => id),
    ]);
    await client.query('SET ROLE webhooks_service');
    const read = await rowsReadBy(async () => {
      const {
        batches: [batch],
      } = await takeBatches(asPool, DISPATCHER, [batchId]);
      expect(batch?.isOpen).toBe(true);
      expect(batch?.events).toHaveLength(rows.length);
    });
    expect(read).toBe(2 * rows.length);
  });
});
