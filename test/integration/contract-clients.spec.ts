import { Pool } from 'pg';
import { createContext, runInContext } from 'node:vm';
import { startApi, type TestApi } from '../support/api';
import { makeTenant, type TestTenant } from '../support/factories';
import { writeDelivery } from '../support/history';
import { createTestDatabase, type TestDatabase } from '../support/postgres';
import { startReceiver, TEST_SECRET, type Receiver } from '../support/receiver';
import { referenceCode } from '../support/reference';
import { waitFor } from '../support/wait-for';

interface Webhook {
  webhook_id: string;
  name: string;
}

interface Health {
  healthy: boolean;
  successRate: number;
  avgResponseTime: number | null;
}

/** What the examples declare at their top level. */
interface Declared {
  createWebhook(data: object): Promise<Webhook>;
  getWebhookStats(id: string, period?: string): Promise<{ period: string }>;
  monitorWebhookHealth(id: string): Promise<Health | { healthy: false; error: string }>;
  testWebhook(id: string, eventType?: string): Promise<{ delivery_id: string; status: string; event_type: string }>;
  testAllWebhooks(): Promise<void>;
}

/** An example that runs in a page of this service: what it says, and what it does every so often. */
interface Page {
  declared: Partial<Declared>;
  lines: string[];
  intervals: { work: () => Promise<void>; everyMs: number }[];
  alerts: { webhook_id: string; details: Health }[];
}

