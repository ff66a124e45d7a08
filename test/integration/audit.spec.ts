import { Pool } from 'pg';
import { disableWebhook } from '../../apps/dispatcher/src/webhooks/disable-webhook.queries';
import { AUDIT_ACTIONS } from '#database/audit-log.queries';
import { roleConfig } from '#database/pools';
import { firstUuidAt, formatId } from '#kernel/ids';
import { ADMIN_TOKEN, BOOTSTRAP_TOKEN, startApi, type TestApi } from '../support/api';
import { makeTenant, makeToken, type TestTenant } from '../support/factories';
import { uuidOf } from '../support/history';
import { createTestDatabase, type TestDatabase } from '../support/postgres';
import { waitFor } from '../support/wait-for';

interface Entry {
  audit_id: string;
  action: string;
  actor: { type: string; token_id: string | null; user_id: string | null };
  resource: { type: string; id: string };
  project_id: string | null;
  client_ip: string | null;
  request_id: string | null;
  details: Record<string, unknown>;
  created_at: string;
}

interface Page {
  entries: Entry[];
  pagination: { limit: number; has_more: boolean; next_cursor: string | null };
}

const SECRET = 'canary-secret-that-nobody-may-see';
const NEW_WEBHOOK = { url: 'https://receiver.example/', events: ['*'], name: 'Audited', secret: SECRET };

