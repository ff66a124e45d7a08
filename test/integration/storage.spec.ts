import { ADMIN_TOKEN } from '../support/api';
import { startService, type TestService } from '../support/apps-in-process';
import { POSTGRES_BACKEND } from '../support/backends';
import { writeDelivery } from '../support/history';
import { DAY_MS, makePastPartitions } from '../support/retention';
import { waitFor } from '../support/wait-for';

interface Storage {
  total_bytes: number;
  retention: object;
  tables: { table: string; bytes: number; estimated_rows: number | null }[];
  history: {
    table: string;
    keep_days: number;
    oldest_at: string | null;
    newest_at: string | null;
    next_drop: { partition: string; status: string; drop_due_at: string } | null;
    partitions: { partition: string; bytes: number; status: string }[];
  }[];
  backlog: object;
}

describe('GET /api/admin/storage', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startService(POSTGRES_BACKEND, { dispatchers: 0 });
  });

  afterAll(async () => {
    await service.stop();
  });

  it('says what is kept, since when, and what goes next', async () => {
    const nowMs = Date.now();
    await makePastPartitions(service.pool, nowMs, 60);
    const webhook = await service.webhook({ url: 'http://127.0.0.1:9' });
    const past = { tenantId: service.tenant.tenantId, webhookId: webhook.publicId };
    await writeDelivery(service.pool, { ...past, atMs: nowMs - 50 * DAY_MS });
    await writeDelivery(service.pool, { ...past, atMs: nowMs - DAY_MS, state: 'retrying', dueAtMs: nowMs + DAY_MS });
    await service.rows('ANALYZE events, deliveries');
    const answer = await service.api.as(ADMIN_TOKEN).get('/api/admin/storage').expect(200);
    const storage = answer.body as Storage;
    expect(storage.retention).toEqual({ payload_days: 30, record_days: 90, audit_days: 365, stats_days: 400 });
    expect(storage.backlog).toEqual({ fan_outs: 0, deliveries: 1, redelivery_jobs: 0, tenants_to_delete: 0 });
    const sizes = new Map(storage.tables.map((table) => [table.table, table]));
    expect(sizes.get('deliveries')).toMatchObject({ estimated_rows: 2 });
    expect([...sizes.keys()].some((name) => name.startsWith('bullmq.'))).toBe(true);
    expect(storage.total_bytes).toBeGreaterThan(sizes.get('deliveries')?.bytes ?? Infinity);
    const of = (table: string) => storage.history.find((history) => history.table === table);
    expect(Date.parse(of('deliveries')?.oldest_at ?? '')).toBe(nowMs - 50 * DAY_MS);
    expect(Date.parse(of('deliveries')?.newest_at ?? '')).toBe(nowMs - DAY_MS);
    expect(of('deliveries')?.next_drop).toMatchObject({ status: 'kept' });
    expect(of('event_payloads')?.next_drop).toMatchObject({ status: 'due' });
    expect(of('deliveries')?.partitions.length).toBeGreaterThanOrEqual(12);
    expect(of('inbound_requests')).toMatchObject({ keep_days: 90, oldest_at: null, next_drop: null });
  });

  it('is for the operator only', async () => {
    await service.api.as(service.tenant.token).get('/api/admin/storage').expect(401);
    await service.api.anonymous.get('/api/admin/storage').expect(401);
  });

  it('is in the metrics of the dispatchers too', async () => {
    const { url } = await service.addDispatcher();
    await waitFor('the measurement', async () => {
      const metrics = await (await fetch(`${url}/metrics`)).text();
      return (
        /^webhooks_storage_bytes\{table="deliveries"\} [1-9]/m.test(metrics) &&
        /^webhooks_storage_partitions_due\{table="deliveries"\} 0/m.test(metrics)
      );
    });
  });
});
