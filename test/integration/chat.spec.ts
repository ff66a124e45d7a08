import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startApi, type TestApi } from '../support/api';
import { makeTenant, type TestTenant } from '../support/factories';
import { createTestDatabase, type TestDatabase } from '../support/postgres';
import { referenceCommands } from '../support/reference';

const SIGNING_SECRET = '8f742231b10e8888abcd99yyyzzz85a5';
const CLI = join(__dirname, '..', '..', 'dist', 'apps', 'cli', 'main.js');

const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);

describe('chat commands', () => {
  let database: TestDatabase;
  let api: TestApi;
  let tenant: TestTenant;

  beforeAll(async () => {
    database = await createTestDatabase();
    api = await startApi({ databaseUrl: database.url });
  });
  beforeEach(async () => {
    tenant = await makeTenant(api);
  });
  afterAll(async () => {
    await api.stop();
    await database.drop();
  });

  const say = async (text: string, token = tenant.token): Promise<string> => {
    const response = await api.as(token).post('/api/chat/commands').send({ text }).expect(200);
    return (response.body as { text: string }).text;
  };
  const inbound = async (path = ''): Promise<Record<string, unknown>> => {
    const response = await api.as(tenant.token).get(`/api/inbound${path}`).expect(200);
    return response.body as Record<string, unknown>;
  };
  const makeToken = async (scopes: string[]): Promise<{ token: string; token_id: string }> => {
    const response = await api.as(tenant.token).post('/api/tokens').send({ name: 'chat', scopes }).expect(201);
    return response.body as { token: string; token_id: string };
  };

  it('of the reference do what they say, one after the other', async () => {
    await api
      .as(tenant.token)
      .post('/api/inbound/channels')
      .send({
        name: 'desk',
        kind: 'http',
        settings: { url: 'https://hooks.example.com/desk' },
        is_default: true,
      })
      .expect(201);
    const [create, createWithSecret, ...others] = referenceCommands().map((line) => line.split(/\s{2,}/)[0]!);
    expect(await say(create!)).toMatch(
      /^Created trading-signals\.\nURL: http.*\/webhooks\/.+\/trading-signals\nSecret/,
    );
    expect(await say(createWithSecret!)).toMatch(/Secret \(shown this once\): abc123/);

    const answers: Record<string, string> = {};
    for (const command of others) {
      const { actions } = (await inbound('/alerts').catch(() => ({ actions: [] }))) as {
        actions: { action_id: string }[];
      };
      const text = command
        .replace('<name>', 'alerts')
        .replace('<id>', actions[0]?.action_id ?? '')
        .replace('add execute', 'add execute place-order');
      // Deleting comes in the middle of the reference's list.
      if (command.includes('delete')) await say('/webhook create gone');
      answers[command] = await say(command.includes('delete') ? '/webhook delete gone' : text);
    }
    expect(answers).toMatchObject({
      '/webhook list': matching(/^2 inbound endpoints\n• alerts — 0 requests, last never\n• trading-signals/),
      '/webhook info <name>': matching(/^alerts\nURL: .*\nSignature: webhook\nState: enabled, debug mode off/),
      '/webhook url <name>': matching(/^http.*\/webhooks\/[\w-]{32}\/alerts$/),
      '/webhook regenerate <name>': matching(/^alerts has a new URL and a new secret.*\nURL: .*\nSecret/),
      '/webhook delete <name>': 'Deleted gone.',
      '/webhook test <name>': matching(/^Test of alerts: accepted, answered with 200\n✓ /),
      [`/webhook test <name> '{"signal":"BUY"}'`]: matching(/^Test of alerts: accepted/),
      '/webhook logs <name>': matching(/accepted \(200\) from .*, req_\w+\n {2}\{"signal":"BUY"\}/),
      '/webhook debug <name>': matching(/^Debug mode of alerts is on/),
      '/webhook action <name> add notify': matching(/^Added to alerts:\n• act_\w+ notify: channels: \["desk"\]/),
      '/webhook action <name> add execute': matching(/• act_\w+ execute: handler: place-order/),
      '/webhook action <name> remove <id>': matching(/^Removed act_\w+ from alerts\.$/),
      '/webhook action <name> list': matching(/^Actions of alerts:\n• act_\w+ execute/),
    });
    expect(await inbound('/alerts')).toMatchObject({ debug: true, actions: [{ type: 'execute' }] });
  });

  it('are validated as the API validates', async () => {
    expect(await say('/webhook create "Not a name"')).toMatch(/^name: must begin with a letter or digit/);
    expect(await say('/webhook create a --scheme carrier-pigeon')).toMatch(/^signature\.scheme: /);
    expect(await say('/webhook create a --ip 10.0.0.0/33')).toMatch(/^allowed_ips/);
    await say('/webhook create a');
    expect(await say('/webhook create a')).toMatch(/there is an inbound endpoint called a already/);
    expect(await say('/webhook action a add notify')).toMatch(/There is no default channel/);
    expect(await say('/webhook action a add notify nowhere')).toMatch(/nowhere: no such channel/);
    expect(await say(`/webhook action a add log t --if 'payload.'`)).toMatch(/^condition: /);
    expect(await say('/webhook action a remove act_1')).toBe('Action not found');
    await api.as(tenant.token).post('/api/chat/commands').send({}).expect(400);
  });

  it("reach no other tenant's endpoints", async () => {
    await say('/webhook create mine');
    const other = await makeTenant(api);
    for (const command of ['info', 'url', 'delete', 'test', 'logs', 'debug', 'regenerate']) {
      expect(await say(`/webhook ${command} mine`, other.token)).toMatch(/not found$/);
    }
    expect(await say('/webhook list', other.token)).toMatch(/^There are no inbound endpoints/);
  });

  it('change nothing for a token that may only read, and are closed to one that may not even read', async () => {
    const reader = await makeToken(['inbound:read']);
    await say('/webhook create mine');
    expect(await say('/webhook delete mine', reader.token)).toBe('The token lacks the scope inbound:write');
    expect(await say('/webhook url mine', reader.token)).toMatch(/^http/);
    const stranger = await makeToken(['events:write']);
    await api.as(stranger.token).post('/api/chat/commands').send({ text: '/webhook list' }).expect(403);
  });

  it('are run from the command line', async () => {
    const run = (...args: string[]): Promise<{ stdout: string }> =>
      promisify(execFile)(process.execPath, [CLI, 'webhook', ...args], {
        env: { ...process.env, API_URL: api.url, TOKEN: tenant.token },
      });
    expect((await run('create', 'from-shell', '--description', 'a "quoted" \\ word')).stdout).toMatch(
      /^Created from-shell/,
    );
    expect(await inbound('/from-shell')).toMatchObject({ description: 'a "quoted" \\ word' });
    expect((await run('test', 'from-shell', '{"signal":"BUY"}')).stdout).toMatch(/accepted/);
    expect((await run('logs', 'from-shell')).stdout).toMatch(/\{"signal":"BUY"\}/);
    await expect(
      promisify(execFile)(process.execPath, [CLI, 'webhook', 'list'], {
        env: { ...process.env, API_URL: api.url, TOKEN: 'wrong' },
      }),
    ).rejects.toMatchObject({ code: 1, stderr: matching(/token/) });
  });

  describe('from Slack', () => {
    const link = async (settings: object = {}, token = tenant.token): Promise<{ request_url: string }> => {
      const sent = { signing_secret: SIGNING_SECRET, ...settings };
      return (await api.as(token).put('/api/chat/slack').send(sent).expect(200)).body as { request_url: string };
    };
    const post = (
      url: string,
      text: string,
      { secret = SIGNING_SECRET, at = Date.now(), team = 'T0001', user = 'U1' } = {},
    ) => {
      const body = new URLSearchParams({ command: '/webhook', text, team_id: team, user_id: user }).toString();
      const timestamp = String(Math.floor(at / 1000));
      const mac = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex');
      return api.anonymous
        .post(new URL(url).pathname)
        .set('content-type', 'application/x-www-form-urlencoded')
        .set('x-slack-request-timestamp', timestamp)
        .set('x-slack-signature', `v0=${mac}`)
        .send(body);
    };

    it('are answered to their author only, by the token that linked the workspace', async () => {
      const { request_url: url } = await link();
      const body = (await post(url, 'create from-slack').expect(200)).body as unknown;
      expect(body).toMatchObject({ response_type: 'ephemeral', text: matching(/^Created from-slack/) });
      expect(await inbound('/from-slack')).toMatchObject({ name: 'from-slack' });
      expect((await post(url, '').expect(200)).body).toMatchObject({
        text: matching(/webhook create <name>/),
      });
    });

    it.each([
      ['another secret', { secret: 'another-signing-secret' }],
      ['a signature of ten minutes ago', { at: Date.now() - 600_000 }],
    ])('with %s are refused, and nothing is done', async (_what, wrong) => {
      const { request_url: url } = await link();
      const body = (await post(url, 'create forged', wrong).expect(401)).body as unknown;
      expect(body).toMatchObject({ code: 'invalid_signature' });
      expect(await inbound()).toMatchObject({ total: 0 });
    });

    it('are for the linked workspace and the named users only', async () => {
      const { request_url: url } = await link({ team_id: 'T0001', user_ids: ['U1'] });
      expect((await post(url, 'list').expect(200)).body).toMatchObject({ text: matching(/no inbound/) });
      expect((await post(url, 'list', { team: 'T0002' })).body).toMatchObject({
        text: matching(/workspace/),
      });
      expect((await post(url, 'list', { user: 'U2' })).body).toMatchObject({
        text: matching(/not among/),
      });
    });

    it('may do what the token may, and nothing once it is revoked', async () => {
      const reader = await makeToken(['inbound:write']);
      const { request_url: url } = await link({}, reader.token);
      await post(url, 'create by-reader').expect(200);
      await api.as(tenant.token).delete(`/api/tokens/${reader.token_id}`).expect(200);
      expect((await post(url, 'delete by-reader').expect(200)).body).toMatchObject({
        text: matching(/no longer valid/),
      });
      expect(await inbound()).toMatchObject({ total: 1 });
    });

    it('keep their URL when they are linked anew, and end when unlinked', async () => {
      const { request_url: url } = await link();
      expect((await link({ signing_secret: 'another-signing-secret' })).request_url).toBe(url);
      await post(url, 'list').expect(401);
      const shown = await api.as(tenant.token).get('/api/chat/slack').expect(200);
      expect(JSON.stringify(shown.body)).not.toContain('another-signing-secret');
      await api.as(tenant.token).delete('/api/chat/slack').expect(200);
      await post(url, 'list', { secret: 'another-signing-secret' }).expect(404);
      await api.as(tenant.token).get('/api/chat/slack').expect(404);
      const acts = await api.as(tenant.token).get('/api/audit?limit=50').expect(200);
      expect(JSON.stringify(acts.body)).toMatch(/slack\.unlinked.*slack\.linked/su);
    });

    it('are linked by tokens of the whole tenant that may change endpoints, with sound settings', async () => {
      const { token } = await makeToken(['inbound:read']);
      await api.as(token).put('/api/chat/slack').send({ signing_secret: SIGNING_SECRET }).expect(403);
      const bad = { signing_secret: 'short', team_id: 'not an id', user_ids: 'U1' };
      const body = (await api.as(tenant.token).put('/api/chat/slack').send(bad).expect(400)).body as unknown;
      expect((body as { details: { field: string }[] }).details.map(({ field }) => field).sort()).toEqual([
        'signing_secret',
        'team_id',
        'user_ids',
      ]);
    });
  });
});
