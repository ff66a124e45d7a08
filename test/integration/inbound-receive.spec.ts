import { createHmac, randomUUID } from 'node:crypto';
import { Pool } from 'pg';
import { signRequest } from '#inbound-rules/signatures/sign-request';
import { SIGNATURE_SCHEMES, type SignatureSettings } from '#inbound-rules/signatures/signature-settings';
import { startApi, type TestApi } from '../support/api';
import { makeTenant, type TestTenant } from '../support/factories';
import { createTestDatabase, type TestDatabase } from '../support/postgres';
import { waitFor } from '../support/wait-for';

interface Made {
  name: string;
  url: string;
  secret: string;
}

interface Log {
  request_id: string;
  status: string;
  code: string;
  ip: string;
  steps: { step: string; passed: boolean; detail: string }[];
  headers: Record<string, string>;
  query: string;
  payload: unknown;
  duplicate_of: string | null;
  replay_of: string | null;
  response: { status: number; body: string };
}

interface Answer {
  status: number;
  body: { status?: string; id?: string; code?: string; message?: string };
  text: string;
  headers: Record<string, string>;
}

const BODY = '{"action":"BUY","symbol":"TRUMP-YES","size":100}';
/** What does not pass where this is answered. */
const STEPS: Record<string, string> = {
  invalid_signature: 'signature',
  address_not_allowed: 'address',
  malformed_body: 'body',
  unsupported_media_type: 'body',
  body_too_deep: 'body',
  schema_mismatch: 'schema',
  payload_too_large: 'body_size',
};

