import { Pool } from 'pg';
import { migrationDataSource } from '#database/data-source';
import { DailyStats1795539600000 } from '../../migrations/1795539600000-daily-stats';
import { startApi, type TestApi } from '../support/api';
import { makeTenant, makeToken, type TestTenant } from '../support/factories';
import { foldAll } from '../support/fold-all';
import { writeDelivery, type PastAttempt, type PastDelivery } from '../support/history';
import { createTestDatabase, type TestDatabase } from '../support/postgres';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const INSTANT = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/) as string;

interface Stats {
  start_date: string;
  end_date: string;
  overall_stats: Record<string, number | null>;
  daily_stats?: { date: string; total_deliveries: number }[];
  hourly_stats?: { date: string; total_deliveries: number }[];
  weekly_stats?: { date: string; total_deliveries: number }[];
  monthly_stats?: { date: string; total_deliveries: number }[];
  event_type_stats: { event_type: string; total_deliveries: number }[];
}

describe('statistics', () => {
  let database: TestDatabase;
  let pool: Pool;
  let api: TestApi;
  let tenant: TestTenant;
  let webhookId: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = new Pool({ connectionString: database.url, max: 2 });
    await pool.query(`SELECT ensure_partitions(now() - interval '80 days', now())`);
    api = await startApi({ databaseUrl: database.url, env: { DELIVERY_ALLOWED_CIDRS: '127.0.0.0/8' } });
  });

  beforeEach(async () => {
    tenant = await makeTenant(api);
    const body = { url: 'http://127.0.0.1:9/', events: ['*'], name: 'Statistics' };
    const made = await api.as(tenant.token).post('/api/webhooks').send(body).expect(201);
    webhookId = (made.body as { webhook_id: string }).webhook_id;
  });

  afterAll(async () => {
    await api.stop();
    await pool.end();
    await database.drop();
  });

  const write = async (past: Partial<PastDelivery> & { atMs: number }): Promise<void> => {
    await writeDelivery(pool, { tenantId: tenant.tenantId, webhookId, ...past });
  };
  const read = async (query: object = {}): Promise<Stats> =>
    (await api.as(tenant.token).get(`/api/webhooks/${webhookId}/stats`).query(query).expect(200)).body as Stats;
  const midnight = (): number => Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const took = (ms: number): PastAttempt[] => [{ code: 200, ms }];

  it("have the reference's shape", async () => {
    const dayMs = midnight() - 6 * DAY_MS;
    await write({ atMs: dayMs, attempts: took(200) });
    await write({ atMs: dayMs + DAY_MS, attempts: took(200), eventType: 'build.failed' });
    await write({ atMs: dayMs + DAY_MS, attempts: took(500), eventType: 'build.failed', state: 'exhausted' });
    await write({ atMs: dayMs + DAY_MS, state: 'queued', dueAtMs: Date.now() });
    const day = (at: number): string => new Date(at).toISOString().slice(0, 10);
    const answer = await read({ period: 'day', start_date: day(dayMs), end_date: day(dayMs + DAY_MS) });
    expect(answer).toEqual({
      webhook_id: webhookId,
      period: 'day',
      start_date: `${day(dayMs)}T00:00:00Z`,
      end_date: `${day(dayMs + DAY_MS)}T23:59:59Z`,
      overall_stats: {
        total_deliveries: 4,
        successful_deliveries: 2,
        failed_deliveries: 1,
        pending_deliveries: 1,
        success_rate: 66.67,
        average_response_time: 300,
        median_response_time: expect.any(Number) as number,
        p95_response_time: expect.any(Number) as number,
      },
      daily_stats: [
        {
          date: day(dayMs),
          total_deliveries: 1,
          successful_deliveries: 1,
          failed_deliveries: 0,
          success_rate: 100,
          average_response_time: 200,
        },
        {
          date: day(dayMs + DAY_MS),
          total_deliveries: 3,
          successful_deliveries: 1,
          failed_deliveries: 1,
          success_rate: 50,
          average_response_time: 350,
        },
      ],
      event_type_stats: [
        {
          event_type: 'build.completed',
          total_deliveries: 2,
          successful_deliveries: 1,
          failed_deliveries: 0,
          success_rate: 100,
        },
        {
          event_type: 'build.failed',
          total_deliveries: 2,
          successful_deliveries: 1,
          failed_deliveries: 1,
          success_rate: 50,
        },
      ],
    });
  });

  it('are zeros, a rate of 100 and null times for a webhook without deliveries', async () => {
    const answer = await read();
    expect(answer).toMatchObject({ period: 'day', start_date: INSTANT, end_date: INSTANT, event_type_stats: [] });
    expect(answer.overall_stats).toEqual({
      total_deliveries: 0,
      successful_deliveries: 0,
      failed_deliveries: 0,
      pending_deliveries: 0,
      success_rate: 100,
      average_response_time: null,
      median_response_time: null,
      p95_response_time: null,
    });
    expect(answer.daily_stats).toHaveLength(7);
    expect(answer.daily_stats?.at(-1)?.date).toBe(new Date().toISOString().slice(0, 10));
  });

  it('give percentiles within 2 % and exact counts, folded or not', async () => {
    const times = Array.from({ length: 40 }, (_, index) => 100 + index * 10);
    for (const [index, ms] of times.entries()) {
      await write({ atMs: Date.now() - index, attempts: took(ms) });
      if (index === 19) await foldAll(pool);
    }
    const halfFolded = await read();
    await foldAll(pool);
    const folded = await read();
    for (const { overall_stats } of [halfFolded, folded]) {
      expect(overall_stats).toMatchObject({
        total_deliveries: 40,
        successful_deliveries: 40,
        average_response_time: 295,
      });
      expect(Math.abs(overall_stats['median_response_time']! / 290 - 1)).toBeLessThanOrEqual(0.02);
      expect(Math.abs(overall_stats['p95_response_time']! / 470 - 1)).toBeLessThanOrEqual(0.02);
    }
    expect(folded).toEqual(halfFolded);
  });

  it.each([
    ['hour', 'hourly_stats', 24, /^\d{4}-\d{2}-\d{2}T\d{2}:00:00Z$/],
    ['day', 'daily_stats', 7, /^\d{4}-\d{2}-\d{2}$/],
    ['week', 'weekly_stats', 12, /^\d{4}-\d{2}-\d{2}$/],
    ['month', 'monthly_stats', 12, /^\d{4}-\d{2}-01$/],
  ] as const)('by %s come as %s without gaps', async (period, series, count, form) => {
    await write({ atMs: Date.now() });
    await write({ atMs: Date.now() - 70 * DAY_MS });
    const answer = await read({ period });
    const points = answer[series]!;
    expect(points).toHaveLength(count);
    for (const { date } of points) expect(date).toMatch(form);
    if (period === 'week') for (const { date } of points) expect(new Date(date).getUTCDay()).toBe(1);
    expect(points.at(-1)).toMatchObject({ total_deliveries: 1 });
    const total = points.reduce((sum, point) => sum + point.total_deliveries, 0);
    expect(total).toBe(period === 'week' || period === 'month' ? 2 : 1);
    expect(answer.overall_stats).toMatchObject({ total_deliveries: total });
  });

  it.each([
    ['period', 'period=year'],
    ['start_date', 'period=hour&start_date=2020-01-01'],
    ['start_date', 'start_date=9999-01-01'],
    ['end_date', 'start_date=2024-01-02&end_date=2023-12-30'],
    ['end_date', 'end_date=2024-13-01'],
    ['unknown', 'unknown=1'],
  ])('refuse a wrong %s: ?%s', async (field, query) => {
    const response = await api.as(tenant.token).get(`/api/webhooks/${webhookId}/stats?${query}`).expect(400);
    expect(response.body).toMatchObject({ code: 'invalid_request', details: [{ field }] });
  });

  it.each(['start_date=0000-01-01&end_date=0000-01-02', 'period=month&start_date=1969-12-31T23:59:59Z'])(
    'take dates before there were any: ?%s',
    async (query) => {
      await api.as(tenant.token).get(`/api/webhooks/${webhookId}/stats?${query}`).expect(200);
    },
  );

  it('are the same of hours, of whole days and of what begins and ends within a day', async () => {
    const at = (days: number, hours: number): number => midnight() - days * DAY_MS + hours * HOUR_MS;
    await write({ atMs: at(3, 5), attempts: took(100) });
    await write({ atMs: at(3, 6), attempts: took(200), eventType: 'build.failed' });
    await write({ atMs: at(2, 0), attempts: took(300) });
    await write({ atMs: at(2, 23), attempts: took(400), state: 'exhausted' });
    await write({ atMs: at(1, 3), attempts: took(500) });
    await write({ atMs: at(1, 4), attempts: took(600) });
    await foldAll(pool);
    const instant = (atMs: number): string => new Date(atMs).toISOString();
    for (const [fromMs, untilMs, total] of [
      [at(3, 0), at(0, 0), 6],
      [at(3, 6), at(1, 4), 4],
      [at(3, 6), at(2, 1), 2],
      [at(2, 1), at(2, 20), 0],
      [at(2, 0), at(2, 23), 1],
      [at(1, 4), at(0, 0), 1],
    ] as const) {
      const range = { start_date: instant(fromMs), end_date: instant(untilMs) };
      const byHour = await read({ period: 'hour', ...range });
      const byDay = await read({ period: 'day', ...range });
      expect(byHour.overall_stats).toMatchObject({ total_deliveries: total });
      expect(byDay.overall_stats).toEqual(byHour.overall_stats);
      expect(byDay.event_type_stats).toEqual(byHour.event_type_stats);
      const counted = (byDay.daily_stats ?? []).reduce((sum, day) => sum + day.total_deliveries, 0);
      expect(counted).toBe(total);
    }
  });

  it('by day come of the hours that were there before there were days', async () => {
    const dayMs = midnight() - 2 * DAY_MS;
    for (const [hour, ms] of [100, 200, 300].entries())
      await write({ atMs: dayMs + hour * HOUR_MS, attempts: took(ms) });
    await write({ atMs: dayMs + HOUR_MS, attempts: took(900), eventType: 'build.failed', state: 'exhausted' });
    await foldAll(pool);
    const query = { period: 'day', start_date: new Date(dayMs).toISOString() };
    const before = await read(query);
    const runner = migrationDataSource(database.url);
    await runner.initialize();
    try {
      const migration = new DailyStats1795539600000();
      await migration.down(runner.createQueryRunner());
      await migration.up(runner.createQueryRunner());
    } finally {
      await runner.destroy();
    }
    expect(before.overall_stats).toMatchObject({ total_deliveries: 4, average_response_time: 375 });
    expect(await read(query)).toEqual(before);
  });

  it('stay readable after the webhook is deleted, and are 404 for strangers', async () => {
    await write({ atMs: Date.now() });
    const stranger = (await makeTenant(api)).token;
    const bound = (await makeToken(api, tenant, ['*'], { project_id: 'proj_1' })).token;
    for (const token of [stranger, bound]) await api.as(token).get(`/api/webhooks/${webhookId}/stats`).expect(404);
    await api.as(tenant.token).delete(`/api/webhooks/${webhookId}`).expect(200);
    expect(await read()).toMatchObject({ overall_stats: { total_deliveries: 1 } });
  });
});
