import { Client, type Pool } from 'pg';
import { parseId } from '#kernel/ids';
import { SERVICE_POOL } from '#database/database.module';
import { startApi, type TestApi } from '../support/api';
import { makeTenant, makeToken, type TestTenant } from '../support/factories';
import { createTestDatabase, type TestDatabase } from '../support/postgres';
import { queryRows } from '../support/query-rows';
import { startTcpProxy } from '../support/tcp-proxy';
import { waitFor } from '../support/wait-for';

interface Me {
  tenant_id: string;
  user: { user_id: string };
  token: { token_id: string; scopes: string[]; project_id: string | null; last_used_at: string | null };
}

describe('tokens', () => {
  let database: TestDatabase;
  let api: TestApi;
  let secondApi: TestApi;
  let tenant: TestTenant;

  beforeAll(async () => {
    database = await createTestDatabase();
    [api, secondApi] = await Promise.all([
      startApi({ databaseUrl: database.url }),
      startApi({ databaseUrl: database.url }),
    ]);
  });

  beforeEach(async () => {
    tenant = await makeTenant(api);
  });

  afterAll(async () => {
    await Promise.all([api.stop(), secondApi.stop()]);
    await database.drop();
  });

  const statusOf = async (at: TestApi, token: string): Promise<number> => (await at.as(token).get('/api/me')).status;
  const millisecondsUntil = async (what: string, holds: () => Promise<boolean>): Promise<number> => {
    const beganAt = performance.now();
    await waitFor(what, holds, 5_000);
    return performance.now() - beganAt;
  };

  it('are shown once and stored as a hash only', async () => {
    const made = await api
      .as(tenant.token)
      .post('/api/tokens')
      .send({ name: 'CI', scopes: ['events:write'] })
      .expect(201);
    const { token, ...shown } = made.body as { token: string; token_id: string };
    expect(token).toMatch(/^trae_[A-Za-z0-9_-]{43}$/);
    expect(shown).toEqual({
      token_id: expect.stringMatching(/^tok_[0-9a-z]{26}$/) as string,
      name: 'CI',
      user_id: tenant.userId,
      scopes: ['events:write'],
      project_id: null,
      created_at: expect.stringMatching(/Z$/) as string,
      expires_at: null,
      last_used_at: null,
    });
    const list = await api.as(tenant.token).get('/api/tokens').expect(200);
    expect(list.text).not.toContain(token);
    expect(list.body).toMatchObject({ total: 2, tokens: [{ token_id: tenant.tokenId }, { token_id: shown.token_id }] });
    expect(JSON.stringify(await queryRows(database.url, 'SELECT * FROM tokens'))).not.toContain(token);
  });

  it('tell who they are', async () => {
    const { tokenId, token } = await makeToken(api, tenant, ['events:write'], { project_id: 'proj_1' });
    const me = (await api.as(token).get('/api/me').expect(200)).body as Me;
    expect(me).toMatchObject({
      tenant_id: tenant.tenantId,
      tenant_name: 'Test tenant',
      user: { user_id: tenant.userId },
      token: { token_id: tokenId, scopes: ['events:write'], project_id: 'proj_1' },
    });
  });

  it('grant only what their maker has, and stay in their project', async () => {
    const { token } = await makeToken(api, tenant, ['tokens:write', 'webhooks:write'], { project_id: 'proj_1' });
    const make = (body: object) =>
      api
        .as(token)
        .post('/api/tokens')
        .send({ name: 'x', ...body });
    const reading = await make({ scopes: ['webhooks:read'] }).expect(201);
    expect(reading.body).toMatchObject({ project_id: 'proj_1' });
    expect((await make({ scopes: ['*'] }).expect(403)).body).toMatchObject({ code: 'missing_scope' });
    expect((await make({ scopes: ['events:read'] }).expect(403)).body).toMatchObject({ code: 'missing_scope' });
    const elsewhere = await make({ scopes: ['webhooks:read'], project_id: 'proj_2' }).expect(403);
    expect(elsewhere.body).toMatchObject({ code: 'project_token' });
    await api.as(token).delete(`/api/tokens/${tenant.tokenId}`).expect(404);
    await api.as(token).post('/api/users').send({ name: 'x' }).expect(403);
  });

  it.each<[wrong: object, field: string, message: unknown]>([
    [{ scopes: [] }, 'scopes', 'must name at least one scope'],
    [{ scopes: 'events:read' }, 'scopes', 'must be a list of scopes'],
    [{ scopes: ['events:read', 'events:read'] }, 'scopes', 'must name each scope once'],
    [{ scopes: ['events:all'] }, 'scopes', expect.stringContaining('must name scopes of *')],
    [{ expires_at: '2020-01-01T00:00:00Z' }, 'expires_at', 'must lie in the future'],
    [{ expires_at: '2099-02-30' }, 'expires_at', expect.stringContaining('ISO 8601')],
    [{ expires_at: 5 }, 'expires_at', expect.stringContaining('ISO 8601')],
    [{ user_id: 'user_nobody' }, 'user_id', 'must be a user of the tenant'],
  ])('are not made from %j', async (wrong, field, message) => {
    const body = { name: 'x', scopes: ['events:read'], ...wrong };
    const response = await api.as(tenant.token).post('/api/tokens').send(body).expect(400);
    expect((response.body as { details: unknown }).details).toEqual([{ field, message }]);
  });

  it('are not made for a user of another tenant', async () => {
    const other = await makeTenant(api);
    const body = { name: 'x', scopes: ['*'], user_id: other.userId };
    await api.as(tenant.token).post('/api/tokens').send(body).expect(400);
  });

  it('stop working when they expire', async () => {
    const { token } = await makeToken(api, tenant, ['*'], { expires_at: new Date(Date.now() + 700).toISOString() });
    expect(await statusOf(api, token)).toBe(200);
    await waitFor('the token to expire', async () => (await statusOf(api, token)) === 401);
    expect((await api.as(token).get('/api/me')).body).toMatchObject({ code: 'expired_token' });
  });

  it('are revoked here at once and on another instance within a second', async () => {
    const { token, tokenId } = await makeToken(api, tenant, ['*']);
    expect([await statusOf(api, token), await statusOf(secondApi, token)]).toEqual([200, 200]);
    const revoked = await api.as(tenant.token).delete(`/api/tokens/${tokenId}`).expect(200);
    expect(revoked.body).toEqual({
      message: 'Token revoked successfully',
      token_id: tokenId,
      revoked_at: expect.stringMatching(/Z$/) as string,
    });
    expect((await api.as(token).get('/api/me').expect(401)).body).toMatchObject({ code: 'revoked_token' });
    const tookMs = await millisecondsUntil(
      'the second instance to refuse it',
      async () => (await statusOf(secondApi, token)) === 401,
    );
    expect(tookMs).toBeLessThan(1_000);
    await api.as(tenant.token).delete(`/api/tokens/${tokenId}`).expect(404);
  });

  it('are refused everywhere within a second of a suspension, and accepted again after it', async () => {
    expect([await statusOf(api, tenant.token), await statusOf(secondApi, tenant.token)]).toEqual([200, 200]);
    const admin = api.as('the-operators-token-of-the-tests-0123456789');
    await admin.patch(`/api/admin/tenants/${tenant.tenantId}`).send({ status: 'suspended' }).expect(200);
    expect((await api.as(tenant.token).get('/api/me').expect(403)).body).toMatchObject({ code: 'tenant_suspended' });
    const outMs = await millisecondsUntil(
      'the second instance to refuse it',
      async () => (await statusOf(secondApi, tenant.token)) === 403,
    );
    await admin.patch(`/api/admin/tenants/${tenant.tenantId}`).send({ status: 'active' }).expect(200);
    const inMs = await millisecondsUntil(
      'the second instance to accept it',
      async () => (await statusOf(secondApi, tenant.token)) === 200,
    );
    expect(Math.max(outMs, inMs)).toBeLessThan(1_000);
  });

  /** What the pool runs while `work` does: how often each statement, and how many lookups at once. */
  async function watchLookups(
    at: TestApi,
    work: () => Promise<void>,
  ): Promise<{ lookups: number; looks: number; atOnce: number }> {
    const pool = at.app.get<Pool>(SERVICE_POOL);
    const query = pool.query.bind(pool) as (given: { name: string }) => Promise<unknown>;
    const seen = { lookups: 0, looks: 0, atOnce: 0 };
    let underWay = 0;
    const spy = jest.spyOn(pool, 'query').mockImplementation((async (given: { name: string }) => {
      if (given.name !== 'find-tokens') {
        if (given.name === 'token-changes') seen.looks += 1;
        return query(given);
      }
      seen.lookups += 1;
      seen.atOnce = Math.max(seen.atOnce, ++underWay);
      return query(given).finally(() => (underWay -= 1));
    }) as never);
    try {
      await work();
    } finally {
      spy.mockRestore();
    }
    return seen;
  }

  it('are looked up once, not once per request, however many come at once', async () => {
    const { token } = await makeToken(api, tenant, ['*']);
    const requests = async (): Promise<void> => {
      const statuses = await Promise.all(Array.from({ length: 200 }, () => statusOf(secondApi, token)));
      expect(new Set(statuses)).toEqual(new Set([200]));
    };
    // Not quite one: requests that come while a lookup is under way share another, and what is read while the instance
    // looks for changes is not kept.
    expect((await watchLookups(secondApi, requests)).lookups).toBeLessThan(10);
    const more = await watchLookups(secondApi, requests);
    expect(more.lookups).toBeLessThan(5);
    // The looks at changes go by the clock, not by the requests.
    expect(more.looks).toBeLessThan(10);
  });

  it('that are guessed take one connection, and next to no lookups when they are tried again', async () => {
    const guesses = Array.from({ length: 100 }, (_, index) => `trae_${String(index).padStart(43, 'x')}`);
    const tryAll = async (): Promise<void> => {
      expect(new Set(await Promise.all(guesses.map((guess) => statusOf(api, guess))))).toEqual(new Set([401]));
    };
    const beganAt = performance.now();
    expect((await watchLookups(api, tryAll)).atOnce).toBe(1);
    const again = await watchLookups(api, tryAll);
    // A refusal is remembered for a second and a half; a machine so busy that both rounds take longer looks again.
    const expiries = Math.floor((performance.now() - beganAt) / 1_500);
    expect(again.lookups).toBeLessThan(5 + expiries * guesses.length);
  });

  it('know when they were last used, also while a row that refers to them is added', async () => {
    const { token, tokenId } = await makeToken(api, tenant, ['*']);
    const other = new Client({ connectionString: database.url });
    await other.connect();
    await other.query('BEGIN');
    await other.query('SELECT FROM tokens WHERE id = $1 FOR KEY SHARE', [parseId('tok', tokenId)]);
    await api.as(token).get('/api/me').expect(200);
    await waitFor('the last use to be noted', async () => {
      const me = (await api.as(token).get('/api/me').expect(200)).body as Me;
      return me.token.last_used_at !== null;
    });
    await other.end();
  });

  it('answer 503 for an unknown token while the database is away, and work on when it is back', async () => {
    const proxy = await startTcpProxy(database.url);
    const ownApi = await startApi({ databaseUrl: proxy.url });
    try {
      expect(await statusOf(ownApi, tenant.token)).toBe(200);
      proxy.cut();
      await waitFor('readiness to be lost', async () => (await ownApi.anonymous.get('/readyz')).status === 503);
      for (const token of [`trae_${'y'.repeat(43)}`, tenant.token]) {
        const response = await ownApi.as(token).get('/api/me');
        expect(response.status).toBe(503);
        expect(response.headers['retry-after']).toMatch(/^\d+$/);
        expect(response.body).toMatchObject({ statusCode: 503, code: 'unavailable', details: [] });
      }
      expect((await ownApi.anonymous.get('/healthz')).status).toBe(200);
      proxy.restore();
      await waitFor('readiness to come back', async () => (await ownApi.anonymous.get('/readyz')).status === 200);
      await waitFor('tokens to work again', async () => (await statusOf(ownApi, tenant.token)) === 200);
    } finally {
      await ownApi.stop();
      await proxy.stop();
    }
  });

  it('are not known before the database is there, which the API waits for', async () => {
    const proxy = await startTcpProxy(database.url);
    proxy.cut();
    const ownApi = await startApi({ databaseUrl: proxy.url, waitUntilReady: false });
    try {
      const report = await ownApi.anonymous.get('/readyz').expect(503);
      expect(report.body).toMatchObject({ status: 'unavailable', checks: { database: 'waiting for the database' } });
      expect(await statusOf(ownApi, tenant.token)).toBe(503);
      proxy.restore();
      await waitFor('the API to be ready', async () => (await ownApi.anonymous.get('/readyz')).status === 200);
      expect(await statusOf(ownApi, tenant.token)).toBe(200);
    } finally {
      await ownApi.stop();
      await proxy.stop();
    }
  });
});
