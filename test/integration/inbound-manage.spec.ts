import { QUEUE_BACKEND } from '#queues/queues.module';
import type { QueueBackend } from '#queues/queue-backend';
import { INBOUND_QUEUE } from '#queues/queue-names';
import { parseId } from '#kernel/ids';
import { ADMIN_TOKEN, startApi } from '../support/api';
import { startService, type TestService } from '../support/apps-in-process';
import { describeEachBackend, POSTGRES_BACKEND } from '../support/backends';
import { startTcpProxy } from '../support/tcp-proxy';
import { waitFor } from '../support/wait-for';

interface Made {
  name: string;
  url: string;
  secret: string;
}

interface Refusal {
  code: string;
  details: { field: string; message: string }[];
}

const HOOKS = `
- id: Deploy.Site
  execute-command: /bin/echo
  pass-arguments-to-command: [{ source: payload, name: ref }]
  response-message: deploying
  include-command-output-in-response: false
  trigger-rule: { match: { type: value, value: main, parameter: { source: payload, name: ref } } }
`;

let counter = 0;
const pathOf = ({ url }: Made): string => new URL(url).pathname;
const makeIn = async (service: TestService, settings: object = {}): Promise<Made> => {
  const body = { name: `managed-${(counter += 1)}`, signature: 'none', ...settings };
  const response = await service.api.as(service.tenant.token).post('/api/inbound').send(body);
  if (response.status !== 201) throw new Error(response.text);
  return response.body as Made;
};

