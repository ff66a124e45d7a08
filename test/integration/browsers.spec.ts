import { ADMIN_TOKEN, startApi, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/postgres';

const ORIGIN = 'https://app.example';
const METRICS_TOKEN = 'the-metrics-token-of-the-tests-0123456789';

describe('what browsers are told', () => {
  let database: TestDatabase;
  let api: TestApi;
  let open: TestApi;

  beforeAll(async () => {
    database = await createTestDatabase();
    api = await startApi({ databaseUrl: database.url });
    open = await startApi({
      databaseUrl: database.url,
      env: { CORS_ALLOWED_ORIGINS: ORIGIN, PUBLIC_URL: 'https://hooks.example', METRICS_TOKEN },
    });
  });

  afterAll(async () => {
    await Promise.all([api.stop(), open.stop()]);
    await database.drop();
  });

  it('pages run what comes from here only, and may not be framed', async () => {
    const page = await api.anonymous.get('/docs').expect(200);
    expect(page.headers['content-type']).toContain('text/html');
    expect(page.headers['content-security-policy']).toContain("default-src 'self'");
    expect(page.headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(page.headers['content-security-policy']).not.toMatch(/script-src|unsafe-eval|\*/);
    expect(page.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
    expect(page.text).not.toMatch(/<script(?![^>]*\bsrc=)[^>]*>\s*\S/);
  });

  it.each(['/api/me', '/healthz', '/nothing', '/metrics'])('nothing runs in the answer of %s', async (path) => {
    const { headers } = await api.anonymous.get(path);
    expect(headers['content-security-policy']).toBe("default-src 'none'; frame-ancestors 'none'; sandbox");
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it('TLS is asked for once the public URL has it', async () => {
    expect((await api.anonymous.get('/docs')).headers['strict-transport-security']).toBeUndefined();
    expect((await open.anonymous.get('/docs')).headers['strict-transport-security']).toBe('max-age=31536000');
  });

  it('no other origin may call, unless it is named', async () => {
    const preflight = (at: TestApi, origin: string) =>
      at.anonymous
        .options('/api/events')
        .set({ origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' });
    expect((await preflight(api, ORIGIN)).headers['access-control-allow-origin']).toBeUndefined();
    expect((await preflight(open, 'https://evil.example')).headers['access-control-allow-origin']).toBeUndefined();
    const allowed = await preflight(open, ORIGIN).expect(204);
    expect(allowed.headers['access-control-allow-origin']).toBe(ORIGIN);
    expect(allowed.headers['access-control-allow-headers']).toContain('authorization');
    expect(allowed.headers['access-control-allow-credentials']).toBeUndefined();
    const call = await open.as(ADMIN_TOKEN).get('/api/admin/tenants').set('origin', ORIGIN).expect(200);
    expect(call.headers['access-control-allow-origin']).toBe(ORIGIN);
  });

  it('metrics want their token once there is one', async () => {
    await api.anonymous.get('/metrics').expect(200);
    const refused = await open.anonymous.get('/metrics').expect(401);
    expect(refused.text).not.toContain('process_cpu');
    await open.as(ADMIN_TOKEN).get('/metrics').expect(401);
    const shown = await open.as(METRICS_TOKEN).get('/metrics').expect(200);
    expect(shown.text).toContain('process_cpu');
    await open.anonymous.get('/healthz').expect(200);
  });
});
