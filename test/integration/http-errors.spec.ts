import { createConnection } from 'node:net';
import { text } from 'node:stream/consumers';
import { UsersService } from '../../apps/api/src/users/users.service';
import { startApi, type TestApi } from '../support/api';
import { makeTenant, makeToken, type TestTenant } from '../support/factories';
import { createTestDatabase, type TestDatabase } from '../support/postgres';

interface ErrorBody {
  statusCode: number;
  code: string;
  message: string;
  details: { field: string; message: string }[];
  request_id: string;
}

describe('errors of the API', () => {
  let database: TestDatabase;
  let api: TestApi;
  let tenant: TestTenant;

  beforeAll(async () => {
    database = await createTestDatabase();
    api = await startApi({ databaseUrl: database.url });
    tenant = await makeTenant(api);
  });

  afterAll(async () => {
    await api.stop();
    await database.drop();
  });

  function expectError(
    response: { status: number; headers: unknown; body: unknown },
    status: number,
    code: string,
  ): ErrorBody {
    const body = response.body as ErrorBody;
    expect({ status: response.status, code: body.code }).toEqual({ status, code });
    expect(Object.keys(body).sort()).toEqual(['code', 'details', 'message', 'request_id', 'statusCode']);
    expect(body.statusCode).toBe(status);
    expect(body.message).toEqual(expect.stringMatching(/./));
    expect(body.request_id).toMatch(/^req_[0-9a-z]{26}$/);
    expect((response.headers as Record<string, string>)['x-request-id']).toBe(body.request_id);
    expect(JSON.stringify(body)).not.toMatch(/SELECT|INSERT|FST_ERR|node_modules|\.ts:|\.js:|at \w+ \(/);
    return body;
  }

  const post = (path: string, body: string | Buffer, type = 'application/json') =>
    api
      .as(tenant.token)
      .post(path)
      .set('content-type', type)
      .serialize((given) => given as unknown as string)
      .send(body as string);

  it('names the place where JSON is malformed', async () => {
    const body = expectError(await post('/api/users', '{"name": "a",\n x}'), 400, 'malformed_json');
    expect(body.message).toMatch(/line 2, column \d/);
    expectError(await post('/api/users', '{"name":'), 400, 'malformed_json');
    expectError(await post('/api/users', 'nonsense'), 400, 'malformed_json');
  });

  it('refuses bytes that are not UTF-8', async () => {
    const bytes = Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    const response = await fetch(`${api.url}/api/users`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tenant.token}`, 'content-type': 'application/json' },
      body: bytes,
    });
    const headers = Object.fromEntries(response.headers);
    const body = expectError({ status: response.status, headers, body: await response.json() }, 400, 'malformed_json');
    expect(body.message).toContain('UTF-8');
  });

  it('refuses nesting deeper than 64 levels, and takes 64', async () => {
    const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    const body = expectError(await post('/api/users', nested(65)), 400, 'malformed_json');
    expect(body.message).toContain('64');
    expectError(await post('/api/users', nested(64)), 400, 'invalid_request');
    expectError(await post('/api/users', nested(400_000)), 400, 'malformed_json');
  });

  it('refuses unknown fields by name, nested ones by path, and says what is known', async () => {
    const body = expectError(await post('/api/users', '{"name":"a","colour":"red"}'), 400, 'invalid_request');
    expect(body.details).toEqual([{ field: 'colour', message: 'is not a known field; known are email, name' }]);
    const admin = await api
      .as('the-operators-token-of-the-tests-0123456789')
      .post('/api/admin/tenants')
      .send({ name: 'x', user: { name: 'y', age: 3 }, limits: { max_webhooks: 'many' } });
    expect(expectError(admin, 400, 'invalid_request').details).toEqual([
      { field: 'user.age', message: 'is not a known field; known are email, name' },
      { field: 'limits.max_webhooks', message: 'must be a whole number from 0 to 1000000, or null for the default' },
    ]);
  });

  it.each(['__proto__', 'constructor', 'prototype'])('refuses the field %s like any unknown one', async (field) => {
    const body = expectError(await post('/api/users', `{"name":"a","${field}":{"x":1}}`), 400, 'invalid_request');
    expect(body.details).toEqual([{ field, message: 'is not a known field' }]);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it.each([
    ['{"name":5}', 'name', 'must be text of 1 to 255 characters'],
    ['{"name":null}', 'name', 'must be text of 1 to 255 characters'],
    ['{"name":""}', 'name', 'must be text of 1 to 255 characters'],
    ['{}', 'name', 'must be text of 1 to 255 characters'],
    ['', 'name', 'must be text of 1 to 255 characters'],
    [String.raw`{"name":"a\u0000b"}`, 'name', 'must not contain the character U+0000'],
    [String.raw`{"name":"a\ud800"}`, 'name', 'must be well-formed Unicode'],
    ['{"name":"a","email":null}', 'email', 'must be an e-mail address'],
    [String.raw`{"name":"a","email":"\ud800"}`, 'email', 'must be an e-mail address'],
    ['[]', 'body', 'must be a JSON object'],
    ['"text"', 'body', 'must be a JSON object'],
    ['null', 'name', 'must be text of 1 to 255 characters'],
  ])('refuses the body %s', async (json, field, message) => {
    expect(expectError(await post('/api/users', json), 400, 'invalid_request').details).toEqual([{ field, message }]);
  });

  it.each([
    ['limit=0', 'limit', 'must be a whole number from 1 to 100'],
    ['limit=101', 'limit', 'must be a whole number from 1 to 100'],
    ['limit=ten', 'limit', 'must be a whole number from 1 to 100'],
    ['limit=1e1', 'limit', 'must be a whole number from 1 to 100'],
    ['limit=', 'limit', 'must be a whole number from 1 to 100'],
    ['limit=1&limit=2', 'limit', 'must be given once'],
    ['offset=-1', 'offset', 'must be a whole number from 0 to 1000000000'],
    ['colour=red', 'colour', 'is not a known field; known are limit, offset'],
    ['limit%5B%5D=1', 'limit[]', 'is not a known field; known are limit, offset'],
  ])('refuses the query %s', async (query, field, message) => {
    const response = await api.as(tenant.token).get(`/api/users?${query}`);
    expect(expectError(response, 400, 'invalid_request').details).toEqual([{ field, message }]);
  });

  it('refuses a body that is too large or of another type, and unknown routes', async () => {
    expectError(await post('/api/users', JSON.stringify({ name: 'a'.repeat(1_100_000) })), 413, 'payload_too_large');
    expectError(await post('/api/users', 'name=a', 'application/x-www-form-urlencoded'), 415, 'unsupported_media_type');
    expectError(await api.as(tenant.token).get('/api/nothing'), 404, 'not_found');
    expectError(await api.anonymous.get('/nothing/%zz'), 400, 'invalid_request');
    expectError(await api.anonymous.get(`/api/users/${'a'.repeat(300)}`), 404, 'not_found');
  });

  it('answers what is not HTTP in the same shape', async () => {
    const socket = createConnection(Number(new URL(api.url).port), '127.0.0.1');
    socket.end('GARBAGE\r\n\r\n');
    const [head, body] = (await text(socket)).split('\r\n\r\n');
    expect(head).toContain('HTTP/1.1 400');
    expect(JSON.parse(String(body))).toMatchObject({ statusCode: 400, code: 'malformed_request', details: [] });
  });

  it('challenges who presents no token or a bad one', async () => {
    const missing = await api.anonymous.get('/api/users');
    expectError(missing, 401, 'missing_token');
    expect(missing.headers['www-authenticate']).toBe('Bearer realm="webhooks"');
    for (const token of ['short', `trae_${'x'.repeat(43)}`, 'x'.repeat(10_000)]) {
      const bad = await api.as(token).get('/api/users');
      expectError(bad, 401, 'invalid_token');
      expect(bad.headers['www-authenticate']).toBe('Bearer realm="webhooks", error="invalid_token"');
    }
    expectError(await api.anonymous.get('/api/users').set('authorization', 'Basic abc'), 401, 'invalid_token');
  });

  it('names the scope that is missing', async () => {
    const { token } = await makeToken(api, tenant, ['webhooks:write']);
    const body = expectError(await api.as(token).get('/api/users'), 403, 'missing_scope');
    expect(body.message).toContain('tokens:write');
  });

  it.each([
    [new Error('SELECT secret FROM tokens at handler (/srv/app.js:1:1)'), 500, 'internal_error'],
    [
      Object.assign(new Error('invalid byte sequence for encoding "UTF8": 0x00'), { code: '22021' }),
      400,
      'invalid_request',
    ],
    [Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), 503, 'unavailable'],
    ['thrown text', 500, 'internal_error'],
  ])('tells nothing of what is within when a handler throws %p', async (thrown, status, code) => {
    const list = jest.spyOn(api.app.get(UsersService, { strict: false }), 'list').mockRejectedValue(thrown);
    try {
      const body = expectError(await api.as(tenant.token).get('/api/users'), status, code);
      expect(body.message).not.toMatch(/secret|0x00|connect|thrown/);
    } finally {
      list.mockRestore();
    }
  });

  it('answers health, metrics and documentation without a token', async () => {
    expect((await api.anonymous.get('/healthz').expect(200)).body).toEqual({ status: 'ok' });
    expect((await api.anonymous.get('/readyz').expect(200)).body).toMatchObject({ checks: { database: 'ok' } });
    const metrics = await api.anonymous.get('/metrics').expect(200);
    expect(metrics.headers['content-type']).toMatch(/^text\/plain; version=/);
    expect(metrics.text).toContain('http_request_duration_seconds_count{method="GET",route="/healthz",status="200"}');
    expect(metrics.text).not.toMatch(/tenant_|webhook_[0-9a-z]{26}/);
    const page = await api.anonymous.get('/docs').expect(200);
    expect(page.headers['content-security-policy']).toContain("default-src 'self'");
    const document = await api.anonymous.get('/docs-json').expect(200);
    expect(document.body).toMatchObject({ openapi: '3.1.0' });
    expect(Object.keys((document.body as { paths: object }).paths)).toContain('/api/tokens');
  });
});