describe('managing inbound endpoints', () => {
  let service: TestService;

  beforeAll(async () => {
    service = await startService(POSTGRES_BACKEND, {
      dispatchers: 0,
      env: { INBOUND_HOOKS: 'on', INBOUND_COMMANDS: 'on', DELIVERY_ALLOWED_CIDRS: '127.0.0.0/8' },
    });
  });
  afterAll(async () => {
    await service.stop();
  });

  const as = (token = service.tenant.token) => service.api.as(token);
  const make = (settings: object = {}): Promise<Made> => makeIn(service, settings);

  it.each<[object, string, RegExp]>([
    [{ name: 'Upper' }, 'name', /lower case/],
    [{ name: 'channels' }, 'name', /must not be/],
    [{ signature: { scheme: 'md5' } }, 'signature.scheme', /one of webhook, simple/],
    [{ signature: { scheme: 'hmac' } }, 'signature.header', /required/],
    [{ allowed_ips: ['10.0.0.1', '10.0.0.0/33'] }, 'allowed_ips[1]', /CIDR/],
    [{ schema: { type: 'nothing' } }, 'schema.type', /./],
    [{ trigger_rule: { match: { type: 'regex' } } }, 'trigger_rule.match.parameter', /source and name/],
    [{ dedupe: 'x' }, 'dedupe', /header/],
    [{ methods: ['TRACE'] }, 'methods', /GET, HEAD, POST/],
    [{ max_body_bytes: 1e9 }, 'max_body_bytes', /1 to 1048576/],
    [{ response: { status: 302 } }, 'response.status', /200 to 299/],
    [{ response: { headers: { 'Set-Cookie': 'a=b' } } }, 'response.headers', /Set-Cookie/],
    [{ response: { command_output: 'always' } }, 'response.command_output', /wait: true/],
    [{ rate_limit: { requests: 0 } }, 'rate_limit', /requests/],
    [{ secret: 'short' }, 'secret', /6 to 256/],
    [{ max_log_entries: -1 }, 'max_log_entries', /0 to 10000/],
    [{ colour: 'red' }, 'colour', /not a known field/],
  ])('refuses %j, naming the field and what is allowed', async (settings, field, message) => {
    const response = await as()
      .post('/api/inbound')
      .send({ name: 'wrong', ...settings })
      .expect(400);
    const { details } = response.body as Refusal;
    expect(details.find((detail) => detail.field === field)?.message).toMatch(message);
  });

  it.each<[object, string, RegExp]>([
    [{ type: 'log', settings: {} }, 'settings.table', /signal_history/],
    [{ type: 'forward', settings: {} }, 'settings', /either url/],
    [{ type: 'forward', settings: { url: 'http://169.254.169.254/' } }, 'settings.url', /./],
    [{ type: 'forward', settings: { event: 'no type' } }, 'settings.event', /event type/],
    [{ type: 'notify', settings: { channels: ['nowhere'] } }, 'settings.channels', /POST \/api\/inbound\/channels/],
    [{ type: 'notify', settings: { template: '{{#if x}}' } }, 'settings.template', /./],
    [{ type: 'execute', settings: { command: '/bin/sh' } }, 'settings.command', /operator/],
    [{ type: 'execute', settings: { handler: 'a', url: 'http://x.example' } }, 'settings', /exactly one/],
    [{ type: 'custom', settings: {} }, 'settings.function', /registered/],
    [{ type: 'log', settings: { table: 'a' }, condition: 'payload.a >' }, 'condition', /expression/],
    [
      { type: 'log', settings: { table: 'a' }, retry_policy: { max_attempts: 0 } },
      'retry_policy.max_attempts',
      /1 to 50/,
    ],
    [{ type: 'delete', settings: {} }, 'type', /notify, forward, log/],
  ])('refuses the action %j', async (action, field, message) => {
    const { name } = await make();
    const response = await as().post(`/api/inbound/${name}/actions`).send(action).expect(400);
    const { details } = response.body as Refusal;
    expect(details.find((detail) => detail.field === field)?.message).toMatch(message);
  });

  it('changes what is given, and keeps the rest', async () => {
    const { name } = await make({ rate_limit: { requests: 5, per_seconds: 60 }, description: 'First' });
    const changed = await as()
      .put(`/api/inbound/${name}`)
      .send({ schema: { type: 'object' }, rate_limit: null })
      .expect(200);
    expect(changed.body).toMatchObject({
      schema: { type: 'object' },
      rate_limit: null,
      description: 'First',
      signature: { scheme: 'none' },
    });
    const conflict = await as().post('/api/inbound').send({ name }).expect(409);
    expect(conflict.body).toMatchObject({ code: 'name_taken' });
    await as().delete(`/api/inbound/${name}`).expect(200);
    await as().post('/api/inbound').send({ name }).expect(201);
  });

  it('is addressed by name or id, and shows secrets to those who may write only', async () => {
    const { name } = await make({ secret: 'a-secret-to-hide' });
    const byName = await as().get(`/api/inbound/${name}`).expect(200);
    const { inbound_id: id } = byName.body as { inbound_id: string };
    expect((await as().get(`/api/inbound/${id}`).expect(200)).body).toMatchObject({ name, secret: 'a-secret-to-hide' });
    const token = await as()
      .post('/api/tokens')
      .send({ name: 'Reader', scopes: ['inbound:read'] })
      .expect(201);
    const reader = as((token.body as { token: string }).token);
    expect((await reader.get(`/api/inbound/${id}`).expect(200)).body).toMatchObject({ secret: null });
    expect((await as().get('/api/inbound').expect(200)).text).not.toContain('a-secret-to-hide');
  });

  it('forwards to a URL through a webhook of its own, which is shown nowhere and goes with the action', async () => {
    const { name } = await make();
    const forward = { url: 'http://127.0.0.1:9/', secret: 'the-forward-secret', headers: { 'X-Key': 'k' } };
    const added = await as()
      .post(`/api/inbound/${name}/actions`)
      .send({ type: 'forward', settings: forward })
      .expect(201);
    expect(added.body).toMatchObject({ settings: { url: forward.url }, secret: 'the-forward-secret' });
    expect(JSON.stringify((added.body as { settings: object }).settings)).not.toContain('X-Key');
    const hidden = (): Promise<{ id: string; deleted: boolean }[]> =>
      service.rows(
        `SELECT w.id, w.deleted_at IS NOT NULL AS deleted FROM webhooks w WHERE kind = 'inbound_forward' AND name = $1`,
        [`inbound ${name}`],
      );
    expect(await hidden()).toEqual([{ id: expect.any(String) as string, deleted: false }]);
    expect((await as().get('/api/webhooks')).body).toMatchObject({ total: 0 });
    const { action_id: actionId } = added.body as { action_id: string };
    const changed = await as()
      .put(`/api/inbound/${name}/actions/${actionId}`)
      .send({ condition: 'payload.a == 1' })
      .expect(200);
    expect(changed.body).toMatchObject({ condition: 'payload.a == 1', settings: { url: forward.url } });
    await as().delete(`/api/inbound/${name}/actions/${actionId}`).expect(200);
    expect(await hidden()).toMatchObject([{ deleted: true }]);
  });

  it('keeps channels, of which one is the default, without showing what is secret', async () => {
    const channel = (name: string): object => ({
      name,
      kind: 'slack',
      settings: { url: 'http://127.0.0.1:9/T0/secret' },
      is_default: true,
    });
    await as().post('/api/inbound/channels').send(channel('one')).expect(201);
    await as().post('/api/inbound/channels').send(channel('two')).expect(201);
    await as().post('/api/inbound/channels').send(channel('two')).expect(409);
    const list = await as().get('/api/inbound/channels').expect(200);
    expect(list.body).toMatchObject({
      channels: [
        { name: 'one', is_default: false },
        { name: 'two', is_default: true },
      ],
    });
    expect(list.text).not.toContain('/secret');
    const { name } = await make();
    await as()
      .post(`/api/inbound/${name}/actions`)
      .send({ type: 'notify', settings: { channels: ['one'] } })
      .expect(201);
    const wrong = await as()
      .put('/api/inbound/channels/one')
      .send({ settings: { url: 'ftp://x' } })
      .expect(400);
    expect((wrong.body as Refusal).details[0]).toMatchObject({ field: 'settings.url' });
  });

  it('tests with a payload of its own or one made of the schema, and can only look', async () => {
    const schema = { type: 'object', required: ['symbol'], properties: { symbol: { type: 'string', enum: ['BTC'] } } };
    const { name } = await make({ schema, signature: 'stripe', allowed_ips: ['192.0.2.0/24'] });
    const sample = await as().post(`/api/inbound/${name}/test`).send({}).expect(200);
    expect(sample.body).toMatchObject({ status: 'accepted', payload: { symbol: 'BTC' }, response: { status: 200 } });
    const own = await as()
      .post(`/api/inbound/${name}/test`)
      .send({ payload: { price: 1 }, dry_run: true })
      .expect(200);
    expect(own.body).toMatchObject({
      status: 'rejected',
      code: 'schema_mismatch',
      request_id: null,
      response: { status: 422 },
    });
    expect((await as().get(`/api/inbound/${name}`)).body).toMatchObject({ trigger_count: 0 });
  });

  describe('imports hook files', () => {
    it('whose commands only the operator can have run', async () => {
      const refused = await as().post('/api/inbound/import').send({ content: HOOKS }).expect(403);
      expect(refused.body).toMatchObject({ code: 'commands_forbidden' });
      const path = `/api/admin/tenants/${service.tenant.tenantId}/inbound/import`;
      const imported = await service.api.as(ADMIN_TOKEN).post(path).send({ content: HOOKS }).expect(201);
      const [hook] = (imported.body as { imported: { name: string; hook_url: string }[] }).imported;
      expect(hook).toMatchObject({ name: 'deploy.site' });
      const actions = await as().get('/api/inbound/deploy.site/actions').expect(200);
      expect(actions.body).toMatchObject({ actions: [{ type: 'execute', settings: { command: '/bin/echo' } }] });
      // The tenant may remove the command, and not put another in its place.
      const { actions: list } = actions.body as { actions: { action_id: string }[] };
      const change = { settings: { command: '/bin/sh' } };
      await as().put(`/api/inbound/deploy.site/actions/${list[0]?.action_id}`).send(change).expect(403);
      const at = new URL(hook?.hook_url ?? '').pathname;
      expect(at).toBe('/hooks/Deploy.Site');
      const answer = await service.api.anonymous.post(at).send({ ref: 'main' }).expect(200);
      expect(answer.text).toBe('deploying');
      expect((await service.api.anonymous.post(at).send({ ref: 'x' })).body).toMatchObject({ status: 'ignored' });
      await service.api.as(ADMIN_TOKEN).post(path).send({ content: HOOKS }).expect(409);
    });

    it('all or none, and says by hook and property what is wrong', async () => {
      const content = `${HOOKS.replace('Deploy.Site', 'good')}- id: bad\n  execute-command: /bin/true\n  trigger-rule: { match: { type: what } }\n`;
      const refused = await as().post('/api/inbound/import').send({ content, commands: 'skip' }).expect(400);
      expect((refused.body as Refusal).details[0]?.field).toMatch(/^hooks\[1\]\.trigger-rule/);
      await as().get('/api/inbound/good').expect(404);
      await as()
        .post('/api/inbound/import')
        .send({ content: HOOKS.replace('Deploy.Site', 'good'), commands: 'skip' })
        .expect(201);
      expect((await as().get('/api/inbound/good/actions')).body).toEqual({ actions: [] });
    });

    it('not for a tenant that is not there, and without commands where they are off', async () => {
      const other = await startApi({ databaseUrl: service.databaseUrl });
      try {
        const path = `/api/admin/tenants/${service.tenant.tenantId}/inbound/import`;
        const off = await other.as(ADMIN_TOKEN).post(path).send({ content: HOOKS }).expect(403);
        expect(off.body).toMatchObject({ code: 'commands_off' });
        await other.anonymous.post('/hooks/Deploy.Site').send({}).expect(404);
        const nowhere = '/api/admin/tenants/tenant_01k9zq5v7c2m8x4r6t0w3y5b7d/inbound/import';
        await service.api.as(ADMIN_TOKEN).post(nowhere).send({ content: HOOKS, commands: 'skip' }).expect(404);
      } finally {
        await other.stop();
      }
    });
  });

  it('answers 503 with Retry-After while the database is away, and has accepted nothing', async () => {
    const endpoint = await make();
    const proxy = await startTcpProxy(service.databaseUrl);
    const cut = await startApi({ databaseUrl: proxy.url });
    try {
      await cut.anonymous.post(pathOf(endpoint)).send({ number: 1 }).expect(200);
      proxy.cut();
      const away = await cut.anonymous.post(pathOf(endpoint)).send({ number: 2 });
      expect(away.status).toBe(503);
      expect(Number(away.headers['retry-after'])).toBeGreaterThan(0);
      proxy.restore();
      await waitFor(
        'the database',
        async () => (await cut.anonymous.post(pathOf(endpoint)).send({ number: 3 })).status === 200,
      );
      const logs = await as().get(`/api/inbound/${endpoint.name}/logs`).expect(200);
      const numbers = (logs.body as { logs: { payload: { number: number } }[] }).logs.map(
        ({ payload }) => payload.number,
      );
      expect(numbers).toEqual([3, 1]);
    } finally {
      await cut.stop();
      await proxy.stop();
    }
  });
});