describe('the audit trail', () => {
  let database: TestDatabase;
  let pool: Pool;
  let api: TestApi;
  let tenant: TestTenant;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = new Pool({ connectionString: database.url, max: 2 });
    api = await startApi({ databaseUrl: database.url, env: { TRUSTED_PROXIES: '127.0.0.1' } });
  });

  afterAll(async () => {
    await api.stop();
    await pool.end();
    await database.drop();
  });

  beforeEach(async () => {
    tenant = await makeTenant(api);
  });

  const list = async (query = '', token = tenant.token): Promise<Page> =>
    (await api.as(token).get(`/api/audit${query}`).expect(200)).body as Page;
  /** Without what the requests of the test itself leave when they are noted. */
  const actions = async (query = '', token = tenant.token): Promise<string[]> =>
    (await list(query, token)).entries
      .map(({ action }) => action)
      .filter((action) => action !== 'token.used_from_new_address');
  const makeWebhook = async (more = {}, token = tenant.token): Promise<string> => {
    const made = await api
      .as(token)
      .post('/api/webhooks')
      .send({ ...NEW_WEBHOOK, ...more })
      .expect(201);
    return (made.body as { webhook_id: string }).webhook_id;
  };

  it('tells who did what to what, from where and by which request', async () => {
    const made = await api
      .as(tenant.token)
      .post('/api/webhooks')
      .set('x-forwarded-for', '203.0.113.9')
      .send({ ...NEW_WEBHOOK, project_id: 'proj_1' })
      .expect(201);
    const [entry] = (await list('?action=webhook.created')).entries;
    expect(entry).toEqual({
      audit_id: expect.stringMatching(/^audit_[0-9a-z]{26}$/) as string,
      action: 'webhook.created',
      actor: { type: 'token', token_id: tenant.tokenId, user_id: tenant.userId },
      resource: { type: 'webhook', id: (made.body as { webhook_id: string }).webhook_id },
      project_id: 'proj_1',
      client_ip: '203.0.113.9',
      request_id: made.headers['x-request-id'],
      details: {},
      created_at: expect.stringMatching(/Z$/) as string,
    });
  });

  it("holds every act upon webhooks, tokens, users and event types, and the operator's", async () => {
    const mine = api.as(tenant.token);
    const webhook = await makeWebhook();
    await mine.put(`/api/webhooks/${webhook}`).send({ url: 'https://other.example/', secret: `${SECRET}-2` });
    await mine.put(`/api/webhooks/${webhook}`).send({ active: false });
    await mine.put(`/api/webhooks/${webhook}`).send({ active: true });
    await mine.get(`/api/webhooks/${webhook}`);
    await mine.get(`/api/webhooks/${webhook}`);
    await mine.delete(`/api/webhooks/${webhook}`);
    const { tokenId } = await makeToken(api, tenant, ['events:read']);
    await mine.delete(`/api/tokens/${tokenId}`);
    const user = (await mine.post('/api/users').send({ name: 'Grace' })).body as { user_id: string };
    const ofUser = await makeToken(api, tenant, ['*'], { user_id: user.user_id });
    await mine.delete(`/api/users/${user.user_id}`);
    await mine.post('/api/event-types').send({ name: 'invoice.paid' });
    await mine.put('/api/event-types/invoice.paid').send({ description: 'Paid' });
    await mine.put('/api/event-type-settings').send({ schema_validation: { own: 'warn' } });
    await mine.delete('/api/event-types/invoice.paid');
    const admin = api.as(ADMIN_TOKEN);
    await admin.patch(`/api/admin/tenants/${tenant.tenantId}`).send({ name: 'Renamed', status: 'suspended' });
    await admin.patch(`/api/admin/tenants/${tenant.tenantId}`).send({ status: 'active', limits: { max_webhooks: 3 } });

    expect((await actions('?limit=100')).reverse()).toEqual([
      ...['tenant.created', 'user.created', 'token.created'],
      ...['webhook.created', 'webhook.updated', 'webhook.secret_changed', 'webhook.disabled', 'webhook.enabled'],
      ...['webhook.secret_read', 'webhook.deleted', 'token.created', 'token.revoked'],
      ...['user.created', 'token.created', 'user.deleted', 'token.revoked'],
      ...['event_type.created', 'event_type.updated', 'event_type.validation_changed', 'event_type.archived'],
      ...['tenant.updated', 'tenant.suspended', 'tenant.updated', 'tenant.resumed'],
    ]);
    expect((await list('?action=webhook.updated')).entries[0]?.details).toEqual({ fields: ['url', 'secret'] });
    expect((await list('?action=event_type.updated')).entries[0]?.details).toEqual({ fields: ['description'] });
    expect((await list('?action=event_type.validation_changed')).entries[0]?.details).toEqual({ fields: ['own'] });
    expect((await list(`?resource=${ofUser.tokenId}&action=token.revoked`)).entries).toHaveLength(1);
    expect((await list('?actor=operator&limit=1')).entries[0]?.actor).toEqual({
      type: 'operator',
      token_id: null,
      user_id: null,
    });
    const { rows } = await pool.query('SELECT audit_log::text AS row FROM audit_log');
    expect(JSON.stringify(rows)).not.toContain(SECRET);
    expect(JSON.stringify(rows)).not.toContain(tenant.token);
  });

  it('holds nothing of what was refused', async () => {
    const before = await actions();
    await api
      .as(tenant.token)
      .post('/api/webhooks')
      .send({ ...NEW_WEBHOOK, url: 'http://10.0.0.1/' })
      .expect(400);
    await api.as(tenant.token).delete('/api/tokens/tok_nothing').expect(404);
    await api.as(tenant.token).delete(`/api/users/${tenant.userId}`).expect(409);
    expect(await actions()).toEqual(before);
  });

  it('is not written without the act, nor the act without it', async () => {
    await pool.query(`ALTER TABLE audit_log ADD CONSTRAINT none CHECK (action <> 'user.created') NOT VALID`);
    try {
      await api.as(tenant.token).post('/api/users').send({ name: 'Nobody' }).expect(500);
      await api
        .as(ADMIN_TOKEN)
        .post('/api/admin/tenants')
        .send({ name: 'None', user: { name: 'Nobody' } })
        .expect(500);
    } finally {
      await pool.query('ALTER TABLE audit_log DROP CONSTRAINT none');
    }
    expect((await pool.query(`SELECT FROM users WHERE name = 'Nobody'`)).rowCount).toBe(0);
    expect((await pool.query(`SELECT FROM tenants WHERE name = 'None'`)).rowCount).toBe(0);
  });

  it('tells that the service disabled a webhook by itself, and why', async () => {
    const webhook = await makeWebhook();
    await disableWebhook(pool, uuidOf('tenant', tenant.tenantId), uuidOf('webhook', webhook), 'The receiver is gone');
    expect((await list(`?resource=${webhook}&actor=system`)).entries).toMatchObject([
      { action: 'webhook.disabled', client_ip: null, details: { reason: 'The receiver is gone' } },
    ]);
  });

  it('tells of the bootstrap', async () => {
    const { entries } = await list('?actor=system', BOOTSTRAP_TOKEN);
    expect(entries.map(({ action }) => action)).toEqual(['token.created', 'tenant.created']);
  });

  it('tells when a token is used from a new address, once', async () => {
    const { token, tokenId } = await makeToken(api, tenant, ['*']);
    const from = (address: string) => api.as(token).get('/api/me').set('x-forwarded-for', address).expect(200);
    for (const address of ['203.0.113.1', '203.0.113.1', '2001:db8::1', '2001:db8::2', '203.0.113.2']) {
      await from(address);
    }
    const query = `?resource=${tokenId}&action=token.used_from_new_address`;
    await waitFor('the uses to be noted', async () => (await list(query)).entries.length >= 3);
    const noted = (await list(query)).entries.map(({ client_ip, details }) => ({ client_ip, ...details })).reverse();
    expect(noted).toEqual([
      { client_ip: '203.0.113.1', network: '203.0.113.1', is_first_use: true },
      { client_ip: '2001:db8::1', network: '2001:db8:0:0::/64', is_first_use: false },
      { client_ip: '203.0.113.2', network: '203.0.113.2', is_first_use: false },
    ]);
    await from('203.0.113.7');
    await waitFor('a later use to be noted', async () => (await list(query)).entries.length === 4);
    expect((await list(query)).entries[0]?.details).toEqual({ network: '203.0.113.7', is_first_use: false });
  });

  it('tells when a token that is revoked, expired or of a suspended tenant is presented', async () => {
    const revoked = await makeToken(api, tenant, ['*']);
    const expiring = await makeToken(api, tenant, ['*'], { expires_at: new Date(Date.now() + 1_000).toISOString() });
    await api.as(tenant.token).delete(`/api/tokens/${revoked.tokenId}`).expect(200);
    for (let count = 0; count < 3; count += 1) {
      await api.as(revoked.token).get('/api/me').set('x-forwarded-for', '203.0.113.5').expect(401);
    }
    await waitFor('the token to expire', async () => (await api.as(expiring.token).get('/api/me')).status === 401);
    const query = '?action=token.refused';
    await waitFor('the refusals to be noted', async () => (await list(query)).entries.length >= 2);
    const noted = (await list(query)).entries.map(({ actor, details }) => [actor.token_id, details['reason']]);
    expect(noted.sort()).toEqual(
      [
        [revoked.tokenId, 'revoked'],
        [expiring.tokenId, 'expired'],
      ].sort(),
    );
    expect((await list(`${query}&resource=${revoked.tokenId}`)).entries[0]?.client_ip).toBe('203.0.113.5');
    const metrics = await api.anonymous.get('/metrics').expect(200);
    expect(metrics.text).toMatch(/webhooks_refused_tokens_total\{reason="revoked"\} [1-9]/);
  });

  it('is read in pages, newest first, without gaps', async () => {
    for (let count = 0; count < 7; count += 1) await makeWebhook();
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Page = await list(`?action=webhook.created&limit=3${cursor === null ? '' : `&cursor=${cursor}`}`);
      seen.push(...page.entries.map(({ audit_id }) => audit_id));
      cursor = page.pagination.next_cursor;
      expect(page.pagination.has_more).toBe(cursor !== null);
    } while (cursor !== null);
    expect(seen).toHaveLength(7);
    expect(seen).toEqual([...new Set(seen)].sort().reverse());
  });

  it('is filtered by time, half-open', async () => {
    await makeWebhook();
    const [entry] = (await list('?action=webhook.created')).entries;
    const at = entry?.created_at ?? '';
    const after = new Date(new Date(at).getTime() + 1).toISOString();
    expect(await actions(`?from=${at}&to=${after}`)).toContain('webhook.created');
    expect(await actions(`?from=${after}`)).not.toContain('webhook.created');
    expect(await actions(`?to=${at}`)).not.toContain('webhook.created');
  });

  it.each([
    ['actor=somebody', 'actor', 'must be the id of a token or a user, operator or system'],
    ['cursor=x', 'cursor', 'must be a next_cursor of this list'],
    ['action=webhook.exploded', 'action', `must be one of ${AUDIT_ACTIONS.join(', ')}`],
    ['from=2024-02-01&to=2024-01-01', 'to', 'must not be before from'],
    ['limit=101', 'limit', 'must be a whole number from 1 to 100'],
    ['offset=1', 'offset', expect.stringContaining('is not a known field') as string],
  ])('refuses the query %s', async (query, field, message) => {
    const response = await api.as(tenant.token).get(`/api/audit?${query}`).expect(400);
    expect((response.body as { details: unknown[] }).details).toEqual([{ field, message }]);
  });

  it('shows a tenant its own only, and a project what belongs to it', async () => {
    const other = await makeTenant(api);
    const theirs = await makeWebhook({}, other.token);
    const within = await makeWebhook({ project_id: 'proj_1' });
    await makeWebhook({ project_id: 'proj_2' });
    const project = await makeToken(api, tenant, ['*'], { project_id: 'proj_1' });
    expect(JSON.stringify(await list('?limit=100'))).not.toContain(theirs);
    expect((await list(`?resource=${theirs}`)).entries).toEqual([]);
    const seen = (await list('?limit=100', project.token)).entries;
    expect(seen.map(({ project_id }) => project_id)).toEqual(seen.map(() => 'proj_1'));
    expect(seen.map(({ resource }) => resource.id)).toContain(within);
  });

  it('is shown to the operator, tenant by tenant', async () => {
    const webhook = await makeWebhook();
    const seen = await api.as(ADMIN_TOKEN).get(`/api/admin/tenants/${tenant.tenantId}/audit?resource=${webhook}`);
    expect((seen.body as Page).entries).toMatchObject([{ action: 'webhook.created', resource: { id: webhook } }]);
  });

  it.each(['webhooks_request', 'webhooks_service'] as const)(
    'can be neither changed nor deleted by %s',
    async (role) => {
      await makeWebhook();
      const apps = new Pool(roleConfig(database.url, role, 'test'));
      try {
        const tenantId = uuidOf('tenant', tenant.tenantId);
        await apps.query(`SELECT set_config('app.tenant_id', $1, false)`, [tenantId]);
        for (const statement of [
          `UPDATE audit_log SET action = 'x'`,
          'DELETE FROM audit_log',
          'TRUNCATE audit_log',
          'DROP TABLE audit_log',
          `UPDATE audit_log_${await weekOf(pool)} SET action = 'x'`,
          `DELETE FROM audit_log_${await weekOf(pool)}`,
        ]) {
          await expect(apps.query(statement)).rejects.toMatchObject({ code: '42501' });
        }
        await expect(apps.query('SELECT purge_audit_of_deleted_tenant($1, 10)', [tenantId])).rejects.toMatchObject({
          code: '42501',
        });
      } finally {
        await apps.end();
      }
    },
  );

  it('goes with its tenant, in bounded steps', async () => {
    for (let count = 0; count < 5; count += 1) await makeWebhook();
    await api.as(ADMIN_TOKEN).delete(`/api/admin/tenants/${tenant.tenantId}`).expect(200);
    const operator = api.as(ADMIN_TOKEN);
    const left = await operator.get(`/api/admin/tenants/${tenant.tenantId}/audit?limit=1`).expect(200);
    expect((left.body as Page).entries).toMatchObject([{ action: 'tenant.deleted', actor: { type: 'operator' } }]);
    const apps = new Pool(roleConfig(database.url, 'webhooks_service', 'test'));
    try {
      const purge = async (): Promise<number> => {
        const answer = await apps.query<{ purged: number }>('SELECT purge_audit_of_deleted_tenant($1, 4) AS purged', [
          uuidOf('tenant', tenant.tenantId),
        ]);
        return answer.rows[0]?.purged ?? 0;
      };
      expect(await purge()).toBe(4);
      let purged = 4;
      for (let step = await purge(); step > 0; step = await purge()) purged += step;
      expect(purged).toBeGreaterThanOrEqual(9);
    } finally {
      await apps.end();
    }
  });

  it('has its partitions made ahead, and by a request that finds none', async () => {
    const { rows } = await pool.query<{ count: number }>(
      `SELECT count(*)::integer AS count FROM pg_inherits WHERE inhparent = 'audit_log'::regclass`,
    );
    expect(rows[0]?.count).toBeGreaterThanOrEqual(4);
    await pool.query(`DROP TABLE audit_log_${await weekOf(pool)}`);
    const webhook = await makeWebhook();
    expect(await actions(`?resource=${webhook}`)).toEqual(['webhook.created']);
  });

  it('reads no partition that a range leaves out', async () => {
    const { rows } = await pool.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN SELECT id FROM audit_log WHERE tenant_id = $1 AND id >= '${firstUuidAt(Date.now() - 1)}' AND id < '${firstUuidAt(Date.now() + 1)}' ORDER BY id DESC LIMIT 21`.replace(
        '$1',
        `'${uuidOf('tenant', tenant.tenantId)}'`,
      ),
    );
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(new Set(plan.match(/audit_log_\d{4}w\d\d/g)).size).toBe(1);
    expect(formatId('audit', firstUuidAt(0))).toMatch(/^audit_0{26}$/);
  });
});

/** The name of the present week in the names of partitions. */
async function weekOf(pool: Pool): Promise<string> {
  const { rows } = await pool.query<{ week: string }>(`SELECT to_char(now() AT TIME ZONE 'UTC', 'IYYY"w"IW') AS week`);
  return rows[0]?.week ?? '';
}
