import { parseId, uuidTimeMs } from '#kernel/ids';
import { MAX_LOOKED_AT } from '../../apps/api/src/events/events.queries';
import { startService, type TestService } from '../support/apps-in-process';
import { POSTGRES_BACKEND } from '../support/backends';
import { makeTenant, type TestTenant } from '../support/factories';

interface Page {
  events: { event_id: string; event: string; project_id: string | null }[];
  next_cursor: string | null;
  pagination: { limit: number; has_more: boolean };
}

describe('the list of events', () => {
  let service: TestService;
  let tenant: TestTenant;

  beforeAll(async () => {
    service = await startService(POSTGRES_BACKEND, { dispatchers: 0 });
    tenant = await makeTenant(service.api);
  });
  afterAll(() => service.stop());

  const list = async (query: string): Promise<Page> =>
    (await service.api.as(tenant.token).get(`/api/events?${query}`).expect(200)).body as Page;
  /** Events of a past minute, the rare one first. */
  const insert = (common: number): Promise<unknown> =>
    service.rows(
      `INSERT INTO events (id, tenant_id, project_id, type, occurred_at, version, data_bytes)
       SELECT overlay(uuid_floor(now() - interval '1 minute')::text PLACING '-7' || lpad(to_hex(n / 65536), 3, '0') || '-8000-' || lpad(to_hex(n % 65536), 12, '0') FROM 14)::uuid,
         $1, CASE n WHEN 0 THEN 'rare' END, CASE n WHEN 0 THEN 'build.failed' ELSE 'build.completed' END, now(), '1', 2
       FROM generate_series(0, $2::integer) n`,
      [parseId('tenant', tenant.tenantId), common],
    );

  it('is empty, and says that nothing follows', async () => {
    expect(await list('event_type=build.failed')).toEqual({
      ...{ events: [], next_cursor: null },
      pagination: { limit: 20, has_more: false },
    });
  });

  it('refuses a pattern, which would find nothing', async () => {
    const answer = await service.api.as(tenant.token).get('/api/events?event_type=build.*').expect(400);
    expect(answer.body).toMatchObject({
      details: [{ field: 'event_type', message: expect.stringContaining('exact') as string }],
    });
  });

  it('goes through a bounded number of events for a rare one, and leads on to it', async () => {
    await insert(MAX_LOOKED_AT + 5);
    for (const filter of ['event_type=build.failed', 'project_id=rare']) {
      const first = await list(filter);
      expect(first).toMatchObject({ events: [], pagination: { has_more: true } });
      const second = await list(`${filter}&cursor=${String(first.next_cursor)}`);
      expect(second.events).toMatchObject([{ event: 'build.failed', project_id: 'rare' }]);
      expect(second).toMatchObject({ next_cursor: null, pagination: { has_more: false } });
    }
  });

  it('has full pages of what is frequent, each event once and newest first', async () => {
    const first = await list('event_type=build.completed&limit=50');
    const second = await list(`event_type=build.completed&limit=50&cursor=${String(first.next_cursor)}`);
    const ids = [...first.events, ...second.events].map(({ event_id }) => event_id);
    expect(new Set(ids).size).toBe(100);
    expect(ids).toEqual(ids.toSorted().reverse());
    expect(uuidTimeMs(String(second.next_cursor))).toBeLessThan(Date.now());
  });
});