describe('an inbound endpoint', () => {
  let database: TestDatabase;
  let pool: Pool;
  let api: TestApi;
  let tenant: TestTenant;
  let counter = 0;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = new Pool({ connectionString: database.url, max: 2 });
    api = await startApi({
      databaseUrl: database.url,
      env: { TRUSTED_PROXIES: 'none', INBOUND_MAX_BODY_BYTES: '65536', INBOUND_HOOKS: 'on' },
    });
    tenant = await makeTenant(api);
  });

  afterAll(async () => {
    await api.stop();
    await pool.end();
    await database.drop();
  });

  const as = (token = tenant.token): ReturnType<TestApi['as']> => api.as(token);
  const make = async (settings: object = {}): Promise<Made> => {
    const response = await as()
      .post('/api/inbound')
      .send({ name: `endpoint-${(counter += 1)}`, debug: true, ...settings });
    if (response.status !== 201) throw new Error(response.text);
    return response.body as Made;
  };
  const act = async ({ name }: Made, action: object = { type: 'log', settings: { table: 'seen' } }): Promise<void> => {
    await as().post(`/api/inbound/${name}/actions`).send(action).expect(201);
  };
  const pathOf = ({ url }: Made): string => new URL(url).pathname;
  const hex = (secret: string, body: string | Buffer): string =>
    createHmac('sha256', secret).update(body).digest('hex');

  const post = async (endpoint: Made, body: string | Buffer, headers: Record<string, string> = {}): Promise<Answer> => {
    const all = {
      'content-type': 'application/json',
      'x-webhook-signature': `sha256=${hex(endpoint.secret, body)}`,
      ...headers,
    };
    const request = api.anonymous
      .post(pathOf(endpoint))
      .set(all)
      .serialize((sent: unknown) => sent as string);
    return await request.send(body);
  };
  const logOf = async ({ name }: Made, query = ''): Promise<Log[]> => {
    const response = await as().get(`/api/inbound/${name}/logs${query}`).expect(200);
    return (response.body as { logs: Log[] }).logs;
  };
  const lastLog = async (endpoint: Made, status: string): Promise<Log> => {
    await waitFor(
      `a ${status} request in the log`,
      async () => (await logOf(endpoint, `?status=${status}`)).length > 0,
    );
    return (await logOf(endpoint, `?status=${status}`))[0]!;
  };
  const runsOf = async ({ name }: Made): Promise<number> => {
    const { rows } = await pool.query<{ count: string }>(
      `SELECT count(*) FROM waiting_inbound_actions w JOIN inbound_endpoints e ON e.id = w.endpoint_id WHERE e.name = $1`,
      [name],
    );
    return Number(rows[0]?.count);
  };

  it('accepts what the reference shows, logs it and orders its actions', async () => {
    const endpoint = await make();
    await act(endpoint);
    const answer = await post(endpoint, BODY);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ status: 'accepted', id: expect.stringMatching(/^req_/) as string });
    expect(answer.headers).toMatchObject({
      'x-request-id': answer.body.id,
      'content-security-policy': "default-src 'none'; sandbox",
    });
    const [log] = await logOf(endpoint);
    expect(log).toMatchObject({
      request_id: answer.body.id,
      status: 'accepted',
      ip: '127.0.0.1',
      payload: JSON.parse(BODY) as unknown,
      response: { status: 200, body: answer.text },
    });
    expect(await runsOf(endpoint)).toBe(1);
    const read = await as().get(`/api/inbound/${endpoint.name}`).expect(200);
    expect(read.body).toMatchObject({ trigger_count: 1, last_triggered_at: expect.any(String) as string });
  });

  const SETTINGS: SignatureSettings[] = [
    ...SIGNATURE_SCHEMES.filter((scheme) => scheme !== 'hmac').map((scheme) => ({ scheme })),
    {
      scheme: 'hmac',
      header: 'x-sig',
      timestamp_header: 'x-at',
      signed_content: '{timestamp}.{body}',
      encoding: 'base64',
    },
  ];
  it.each(SETTINGS.map((signature): [string, SignatureSettings] => [signature.scheme, signature]))(
    'takes requests signed by %s, and no other',
    async (scheme, signature) => {
      const endpoint = await make({ signature, secret: 'the-secret-of-the-sender' });
      const signed = (secret: string): Record<string, string> =>
        signRequest(signature, secret, Buffer.from(BODY), new Date(), 'msg_1');
      const json = { 'content-type': 'application/json' };
      const send = (headers: Record<string, string>): Promise<{ status: number }> =>
        Promise.resolve(
          api.anonymous
            .post(pathOf(endpoint))
            .set({ ...json, ...headers })
            .send(BODY),
        );
      const isOpen = scheme === 'none';
      expect((await send({})).status).toBe(isOpen ? 200 : 401);
      expect((await send(signed('another-secret'))).status).toBe(isOpen ? 200 : 401);
      expect((await send(signed('the-secret-of-the-sender'))).status).toBe(200);
    },
  );

  it("answers Slack's url_verification and GitHub's ping, and acts on neither", async () => {
    const slack = await make({ signature: 'slack' });
    await act(slack);
    const challenge = JSON.stringify({ type: 'url_verification', challenge: '3eZbrw1aB10FEMAGAZd4FyFQ' });
    const headers = signRequest({ scheme: 'slack' }, slack.secret, Buffer.from(challenge), new Date(), '');
    expect((await post(slack, challenge, headers)).text).toBe('3eZbrw1aB10FEMAGAZd4FyFQ');
    const github = await make({ signature: 'github' });
    await act(github);
    const ping = { 'x-github-event': 'ping', 'x-hub-signature-256': `sha256=${hex(github.secret, BODY)}` };
    expect(await post(github, BODY, ping)).toMatchObject({ status: 200, text: 'pong' });
    expect([await runsOf(slack), await runsOf(github)]).toEqual([0, 0]);
  });

  describe('refuses, acts on nothing, tells the sender nothing and the owner why:', () => {
    const cases: [string, number, string, object, (endpoint: Made) => Promise<Answer>][] = [
      [
        'a tampered body',
        401,
        'invalid_signature',
        {},
        (e) => post(e, BODY.replace('100', '999'), { 'x-webhook-signature': `sha256=${hex(e.secret, BODY)}` }),
      ],
      [
        'a wrong signature',
        401,
        'invalid_signature',
        {},
        (e) => post(e, BODY, { 'x-webhook-signature': `sha256=${hex('wrong', BODY)}` }),
      ],
      ['a missing signature', 401, 'invalid_signature', {}, (e) => post(e, BODY, { 'x-webhook-signature': '' })],
      [
        'a stale timestamp',
        401,
        'invalid_signature',
        { signature: 'simple' },
        (e) =>
          post(e, BODY, {
            'x-webhook-signature': hex(e.secret, BODY),
            'x-webhook-timestamp': String(Date.now() - 3_600_000),
          }),
      ],
      ['a foreign address', 403, 'address_not_allowed', { allowed_ips: ['192.0.2.0/24'] }, (e) => post(e, BODY)],
      [
        'a forged X-Forwarded-For',
        403,
        'address_not_allowed',
        { allowed_ips: ['192.0.2.0/24'] },
        (e) => post(e, BODY, { 'x-forwarded-for': '192.0.2.1', 'x-real-ip': '192.0.2.1', forwarded: 'for=192.0.2.1' }),
      ],
      ['a body that is not of its declared type', 400, 'malformed_body', {}, (e) => post(e, 'action=BUY')],
      [
        'a type that is not read',
        415,
        'unsupported_media_type',
        {},
        (e) => post(e, BODY, { 'content-type': 'image/png' }),
      ],
      [
        'a kind that the endpoint does not take',
        415,
        'unsupported_media_type',
        { body_kinds: ['form'] },
        (e) => post(e, BODY),
      ],
      [
        'a payload beyond its schema',
        422,
        'schema_mismatch',
        { schema: { type: 'object', required: ['price'] } },
        (e) => post(e, BODY),
      ],
      ['a body beyond its own limit', 413, 'payload_too_large', { max_body_bytes: 20 }, (e) => post(e, BODY)],
      [
        "a body beyond the installation's limit",
        413,
        'payload_too_large',
        {},
        (e) => post(e, `{"a":"${'x'.repeat(70_000)}"}`),
      ],
      [
        'a body nested too deeply',
        422,
        'body_too_deep',
        {},
        (e) => post(e, `${'['.repeat(5_000)}${']'.repeat(5_000)}`),
      ],
    ];
    it.each(cases)('%s', async (_name, status, code, settings, send) => {
      const endpoint = await make(settings);
      await act(endpoint);
      const answer = await send(endpoint);
      expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code });
      const log = await lastLog(endpoint, 'rejected');
      expect(log).toMatchObject({ code, response: { status } });
      const failed = log.steps.find(({ passed }) => !passed);
      expect(failed).toMatchObject({ step: STEPS[code], detail: expect.stringMatching(/^\S.{9,}/) as string });
      if (status === 401 || status === 403) expect(answer.text).not.toContain(failed?.detail);
      expect(answer.text).not.toContain(endpoint.secret);
      expect(await runsOf(endpoint)).toBe(0);
      expect((await as().get(`/api/inbound/${endpoint.name}`)).body).toMatchObject({ trigger_count: 0 });
    });

    it('rejected requests are not kept without debug mode', async () => {
      const endpoint = await make({ debug: false });
      await post(endpoint, BODY, { 'x-webhook-signature': 'sha256=00' });
      await post(endpoint, BODY);
      expect((await logOf(endpoint)).map(({ status }) => status)).toEqual(['accepted']);
    });
  });

  it('takes the address from trusted proxies only', async () => {
    const proxied = await startApi({ databaseUrl: database.url, env: { TRUSTED_PROXIES: '127.0.0.0/8,10.0.0.0/8' } });
    try {
      const endpoint = await make({ allowed_ips: ['192.0.2.0/24'], signature: 'none' });
      const send = async (forwarded: string): Promise<number> =>
        (await proxied.anonymous.post(pathOf(endpoint)).set('x-forwarded-for', forwarded).send({})).status;
      expect(await send('192.0.2.9')).toBe(200);
      expect(await send('192.0.2.9, 10.1.1.1')).toBe(200);
      // What stands left of an address that is no proxy's is the sender's own invention.
      expect(await send('192.0.2.9, 203.0.113.5')).toBe(403);
    } finally {
      await proxied.stop();
    }
  });

  describe('a delivery that comes again', () => {
    it('is answered and acted on once, by its id', async () => {
      const endpoint = await make({ signature: 'none', dedupe: { header: 'X-Delivery' } });
      await act(endpoint);
      const first = await post(endpoint, BODY, { 'x-delivery': 'a' });
      const again = await post(endpoint, '{"other":1}', { 'x-delivery': 'a' });
      expect(again).toMatchObject({ status: 200, body: { status: 'duplicate', id: first.body.id } });
      expect(await runsOf(endpoint)).toBe(1);
      expect(await lastLog(endpoint, 'duplicate')).toMatchObject({
        duplicate_of: first.body.id,
        response: { body: JSON.stringify(again.body) },
      });
      await post(endpoint, BODY, { 'x-delivery': 'b' });
      expect(await runsOf(endpoint)).toBe(2);
    });

    it('at the same time is acted on once, also over two instances', async () => {
      const other = await startApi({ databaseUrl: database.url });
      try {
        const endpoint = await make({ signature: 'none', dedupe: { path: 'id' } });
        await act(endpoint);
        const answers = await Promise.all(
          Array.from({ length: 30 }, (_, index) =>
            (index % 2 === 0 ? api : other).anonymous.post(pathOf(endpoint)).send({ id: `same-${index % 3}` }),
          ),
        );
        const statuses = answers.map(({ body }) => (body as { status: string }).status);
        expect(statuses.filter((status) => status === 'accepted')).toHaveLength(3);
        expect(statuses.filter((status) => status === 'duplicate')).toHaveLength(27);
        expect(await runsOf(endpoint)).toBe(3);
      } finally {
        await other.stop();
      }
    });

    it('by a forger, with another id that is not signed, is known by what is signed', async () => {
      const endpoint = await make({ signature: 'github' });
      await act(endpoint);
      const signed = { 'x-hub-signature-256': `sha256=${hex(endpoint.secret, BODY)}` };
      expect((await post(endpoint, BODY, { ...signed, 'x-github-delivery': randomUUID() })).body.status).toBe(
        'accepted',
      );
      expect((await post(endpoint, BODY, { ...signed, 'x-github-delivery': randomUUID() })).body.status).toBe(
        'duplicate',
      );
      expect(await runsOf(endpoint)).toBe(1);
    });
  });

  it('is limited over all instances, and forgeries use up nothing of it', async () => {
    const other = await startApi({ databaseUrl: database.url });
    try {
      const endpoint = await make({ rate_limit: { requests: 3, per_seconds: 3_600 } });
      for (let forged = 0; forged < 5; forged += 1) await post(endpoint, BODY, { 'x-webhook-signature': 'sha256=00' });
      const send = (via: TestApi): Promise<Answer> =>
        via.anonymous
          .post(pathOf(endpoint))
          .set({ 'content-type': 'application/json', 'x-webhook-signature': `sha256=${hex(endpoint.secret, BODY)}` })
          .send(BODY);
      const statuses: number[] = [];
      for (const via of [api, other, api, other, api]) statuses.push((await send(via)).status);
      expect(statuses).toEqual([200, 200, 200, 429, 429]);
      const limited = await send(other);
      const waitSeconds = Number(limited.headers['retry-after']);
      expect(waitSeconds).toBeGreaterThan(0);
      expect(waitSeconds).toBeLessThanOrEqual(3_600);
      expect(limited.body.code).toBe('rate_limited');
    } finally {
      await other.stop();
    }
  });

  it('ignores what its trigger rule does not want', async () => {
    const rule = { match: { type: 'value', value: 'refs/heads/main', parameter: { source: 'payload', name: 'ref' } } };
    const endpoint = await make({ signature: 'none', trigger_rule: rule, trigger_mismatch_status: 202 });
    await act(endpoint);
    expect(await post(endpoint, '{"ref":"refs/heads/x"}')).toMatchObject({ status: 202, body: { status: 'ignored' } });
    expect(await runsOf(endpoint)).toBe(0);
    expect((await post(endpoint, '{"ref":"refs/heads/main"}')).body.status).toBe('accepted');
    expect(await runsOf(endpoint)).toBe(1);
  });

  it.each([
    ['a form', 'application/x-www-form-urlencoded', 'action=BUY&size=1'],
    ['XML', 'application/xml', '<order><action>BUY</action></order>'],
    ['text', 'text/plain', 'BUY 100'],
    ['JSON of a vendor', 'application/vnd.x+json', '{"action":"BUY"}'],
  ])('takes %s, byte for byte', async (_name, contentType, body) => {
    const endpoint = await make();
    expect((await post(endpoint, body, { 'content-type': contentType })).status).toBe(200);
    const { rows } = await pool.query<{ body: Buffer }>(
      'SELECT b.body FROM inbound_request_bodies b ORDER BY b.request_id DESC LIMIT 1',
    );
    expect(rows[0]?.body.toString()).toBe(body);
  });

  it('answers as it is set to', async () => {
    const response = { status: 201, headers: { 'x-own': 'yes' }, message: 'thanks' };
    const endpoint = await make({ signature: 'none', response });
    const answer = await post(endpoint, BODY);
    expect(answer).toMatchObject({ status: 201, text: 'thanks' });
    expect(answer.headers).toMatchObject({ 'x-own': 'yes', 'content-type': 'text/plain; charset=utf-8' });
  });

  it('that waits is answered 202 when its actions take longer than they may', async () => {
    const endpoint = await make({ signature: 'none', response: { wait: true, wait_seconds: 1 } });
    await act(endpoint);
    expect(await post(endpoint, BODY)).toMatchObject({ status: 202, body: { status: 'accepted' } });
  });

  it('that waits is answered with the results', async () => {
    const endpoint = await make({ signature: 'none', response: { wait: true, wait_seconds: 20 } });
    await act(endpoint);
    const answering = post(endpoint, BODY);
    await waitFor('the run', async () => (await runsOf(endpoint)) === 1);
    await pool.query(
      `UPDATE inbound_action_runs SET status = 'succeeded', attempts = 1 WHERE endpoint_id = (SELECT id FROM inbound_endpoints WHERE name = $1)`,
      [endpoint.name],
    );
    expect(await answering).toMatchObject({ status: 200, body: { status: 'processed' } });
  });

  it('does nothing for OPTIONS and HEAD, and refuses methods that it does not take', async () => {
    const endpoint = await make({ signature: 'none', methods: ['POST', 'PUT'] });
    await act(endpoint);
    const path = pathOf(endpoint);
    const options = await api.anonymous.options(path);
    expect([options.status, options.headers['allow']]).toEqual([204, 'POST, PUT, HEAD, OPTIONS']);
    expect((await api.anonymous.head(path)).status).toBe(200);
    const get = await api.anonymous.get(path);
    expect([get.status, get.headers['allow']]).toEqual([405, 'POST, PUT']);
    expect(await runsOf(endpoint)).toBe(0);
    expect((await api.anonymous.put(path).send({})).status).toBe(200);
    const open = await make({ signature: 'none', methods: ['GET'] });
    expect((await api.anonymous.get(`${pathOf(open)}?a=1`)).body).toMatchObject({ status: 'accepted' });
  });

  it('is the same 404 for a wrong key, a wrong name, a disabled and a deleted one', async () => {
    const endpoint = await make({ signature: 'none' });
    const disabled = await make({ signature: 'none', enabled: false });
    const deleted = await make({ signature: 'none' });
    await as().delete(`/api/inbound/${deleted.name}`).expect(200);
    const paths = [
      `/webhooks/${'x'.repeat(32)}/${endpoint.name}`,
      pathOf(endpoint).replace(endpoint.name, 'other'),
      pathOf(disabled),
      pathOf(deleted),
    ];
    for (const path of paths) {
      const answer = await api.anonymous.post(path).send({});
      expect([answer.status, (answer.body as { message: string }).message]).toEqual([404, 'Endpoint not found']);
    }
  });

  it('keeps no credentials of senders', async () => {
    const endpoint = await make({ signature: 'gitlab' });
    const secretHeaders = {
      authorization: 'Bearer canary-1',
      cookie: 'canary-2',
      'x-gitlab-token': endpoint.secret,
      'x-api-key': 'canary-3',
    };
    await api.anonymous
      .post(`${pathOf(endpoint)}?token=canary-4&ref=main`)
      .set(secretHeaders)
      .send({ ref: 'main' })
      .expect(200);
    const [log] = await logOf(endpoint);
    expect(log?.query).toBe('token=***&ref=main');
    const key = endpoint.url.split('/').at(-2) ?? '';
    const { rows } = await pool.query<{ row: string }>(
      'SELECT r::text AS row FROM inbound_requests r ORDER BY id DESC LIMIT 1',
    );
    for (const secret of ['canary', endpoint.secret, key]) expect(rows[0]?.row).not.toContain(secret);
  });

  it('takes the old secret and URL for the overlap only, on every instance', async () => {
    const other = await startApi({ databaseUrl: database.url });
    try {
      const before = await make();
      const send = async (via: TestApi, endpoint: Made, secret: string): Promise<number> => {
        const headers = { 'content-type': 'application/json', 'x-webhook-signature': `sha256=${hex(secret, BODY)}` };
        return (await via.anonymous.post(pathOf(endpoint)).set(headers).send(BODY)).status;
      };
      expect(await send(other, before, before.secret)).toBe(200);
      const regenerate = async (body: object): Promise<Made> =>
        (await as().post(`/api/inbound/${before.name}/regenerate`).send(body).expect(200)).body as Made;
      const overlapping = await regenerate({ overlap_seconds: 3_600 });
      expect(overlapping.url).not.toBe(before.url);
      expect(overlapping.secret).not.toBe(before.secret);
      expect(await send(api, before, before.secret)).toBe(200);
      expect(await send(api, overlapping, overlapping.secret)).toBe(200);
      // Within a second everywhere; and what the old version would accept is judged anew at once.
      await waitFor(
        'the new secret on the other instance',
        async () => (await send(other, before, overlapping.secret)) === 200,
      );
      const after = await regenerate({});
      expect(await send(other, overlapping, overlapping.secret)).not.toBe(200);
      expect(await send(api, overlapping, after.secret)).toBe(404);
      expect(await send(api, after, overlapping.secret)).toBe(401);
      expect(await send(api, after, after.secret)).toBe(200);
    } finally {
      await other.stop();
    }
  });

  it('is replayed by its owner, by the rules and actions of now', async () => {
    const endpoint = await make({ signature: 'github' });
    const signed = { 'x-hub-signature-256': `sha256=${hex(endpoint.secret, BODY)}`, 'x-github-delivery': 'one' };
    const first = await post(endpoint, BODY, signed);
    await act(endpoint);
    const replay = await as().post(`/api/inbound/${endpoint.name}/logs/${first.body.id}/replay`).send({}).expect(200);
    expect(replay.body).toMatchObject({ status: 'accepted', payload: JSON.parse(BODY) as unknown });
    const { steps } = replay.body as { steps: { step: string; detail: string }[] };
    expect(steps.find(({ step }) => step === 'signature')?.detail).toMatch(/^Not checked again/);
    expect(await runsOf(endpoint)).toBe(1);
    expect((await logOf(endpoint))[0]).toMatchObject({ replay_of: first.body.id });
  });
});
