import { ADMIN_TOKEN, startApi, type TestApi } from '../support/api';
import { makeTenant, makeToken, type TestTenant } from '../support/factories';
import { createTestDatabase, type TestDatabase } from '../support/postgres';

const PER_MINUTE = 5;
const GUESS = `trae_${'x'.repeat(43)}`;

describe('guessing tokens', () => {
  let database: TestDatabase;
  let api: TestApi;
  let tenant: TestTenant;
  let nextHost = 0;
  let attacker: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    const env = { TRUSTED_PROXIES: '127.0.0.1', MAX_FAILED_LOGINS_PER_MINUTE: String(PER_MINUTE) };
    api = await startApi({ databaseUrl: database.url, env });
    tenant = await makeTenant(api);
  });

  afterAll(async () => {
    await api.stop();
    await database.drop();
  });

  beforeEach(() => {
    attacker = `203.0.113.${(nextHost += 1)}`;
  });

  const me = (token: string, address: string) => api.as(token).get('/api/me').set('x-forwarded-for', address);
  const guess = async (address = attacker, times = PER_MINUTE): Promise<void> => {
    for (let count = 0; count < times; count += 1) await me(`${GUESS}${count}`, address).expect(401);
  };

  it('is told to wait after so many failures', async () => {
    await guess();
    const refused = await me(GUESS, attacker).expect(429);
    expect(refused.body).toMatchObject({ code: 'too_many_failed_logins' });
    const retryAfter = Number(refused.headers['retry-after']);
    expect(retryAfter).toBeGreaterThan(0);
    expect(retryAfter).toBeLessThanOrEqual(60);
    await me('short', attacker).expect(429);
    await api.as(GUESS).get('/api/admin/tenants').set('x-forwarded-for', attacker).expect(429);
  });

  it('does not even learn whether a guess was right', async () => {
    const { token } = await makeToken(api, tenant, ['*']);
    await guess();
    await me(token, attacker).expect(429);
    await api.as(ADMIN_TOKEN).get('/api/admin/tenants').set('x-forwarded-for', attacker).expect(429);
  });

  it('locks nobody out elsewhere, nor who was let in from there before', async () => {
    const { token } = await makeToken(api, tenant, ['*']);
    await me(token, attacker).expect(200);
    await guess();
    await me(GUESS, attacker).expect(429);
    await me(token, attacker).expect(200);
    await me(token, '198.51.100.1').expect(200);
  });

  it('counts the whole /64 of an IPv6 client as one', async () => {
    for (let host = 1; host <= PER_MINUTE; host += 1) await guess(`2001:db8::${host}`, 1);
    await me(GUESS, '2001:db8::ffff').expect(429);
    await me(GUESS, '2001:db8:0:1::1').expect(401);
  });

  it("counts the operator's token too", async () => {
    for (let count = 0; count < PER_MINUTE; count += 1) {
      await api.as(GUESS).get('/api/admin/tenants').set('x-forwarded-for', attacker).expect(401);
    }
    await api.as(ADMIN_TOKEN).get('/api/admin/tenants').set('x-forwarded-for', attacker).expect(429);
    await api.as(ADMIN_TOKEN).get('/api/admin/tenants').set('x-forwarded-for', '198.51.100.9').expect(200);
  });

  it('leaves health and metrics open', async () => {
    await guess();
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      await api.anonymous.get(path).set('x-forwarded-for', attacker).expect(200);
    }
    const metrics = await api.anonymous.get('/metrics');
    expect(metrics.text).toMatch(/webhooks_refused_tokens_total\{reason="slowed"\} [1-9]/);
    expect(metrics.text).toMatch(/webhooks_refused_tokens_total\{reason="unknown"\} [1-9]/);
  });

  it('slows nobody down behind a proxy that is not named, since all would seem to be one', async () => {
    const own = await startApi({
      databaseUrl: database.url,
      env: { MAX_FAILED_LOGINS_PER_MINUTE: String(PER_MINUTE) },
    });
    try {
      const status = async (address?: string): Promise<number> => {
        const request = own.as(GUESS).get('/api/me');
        return (await (address === undefined ? request : request.set('x-forwarded-for', address))).status;
      };
      for (let count = 0; count < PER_MINUTE * 2; count += 1) expect(await status('198.51.100.1')).toBe(401);
      for (let count = 0; count < PER_MINUTE; count += 1) expect(await status()).toBe(401);
      expect(await status()).toBe(429);
    } finally {
      await own.stop();
    }
  });
});