/** The reference's JavaScript clients, unchanged, against the API. */
describe('the clients of the reference', () => {
  let database: TestDatabase;
  let pool: Pool;
  let api: TestApi;
  let receiver: Receiver;
  let tenant: TestTenant;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = new Pool({ connectionString: database.url, max: 2 });
    api = await startApi({ databaseUrl: database.url, env: { DELIVERY_ALLOWED_CIDRS: '127.0.0.0/8' } });
    receiver = await startReceiver(({ path }) => (path === '/fails' ? 500 : 200));
  });

  beforeEach(async () => {
    tenant = await makeTenant(api);
  });

  afterAll(async () => {
    await receiver.stop();
    await api.stop();
    await pool.end();
    await database.drop();
  });

  /** Runs an example where relative URLs lead to the API, with what it presupposes. */
  async function run(name: string, declares: (keyof Declared)[], accessToken = tenant.token): Promise<Page> {
    const lines: string[] = [];
    const intervals: Page['intervals'] = [];
    const alerts: Page['alerts'] = [];
    const say = (...parts: unknown[]): void => void lines.push(parts.join(' '));
    const read = async (path: string, query: Record<string, unknown>): Promise<unknown> => {
      const entries = Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]);
      const response = await fetch(`${api.url}${path}?${String(new URLSearchParams(entries))}`, {
        headers: { Authorization: `Bearer ${accessToken}` },
      });
      return response.json();
    };
    const context = createContext({
      accessToken,
      console: { log: say, warn: say, error: say },
      fetch: (path: string, init: RequestInit) => fetch(new URL(path, api.url), init),
      setInterval: (work: () => Promise<void>, everyMs: number) => intervals.push({ work, everyMs }),
      getWebhooks: (query: Record<string, unknown> = {}) => read('/api/webhooks', query),
      getWebhookDeliveries: (id: string, query: Record<string, unknown>) =>
        read(`/api/webhooks/${id}/deliveries`, query),
      sendAlert: (alert: Page['alerts'][number]) => Promise.resolve(alerts.push(alert)),
    });
    // As a module, which may wait at its top level; its declarations are handed out.
    const code = `(async () => {\n${referenceCode(name)}\nreturn { ${declares.join(', ')} };\n})()`;
    const declared = (await runInContext(code, context)) as Partial<Declared>;
    return { declared, lines, intervals, alerts };
  }

  const create = async (name: string, path = '/'): Promise<string> => {
    const body = { name, url: `${receiver.origin}${path}`, events: ['*'], secret: TEST_SECRET };
    const response = await api.as(tenant.token).post('/api/webhooks').send(body).expect(201);
    return (response.body as Webhook).webhook_id;
  };

  it('create a webhook', async () => {
    const page = await run('create-and-manage', ['createWebhook']);
    const [webhook] = await listed();
    expect(page.lines).toEqual([
      `Webhook 创建成功: ${webhook!.webhook_id}`,
      'Webhook URL: https://api.myapp.com/webhooks/trae',
      '订阅事件: build.completed,build.failed,deployment.completed,deployment.failed',
    ]);
    expect(webhook).toMatchObject({ name: 'CI/CD Notifications', project_id: 'proj_123', active: true });
    // A refusal has a message that a person can read.
    await expect(page.declared.createWebhook!({ url: 'nowhere', events: ['*'], name: 'x' })).rejects.toThrow(
      /^url: must/,
    );
  });

  it('are told what is wrong when they may not', async () => {
    const page = await run('create-and-manage', [], 'no-token-of-anybody-at-all-0123456789');
    expect(page.lines).toEqual(['创建 Webhook 失败: The token is not valid']);
  });

  it('read statistics and watch the health of webhooks', async () => {
    const [well, ill, unused] = [await create('well'), await create('ill'), await create('unused')];
    const past = { tenantId: tenant.tenantId, atMs: Date.now() - 1_000 };
    await writeDelivery(pool, { ...past, webhookId: well, attempts: [{ code: 200, ms: 240 }] });
    await writeDelivery(pool, { ...past, webhookId: ill, attempts: [{ code: 200, ms: 100 }] });
    const failure = { code: 500, ms: 14_000, error: 'HTTP 500: Internal Server Error', errorClass: 'http_status' };
    await writeDelivery(pool, {
      ...past,
      webhookId: ill,
      eventType: 'build.failed',
      state: 'exhausted',
      attempts: [failure],
    });

    const { declared, intervals, lines, alerts } = await run('monitor', ['getWebhookStats', 'monitorWebhookHealth']);
    expect(await declared.getWebhookStats!(well)).toMatchObject({ period: 'day' });
    expect(await declared.getWebhookStats!(well, 'hour')).toMatchObject({ period: 'hour' });
    await expect(declared.getWebhookStats!(well, 'year')).rejects.toThrow('period: must be one of');
    expect(await declared.monitorWebhookHealth!(well)).toEqual({
      healthy: true,
      successRate: 100,
      avgResponseTime: 240,
    });
    expect(await declared.monitorWebhookHealth!(unused)).toMatchObject({ healthy: true, successRate: 100 });
    expect(await declared.monitorWebhookHealth!('webhook_nothing')).toEqual({
      healthy: false,
      error: 'Webhook not found',
    });

    expect(intervals).toHaveLength(1);
    expect(intervals[0]!.everyMs).toBe(300_000);
    lines.length = 0;
    await intervals[0]!.work();
    expect(alerts).toEqual([
      {
        type: 'webhook_unhealthy',
        webhook_id: ill,
        webhook_name: 'ill',
        details: { healthy: false, successRate: 50, avgResponseTime: 7_050 },
      },
    ]);
    expect(lines).toEqual(
      expect.arrayContaining([
        '⚠️ 成功率低于 95%,需要检查',
        '- build.failed: HTTP 500: Internal Server Error',
        '⚠️ 平均响应时间超过 5 秒,可能存在性能问题',
      ]),
    );
  });

  it('test one webhook and all of them', async () => {
    const [good, bad] = [await create('good'), await create('bad', '/fails')];
    const { declared, lines } = await run('test', ['testWebhook', 'testAllWebhooks']);
    // The example tests all at its end, and does not wait.
    await waitFor(
      'the example to test both webhooks',
      () => lines.filter((line) => /^[✅❌]/u.test(line)).length === 2,
    );
    expect(lines).toEqual(
      expect.arrayContaining([
        '测试 2 个活跃的 Webhook...',
        '\n测试 Webhook: good',
        '✅ 测试通过',
        '\n测试 Webhook: bad',
        '❌ 测试失败: HTTP 500: Internal Server Error',
      ]),
    );
    const { requests } = receiver;
    expect(requests.map(({ body }) => [body.webhook_id, body.event]).sort()).toEqual(
      [
        [good, 'test.ping'],
        [bad, 'test.ping'],
      ].sort(),
    );
    expect(requests[0]!.body.data).toMatchObject({ test: true, message: 'This is a test webhook delivery' });
    expect(await declared.testWebhook!(good, 'build.completed')).toMatchObject({
      delivery_id: expect.stringMatching(/^del_test_/) as string,
      event_type: 'build.completed',
      status: 'success',
    });
    await expect(declared.testWebhook!(good, 'not.known')).rejects.toThrow(/^event_type: /);
  });

  async function listed(): Promise<Webhook[]> {
    const response = await api.as(tenant.token).get('/api/webhooks').expect(200);
    return (response.body as { webhooks: Webhook[] }).webhooks;
  }
});
