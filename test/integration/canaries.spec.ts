import { randomBytes } from 'node:crypto';
import { createSecretBox } from '#database/secret-box';
import { choosePort } from '../../apps/local/src/free-port';
import { startApp, type AppProcess } from '../support/apps-as-processes';
import { describeEachBackend } from '../support/backends';
import { exerciseInbound } from '../support/exercise-inbound';
import { leaksIn, readDatabase, recordJobs, type Canaries, type RecordedJobs } from '../support/leaks';
import { createTestDatabase, execute, type TestDatabase } from '../support/postgres';
import { startReceiver, type Receiver } from '../support/receiver';
import { queryRows } from '../support/query-rows';
import { waitFor } from '../support/wait-for';

const canary = (name: string): string => `canary-${name}-${randomBytes(16).toString('hex')}`;
const PASSWORD = canary('password');
const KEY = randomBytes(32);

const INBOUND_SECRETS = {
  endpoint_secret: canary('endpoint-secret'),
  endpoint_next_secret: canary('endpoint-next-secret'),
  presented_token: canary('presented-token'),
  channel_url: canary('channel-url'),
  channel_header: canary('channel-header'),
  forward_header: canary('forward-header'),
};
/** What nobody may find anywhere but sealed. */
const SECRETS = {
  admin_token: canary('admin'),
  bootstrap_token: canary('bootstrap'),
  wrong_token: canary('wrong-token'),
  database_password: PASSWORD,
  redis_password: canary('redis'),
  webhook_secret: canary('webhook-secret'),
  rotated_secret: canary('rotated-secret'),
  refused_secret: 'x'.repeat(300) + canary('refused'),
  basic_auth: canary('basic-auth'),
  ...INBOUND_SECRETS,
} satisfies Canaries;
/** What stands in the columns made for it, and in what the tenant asks for, but in no log, metric or job. */
const CONTENTS = { payload: canary('payload'), answer: canary('answer') } satisfies Canaries;
const CONTENT_COLUMNS = ['public.event_payloads.data', 'public.attempt_responses.body'];
/** Receivers put keys into paths and queries: the tenant sees its URLs, and nobody reads them elsewhere. */
const URL_KEYS = { url_path: canary('url-path'), url_query: canary('url-query') } satisfies Canaries;
const URL_COLUMNS = ['webhooks.url', 'inbound_endpoints.url_key', 'inbound_endpoints.previous_url_key'].map(
  (column) => `public.${column}`,
);