describeEachBackend('inbound requests', (backend) => {
  let service: TestService;

  beforeAll(async () => {
    service = await startService(backend, { dispatchers: 0 });
  });
  afterAll(async () => {
    await service.stop();
  });

  it('are signalled to the dispatchers', async () => {
    const endpoint = await makeIn(service);
    await service.api
      .as(service.tenant.token)
      .post(`/api/inbound/${endpoint.name}/actions`)
      .send({ type: 'log', settings: { table: 'seen' } })
      .expect(201);
    const queues = service.api.app.get<QueueBackend>(QUEUE_BACKEND);
    await waitFor('a signal', async () => {
      await service.api.anonymous.post(pathOf(endpoint)).send({}).expect(200);
      return ((await queues.depth(INBOUND_QUEUE)) ?? 0) > 0;
    });
  });

  it('are counted once and kept up to the limit of the log, those with work to be done in any case', async () => {
    const endpoint = await makeIn(service, { max_log_entries: 3 });
    for (let number = 0; number < 8; number += 1)
      await service.api.anonymous.post(pathOf(endpoint)).send({ number }).expect(200);
    const as = service.api.as(service.tenant.token);
    const read = async (): Promise<unknown> =>
      ((await as.get(`/api/inbound/${endpoint.name}`)).body as { trigger_count: number }).trigger_count;
    const shown = async (): Promise<number> =>
      ((await as.get(`/api/inbound/${endpoint.name}/logs`)).body as { logs: unknown[] }).logs.length;
    expect([await read(), await shown()]).toEqual([8, 3]);
    const kept = async (): Promise<number> => {
      const id = parseId(
        'inb',
        ((await as.get(`/api/inbound/${endpoint.name}`)).body as { inbound_id: string }).inbound_id,
      );
      return (await service.rows('SELECT FROM inbound_requests WHERE endpoint_id = $1', [id])).length;
    };
    expect(await kept()).toBe(8);
    await service.addDispatcher();
    await waitFor('the log to be cut', async () => (await kept()) === 3);
    expect([await read(), await shown()]).toEqual([8, 3]);
  });
});
