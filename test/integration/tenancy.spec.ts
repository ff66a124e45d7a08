import { Client } from 'pg';
import { ADMIN_TOKEN, BOOTSTRAP_TOKEN, startApi, type TestApi } from '../support/api';
import { makeTenant, makeToken, type TestTenant } from '../support/factories';
import { uuidOf } from '../support/history';
import { createTestDatabase, type TestDatabase } from '../support/postgres';
import { queryRows } from '../support/query-rows';
import { waitFor } from '../support/wait-for';

const DEFAULT_LIMITS = {
  max_webhooks: null,
  events_per_second: null,
  max_event_bytes: null,
  tests_per_minute: null,
  payload_retention_days: null,
  record_retention_days: null,
};

describe('tenancy', () => {
  let database: TestDatabase;
  let api: TestApi;

  beforeAll(async () => {
    database = await createTestDatabase();
    api = await startApi({ databaseUrl: database.url });
  });

  afterAll(async () => {
    await api.stop();
    await database.drop();
  });

  describe('the operator API', () => {
    it('makes, lists, changes and deletes tenants', async () => {
      const admin = api.as(ADMIN_TOKEN);
      const made = await admin
        .post('/api/admin/tenants')
        .send({ name: 'Example Inc.', user: { name: 'Ada', email: 'ada@example.com' }, limits: { max_webhooks: 3 } })
        .expect(201);
      const { tenant_id: id, token } = made.body as { tenant_id: string; token: { token: string } };
      expect(made.body).toEqual({
        tenant_id: expect.stringMatching(/^tenant_[0-9a-z]{26}$/) as string,
        name: 'Example Inc.',
        status: 'active',
        limits: { ...DEFAULT_LIMITS, max_webhooks: 3 },
        allowed_cidrs: [],
        created_at: expect.stringMatching(/Z$/) as string,
        user: {
          user_id: expect.stringMatching(/^user_/) as string,
          name: 'Ada',
          email: 'ada@example.com',
          created_at: expect.stringMatching(/Z$/) as string,
        },
        token: {
          token_id: expect.stringMatching(/^tok_/) as string,
          token: expect.stringMatching(/^trae_[\w-]{43}$/) as string,
          scopes: ['*'],
        },
      });
      await api.as(token.token).get('/api/me').expect(200);

      const list = await admin.get('/api/admin/tenants?limit=100').expect(200);
      expect(list.body).toMatchObject({ pagination: { limit: 100, offset: 0, has_more: false } });
      expect((list.body as { tenants: { tenant_id: string }[] }).tenants.map((tenant) => tenant.tenant_id)).toContain(
        id,
      );

      const renamed = await admin
        .put(`/api/admin/tenants/${id}`)
        .send({ name: 'Other', limits: { tests_per_minute: 5 } });
      expect(renamed.body).toMatchObject({ name: 'Other', limits: { ...DEFAULT_LIMITS, tests_per_minute: 5 } });
      expect((await admin.get(`/api/admin/tenants/${id}`).expect(200)).body).toEqual(renamed.body);
      expect((await api.as(token.token).get('/api/me').expect(200)).body).toMatchObject({
        limits: { tests_per_minute: 5 },
      });

      const deleted = await admin.delete(`/api/admin/tenants/${id}`).expect(200);
      expect(deleted.body).toMatchObject({ message: 'Tenant deleted successfully', tenant_id: id });
      await admin.get(`/api/admin/tenants/${id}`).expect(404);
      await admin.delete(`/api/admin/tenants/${id}`).expect(404);
      await admin.patch(`/api/admin/tenants/${id}`).send({ status: 'active' }).expect(404);
      await api.as(token.token).get('/api/me').expect(401);
    });

    it('deletes a tenant while one of its webhooks is being changed', async () => {
      const tenant = await makeTenant(api);
      const body = { url: 'https://receiver.example/', events: ['*'], name: 'Being changed' };
      const made = await api.as(tenant.token).post('/api/webhooks').send(body).expect(201);
      const client = new Client({ connectionString: database.url });
      await client.connect();
      try {
        // As a change does: first the webhook, then its tenant.
        await client.query('BEGIN');
        await client.query('SELECT FROM webhooks WHERE id = $1 FOR UPDATE', [
          uuidOf('webhook', (made.body as { webhook_id: string }).webhook_id),
        ]);
        const deleting = Promise.resolve(api.as(ADMIN_TOKEN).delete(`/api/admin/tenants/${tenant.tenantId}`));
        await waitFor('the deletion to wait for the webhook', async () => {
          const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
          return (await queryRows(database.url, waiting)).length > 0;
        });
        await client.query('UPDATE tenants SET webhooks_version = webhooks_version + 1 WHERE id = $1', [
          uuidOf('tenant', tenant.tenantId),
        ]);
        await client.query('COMMIT');
        expect((await deleting).status).toBe(200);
      } finally {
        await client.end();
      }
      const webhooks = 'SELECT active FROM webhooks WHERE tenant_id = $1';
      expect(await queryRows(database.url, webhooks, [uuidOf('tenant', tenant.tenantId)])).toEqual([{ active: false }]);
    });

    it('is closed to everybody else', async () => {
      const tenant = await makeTenant(api);
      await api.anonymous.get('/api/admin/tenants').expect(401);
      await api.as(tenant.token).get('/api/admin/tenants').expect(401);
      await api.as(`${ADMIN_TOKEN}x`).get('/api/admin/tenants').expect(401);
      await api.as(ADMIN_TOKEN).get('/api/users').expect(401);
    });

    it('does not exist without ADMIN_TOKEN', async () => {
      const closed = await startApi({ databaseUrl: database.url, env: { ADMIN_TOKEN: '' } });
      try {
        for (const path of ['/api/admin', '/api/admin/tenants', '/api/admin/tenants/tenant_x']) {
          const response = await closed.as(ADMIN_TOKEN).get(path).expect(404);
          expect(response.body).toMatchObject({ code: 'not_found', message: `GET ${path} not found` });
        }
      } finally {
        await closed.stop();
      }
    });
  });

  describe('users', () => {
    let tenant: TestTenant;
    let other: TestTenant;

    beforeEach(async () => {
      [tenant, other] = await Promise.all([makeTenant(api), makeTenant(api)]);
    });

    it('are made, listed and deleted with their tokens', async () => {
      const mine = api.as(tenant.token);
      const made = await mine.post('/api/users').send({ name: 'Grace', email: 'grace@example.com' }).expect(201);
      const { user_id } = made.body as { user_id: string };
      expect(made.body).toMatchObject({ name: 'Grace', email: 'grace@example.com' });
      expect((await mine.get(`/api/users/${user_id}`).expect(200)).body).toEqual(made.body);
      const firstPage = await mine.get('/api/users?limit=1').expect(200);
      expect(firstPage.body).toMatchObject({ total: 2, pagination: { limit: 1, offset: 0, has_more: true } });
      const secondPage = await mine.get('/api/users?limit=1&offset=1').expect(200);
      expect(secondPage.body).toMatchObject({ users: [{ user_id }], pagination: { has_more: false } });

      const { token } = await makeToken(api, tenant, ['*'], { user_id });
      await api.as(token).get('/api/me').expect(200);
      await mine.delete(`/api/users/${user_id}`).expect(200);
      await api.as(token).get('/api/me').expect(401);
      await mine.get(`/api/users/${user_id}`).expect(404);
      await mine.delete(`/api/users/${user_id}`).expect(404);
      await mine
        .post('/api/tokens')
        .send({ name: 'x', scopes: ['*'], user_id })
        .expect(400);
    });

    it('do not delete themselves', async () => {
      const response = await api.as(tenant.token).delete(`/api/users/${tenant.userId}`).expect(409);
      expect(response.body).toMatchObject({ code: 'own_user' });
    });

    it('and tokens of another tenant do not exist', async () => {
      const mine = api.as(tenant.token);
      await mine.get(`/api/users/${other.userId}`).expect(404);
      await mine.delete(`/api/users/${other.userId}`).expect(404);
      await mine.delete(`/api/tokens/${other.tokenId}`).expect(404);
      await mine.delete('/api/tokens/tok_nothing').expect(404);
      await mine.get(`/api/users/${other.tokenId}`).expect(404);
      for (const path of ['/api/users', '/api/tokens']) {
        const list = await mine.get(path).expect(200);
        expect(list.body).toMatchObject({ total: 1 });
        expect(list.text).not.toContain(other.userId);
      }
      await api.as(other.token).get('/api/me').expect(200);
    });
  });

  describe('BOOTSTRAP_TOKEN', () => {
    it('makes one tenant, user and token, also when several instances start at once and again', async () => {
      const own = await createTestDatabase();
      try {
        const both = await Promise.all([startApi({ databaseUrl: own.url }), startApi({ databaseUrl: own.url })]);
        for (const one of both) await one.as(BOOTSTRAP_TOKEN).get('/api/me').expect(200);
        await Promise.all(both.map((one) => one.stop()));

        const nextToken = `another-${BOOTSTRAP_TOKEN}`;
        const again = await startApi({ databaseUrl: own.url, env: { BOOTSTRAP_TOKEN: nextToken } });
        const old = await again.as(BOOTSTRAP_TOKEN).get('/api/me').expect(200);
        const fresh = await again.as(nextToken).get('/api/me').expect(200);
        expect(old.body).toMatchObject({ tenant_name: 'Default', user: { name: 'Owner' }, token: { scopes: ['*'] } });
        expect((fresh.body as { tenant_id: string }).tenant_id).toBe((old.body as { tenant_id: string }).tenant_id);
        expect(await count(own.url)).toEqual({ tenants: '1', users: '1', tokens: '2' });
        await again.stop();
      } finally {
        await own.drop();
      }
    });
  });
});

async function count(url: string): Promise<unknown> {
  const counts = ['tenants', 'users', 'tokens'].map((table) => `(SELECT count(*) FROM ${table}) AS ${table}`);
  return (await queryRows(url, `SELECT ${counts.join(', ')}`))[0];
}