describeEachBackend('canary secrets', (backend) => {
  let database: TestDatabase;
  let receiver: Receiver;
  let api: AppProcess;
  let dispatcher: AppProcess;
  let jobs: RecordedJobs;
  const login = `canary_${randomBytes(6).toString('hex')}`;
  const prefix = `canary-${randomBytes(6).toString('hex')}`;
  const processes: AppProcess[] = [];
  /** Of every answer that has no business showing a secret: where it came from, and its text. */
  const answers: [string, string][] = [];
  let generated: Canaries = {};
  let urlKeys: Canaries = URL_KEYS;

  beforeAll(async () => {
    database = await createTestDatabase();
    await execute(database.url, `CREATE ROLE ${login} LOGIN PASSWORD '${PASSWORD}'`);
    await execute(
      database.url,
      `GRANT webhooks_request, webhooks_service, webhooks_retention TO ${login} WITH INHERIT FALSE, SET TRUE`,
    );
    receiver = await startReceiver(
      ({ path }) => ({ status: path.startsWith('/fails') ? 500 : 200, body: CONTENTS.answer }),
      SECRETS.webhook_secret,
    );
    const url = new URL(database.url);
    [url.username, url.password] = [login, PASSWORD];
    const env = {
      ...backend.env(),
      QUEUE_PREFIX: prefix,
      ADMIN_TOKEN: SECRETS.admin_token,
      BOOTSTRAP_TOKEN: SECRETS.bootstrap_token,
      ENCRYPTION_KEY: KEY.toString('base64'),
      LOG_LEVEL: 'trace',
    };
    [api, dispatcher] = await Promise.all([startApp('api', url.href, env), startApp('dispatcher', url.href, env)]);
    processes.push(api, dispatcher);
    // Two more whose database, and whose Redis, are away: they have addresses with passwords to complain about.
    const nowhere = `127.0.0.1:${await choosePort(0, '127.0.0.1')}`;
    const away = await startApp('api', `postgres://${login}:${PASSWORD}@${nowhere}/none`, env);
    const queueAway = await startApp('dispatcher', url.href, {
      ...env,
      REDIS_URL: `redis://user:${SECRETS.redis_password}@${nowhere}`,
    });
    processes.push(away, queueAway);
    await Promise.all([api.untilReady(), dispatcher.untilReady(), queueAway.untilReady()]);
    await waitFor('the complaint about the database', () => away.output().includes('waiting for'));
    jobs = await recordJobs(database.url, backend.redisUrl, prefix);
    await exercise();
  }, 240_000);

  afterAll(async () => {
    await Promise.all(processes.map((app) => app.end('SIGKILL')));
    await receiver.stop();
    jobs.stop();
    await execute(database.url, `DROP OWNED BY ${login}`);
    await execute(database.url, `DROP ROLE ${login}`);
    await database.drop();
  });

  const request = async (
    method: string,
    path: string,
    { token = SECRETS.bootstrap_token, body, shows = false }: { token?: string; body?: unknown; shows?: boolean } = {},
  ): Promise<Record<string, unknown>> => {
    const response = await fetch(api.url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const head = JSON.stringify([...response.headers]);
    answers.push([`${method} ${path} ${response.status}`, shows ? head : head + text]);
    return text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
  };

  async function exercise(): Promise<void> {
    const webhook = (path: string): object => ({
      url: `${receiver.origin}${path}?key=${URL_KEYS.url_query}`,
      events: ['*'],
      name: 'Canary',
      secret: SECRETS.webhook_secret,
      headers: {
        Authorization: `Basic ${Buffer.from(`user:${SECRETS.basic_auth}`).toString('base64')}`,
        'X-Key': SECRETS.basic_auth,
      },
      signature_types: ['v1', 'v1a'],
      retry_policy: { max_attempts: 2, initial_delay: 100 },
    });
    const made = await request('POST', '/api/webhooks', { body: webhook('/'), shows: true });
    const id = String(made['webhook_id']);
    const failing = await request('POST', '/api/webhooks', {
      body: webhook(`/fails/${URL_KEYS.url_path}`),
      shows: true,
    });
    const refused = await request('POST', '/api/webhooks', {
      body: { ...webhook('/'), url: `http://127.0.0.1:9/${URL_KEYS.url_path}?key=${URL_KEYS.url_query}` },
      shows: true,
    });
    // Sealed with a key that nobody has: an error within, in both apps.
    const lost = await request('POST', '/api/webhooks', { body: webhook('/lost'), shows: true });
    const box = createSecretBox([randomBytes(32)]);
    const [row] = await queryRows<{ id: string }>(database.url, 'SELECT id FROM webhooks ORDER BY id DESC LIMIT 1');
    await queryRows(database.url, 'UPDATE webhooks SET sealed_secret = $1 WHERE id = $2', [
      box.seal('lost', `webhook:${row!.id}:secret`),
      row!.id,
    ]);
    await request('GET', `/api/webhooks/${String(lost['webhook_id'])}`);
    await request('GET', `/api/webhooks/${id}`, { shows: true });
    await request('PUT', `/api/webhooks/${id}`, { body: { name: 'Renamed', secret: SECRETS.webhook_secret } });
    await request('POST', `/api/webhooks/${id}/secret/rotate`, {
      body: { secret: SECRETS.rotated_secret },
      shows: true,
    });
    const token = await request('POST', '/api/tokens', { body: { name: 'Canary', scopes: ['*'] }, shows: true });
    const tenant = await request('POST', '/api/admin/tenants', {
      token: SECRETS.admin_token,
      body: { name: 'Canary', user: { name: 'Canary' } },
      shows: true,
    });
    generated = { made_token: String(token['token']), first_token: (tenant['token'] as { token: string }).token };
    const data = { text: CONTENTS.payload };
    for (let count = 0; count < 3; count += 1) {
      await request('POST', '/api/events', { body: { event: 'build.completed', data } });
    }
    await request('POST', `/api/webhooks/${id}/test`, { body: { payload: data }, shows: true });
    // An error that nobody expected, of which the database tells the whole row.
    await execute(database.url, 'ALTER TABLE event_payloads ADD CONSTRAINT never CHECK (tenant_id IS NULL) NOT VALID');
    await request('POST', `/api/webhooks/${id}/test`, { body: { payload: data } });
    await execute(database.url, 'ALTER TABLE event_payloads DROP CONSTRAINT never');
    // Mistakes that quote what they were given would quote secrets.
    await request('POST', '/api/webhooks', { body: { ...webhook('/'), secret: SECRETS.refused_secret, events: [7] } });
    await request('POST', '/api/webhooks', {
      body: { ...webhook('/'), headers: { 'X-Bad': `${SECRETS.basic_auth}\n` } },
    });
    await request('POST', '/api/webhooks', { body: `{"secret":"${SECRETS.webhook_secret}",,}` });
    await request('POST', '/api/events', { body: `{"data":{"text":"${CONTENTS.payload}"` });
    await request('POST', `/api/webhooks/${id}/secret/rotate`, {
      body: { secret: `whsec_${SECRETS.rotated_secret}!` },
    });
    for (const url of [`http://10.0.0.1/${URL_KEYS.url_path}`, `ftp://example.com/?key=${URL_KEYS.url_query}`]) {
      await request('POST', '/api/webhooks', { body: { ...webhook('/'), url } });
    }
    const inboundKeys = await exerciseInbound(request, api.url, receiver.origin, INBOUND_SECRETS);
    urlKeys = { ...URL_KEYS, ...Object.fromEntries(inboundKeys.map((key, index) => [`inbound_key_${index}`, key])) };
    for (const path of ['/api/me', '/api/admin/tenants']) await request('GET', path, { token: SECRETS.wrong_token });
    await request('GET', '/api/me', { token: SECRETS.admin_token });
    await receiver.waitFor(2);
    const states = `SELECT FROM deliveries WHERE state IN ('exhausted', 'delivered')`;
    await waitFor('the deliveries to end', async () => (await queryRows(database.url, states)).length >= 9, 30_000);
    const ended = `SELECT FROM inbound_action_runs WHERE status IN ('succeeded', 'failed')`;
    await waitFor('the inbound actions to end', async () => (await queryRows(database.url, ended)).length >= 2, 30_000);
    for (const path of ['', '/channels', '/canary/actions', '/canary/logs?debug=true']) {
      await request('GET', `/api/inbound${path}`);
    }
    for (const path of ['/api/webhooks', '/api/tokens', '/api/users', '/api/me', '/api/signing-keys', '/api/events']) {
      await request('GET', path);
    }
    for (const one of [id, String(failing['webhook_id']), String(refused['webhook_id'])]) {
      await request('GET', `/api/webhooks/${one}/deliveries?limit=100`, { shows: true });
      await request('GET', `/api/webhooks/${one}/stats`);
    }
    await request('GET', '/api/admin/tenants', { token: SECRETS.admin_token });
    for (const path of ['/docs', '/docs-json', '/docs-yaml', '/metrics', '/readyz', '/healthz'])
      await request('GET', path);
    for (const path of ['/metrics', '/readyz', '/healthz']) {
      answers.push([`dispatcher ${path}`, await (await fetch(dispatcher.url + path)).text()]);
    }
  }

  const secrets = (): Canaries => ({
    ...SECRETS,
    ...generated,
    encryption_key: KEY.toString('base64'),
    encryption_key_bytes: KEY.toString('hex'),
  });

  it('are found where they are (or else this would find nothing)', async () => {
    expect(receiver.requests[0]?.headers['x-key']).toBe(SECRETS.basic_auth);
    const paths = receiver.requests.map(({ path }) => path).join('\n');
    for (const key of Object.values(URL_KEYS)) expect(paths).toContain(key);
    const stored = await readDatabase(database.url);
    const urls = URL_COLUMNS.map((column) => stored.get(column) ?? '').join('\n');
    expect(Object.keys(urlKeys)).toHaveLength(4);
    expect(leaksIn(urls, urlKeys)).toEqual(Object.keys(urlKeys));
    for (const column of CONTENT_COLUMNS) expect(leaksIn(stored.get(column) ?? '', CONTENTS)).toHaveLength(1);
    for (const secret of Object.values(SECRETS)) {
      const hidden = {
        hex: Buffer.from(`a${secret}b`).toString('hex'),
        base64: Buffer.from(`ab${secret}c`).toString('base64'),
      };
      for (const text of Object.values(hidden)) expect(leaksIn(text, { secret })).toEqual(['secret']);
    }
    expect(dispatcher.output()).toContain('"msg":"attempt"');
    expect(dispatcher.output()).toContain('cannot be unsealed');
    expect(answers.map(([name]) => name).filter((name) => name.endsWith(' 500'))).toHaveLength(2);
  });

  it('stand in no line of any log, stack traces included', () => {
    for (const app of processes) {
      const leaking = app
        .output()
        .split('\n')
        .filter((line) => leaksIn(line, { ...secrets(), ...CONTENTS, ...urlKeys }).length > 0);
      expect(leaking).toEqual([]);
    }
  });

  it('stand in no list, error, metric or page', () => {
    const leaking = answers.filter(([, text]) => leaksIn(text, secrets()).length > 0);
    expect(leaking.map(([name, text]) => [name, leaksIn(text, secrets())])).toEqual([]);
    const pages = answers.filter(([name]) => /metrics|docs|readyz|healthz| 4\d\d$| 5\d\d$/.test(name));
    expect(pages.length).toBeGreaterThan(10);
    expect(pages.filter(([, text]) => leaksIn(text, { ...CONTENTS, ...urlKeys }).length > 0)).toEqual([]);
  });

  it('stand in no job, and in no column of the database that is not sealed', async () => {
    for (const [column, text] of await readDatabase(database.url)) {
      const contents = CONTENT_COLUMNS.includes(column) ? {} : CONTENTS;
      const keys = URL_COLUMNS.includes(column) ? {} : urlKeys;
      expect([column, leaksIn(text, { ...secrets(), ...contents, ...keys })]).toEqual([column, []]);
    }
    const added = await jobs.read();
    for (const field of ['batchIds', 'endpoints']) expect(added).toContain(field);
    expect(leaksIn(added, { ...secrets(), ...CONTENTS, ...urlKeys })).toEqual([]);
  });
});
