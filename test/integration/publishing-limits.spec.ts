import { parseId } from '#kernel/ids';
import { createTestDatabase, type TestDatabase } from '../support/postgres';
import { startApi, type TestApi } from '../support/api';
import { makeTenant, makeToken } from '../support/factories';
import { queryRows } from '../support/query-rows';

const EVENT = { event: 'build.completed', data: { build_id: 'build_123', project_id: 'proj_123', status: 'success' } };

describe('limits and scheduling of what is published', () => {
  let database: TestDatabase;
  let api: TestApi;
  let other: TestApi;

  beforeAll(async () => {
    database = await createTestDatabase();
    api = await startApi({ databaseUrl: database.url });
    other = await startApi({ databaseUrl: database.url });
  });

  afterAll(async () => {
    await Promise.all([api.stop(), other.stop()]);
    await database.drop();
  });

  describe('events per second', () => {
    it('never lets two instances together accept more than the limit in one second', async () => {
      const tenant = await makeTenant(api, 'Limited', { events_per_second: 25 });
      const beganAt = Date.now();
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, index) =>
          (index % 2 === 0 ? api : other).as(tenant.token).post('/api/events').send(EVENT),
        ),
      );
      const secondsTouched = Math.floor(Date.now() / 1000) - Math.floor(beganAt / 1000) + 1;
      const accepted = answers.filter((answer) => answer.status === 202);
      const refused = answers.filter((answer) => answer.status === 429);
      expect(accepted.length + refused.length).toBe(200);
      expect(accepted.length).toBeGreaterThanOrEqual(25);
      expect(accepted.length).toBeLessThanOrEqual(25 * secondsTouched);
      const stored = await queryRows<{ n: string }>(
        database.url,
        'SELECT count(*) AS n FROM events WHERE tenant_id = $1',
        [parseId('tenant', tenant.tenantId)],
      );
      expect(Number(stored[0]?.n)).toBe(accepted.length);
      expect(refused.length).toBeGreaterThan(100);
      expect(refused[0]?.headers).toMatchObject({
        'retry-after': '1',
        'ratelimit-limit': '25',
        'ratelimit-remaining': '0',
      });
      expect(refused[0]?.body).toMatchObject({ statusCode: 429, code: 'rate_limited' });
      expect(accepted[0]?.headers).toMatchObject({ 'ratelimit-limit': '25' });
    });

    it('refuses only those items of a batch that go beyond the limit', async () => {
      const tenant = await makeTenant(api, 'Small batches', { events_per_second: 3 });
      const answer = await api
        .as(tenant.token)
        .post('/api/events/batch')
        .send({ events: Array.from({ length: 5 }, () => EVENT) })
        .expect(202);
      const ok = { status: 'accepted' };
      const refused = { status: 'rejected', error: { statusCode: 429, code: 'rate_limited' } };
      expect(answer.body).toMatchObject({ accepted: 3, rejected: 2, events: [ok, ok, ok, refused, refused] });
    });

    it('says nothing of limits to a tenant without one', async () => {
      const tenant = await makeTenant(api);
      const answer = await api.as(tenant.token).post('/api/events').send(EVENT).expect(202);
      expect(answer.headers['ratelimit-limit']).toBeUndefined();
    });
  });

  describe('scheduled events', () => {
    const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString();

    it('can be cancelled until they go out, once, and only by their tenant', async () => {
      const [tenant, stranger] = [await makeTenant(api), await makeTenant(api)];
      const published = await api
        .as(tenant.token)
        .post('/api/events')
        .send({ ...EVENT, event_id: 'later-1', deliver_at: inAnHour() })
        .expect(202);
      expect(published.body).toMatchObject({ event_id: 'later-1' });
      await api.as(stranger.token).delete('/api/events/later-1').expect(404);
      const cancelled = await api.as(tenant.token).delete('/api/events/later-1').expect(200);
      expect(cancelled.body).toEqual({
        message: 'Event cancelled successfully',
        event_id: 'later-1',
        cancelled_at: expect.stringMatching(/^\d{4}-.*Z$/) as unknown,
      });
      const event = await api.as(tenant.token).get('/api/events/later-1').expect(200);
      expect(event.body).toMatchObject({ status: 'cancelled', deliveries: [] });
      await api.as(tenant.token).delete('/api/events/later-1').expect(409);
    });

    it('cannot be cancelled when they are not scheduled', async () => {
      const tenant = await makeTenant(api);
      await api
        .as(tenant.token)
        .post('/api/events')
        .send({ ...EVENT, event_id: 'now-1' })
        .expect(202);
      const answer = await api.as(tenant.token).delete('/api/events/now-1').expect(409);
      expect(answer.body).toMatchObject({ code: 'not_scheduled' });
    });

    it('need events:write to be cancelled', async () => {
      const tenant = await makeTenant(api);
      const reader = await makeToken(api, tenant, ['events:read']);
      await api.as(reader.token).delete('/api/events/any').expect(403);
    });

    it('are at most 30 days ahead', async () => {
      const tenant = await makeTenant(api);
      const answer = await api
        .as(tenant.token)
        .post('/api/events')
        .send({ ...EVENT, deliver_at: new Date(Date.now() + 31 * 86_400_000).toISOString() })
        .expect(400);
      expect(answer.body).toMatchObject({
        details: [{ field: 'deliver_at', message: 'must be at most 30 days ahead' }],
      });
    });
  });
});
