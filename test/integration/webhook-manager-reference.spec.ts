import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runInThisContext } from 'node:vm';
import { createWebhookManager, type WebhookManager } from '#sdk/webhooks';
import { startPlainReceiver, type PlainReceiver } from '../support/plain-receiver';
import { hasPython } from '../support/reference-receivers';
import { waitFor } from '../support/wait-for';

const EXAMPLES = join(__dirname, '..', 'reference', 'inbound');
const SECRET = 'your-webhook-secret';
const run = promisify(execFile);

function example(name: string): string {
  return readFileSync(join(EXAMPLES, name), 'utf8');
}

/** The examples of the reference, one after the other, as one program that stops between them. */
function program(...names: string[]): string {
  const manager = example('create-manager.ts.txt').replace(
    "import { createWebhookManager } from 'clodds/webhooks';",
    "const { createWebhookManager } = require('#sdk/webhooks');",
  );
  const parts = names.map((name) => `{\n${example(`${name}.ts.txt`)}\n}\nyield webhooks;`);
  return `(async function* (require, process, console, tradingBot) {\n${manager}\nyield webhooks;\n${parts.join('\n')}\n})`;
}

type Program = (...globals: unknown[]) => AsyncGenerator<WebhookManager, void>;

describe('the examples of createWebhookManager in the reference', () => {
  const printed: string[] = [];
  const trades: unknown[] = [];
  const tradingBot = {
    buy: (...order: unknown[]) => Promise.resolve(void trades.push(order)),
    execute: (order: unknown) => {
      trades.push(order);
      return Promise.resolve({ order: 'filled' });
    },
  };
  const home = process.cwd();
  let directory: string;
  let steps: AsyncGenerator<WebhookManager, void>;
  let webhooks: WebhookManager;
  let server: Server;
  let origin: string;
  let chats: PlainReceiver;

  const next = async (): Promise<WebhookManager> => {
    const { value } = await steps.next();
    if (value === undefined) throw new Error('the examples have ended');
    return value;
  };

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'webhooks-'));
    process.chdir(directory);
    chats = await startPlainReceiver();
    Object.assign(process.env, {
      TELEGRAM_API_URL: chats.origin,
      TELEGRAM_BOT_TOKEN: '123:abc',
      TELEGRAM_CHAT_ID: '42',
      DISCORD_WEBHOOK_URL: `${chats.origin}/discord`,
    });
    const names = [
      'create',
      'create-with-schema',
      'allowed-ips',
      'on-receive',
      'add-action',
      'get',
      'get-logs',
      'test',
      'delete',
    ];
    const made = runInThisContext(program(...names)) as Program;
    const environment = { env: { WEBHOOK_SECRET: SECRET } };
    const log = (text: string): void => void printed.push(text);
    steps = made(() => ({ createWebhookManager }), environment, { log }, tradingBot);
    webhooks = await next();
    server = createServer(webhooks.handler);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(async () => {
    server.close();
    server.closeAllConnections();
    await webhooks.close();
    await chats.stop();
    process.chdir(home);
    rmSync(directory, { recursive: true });
    for (const name of ['TELEGRAM_API_URL', 'TELEGRAM_BOT_TOKEN', 'TELEGRAM_CHAT_ID', 'DISCORD_WEBHOOK_URL']) {
      Reflect.deleteProperty(process.env, name);
    }
  });

  it('creates webhooks', async () => {
    await next();
    expect(printed).toEqual(['Webhook URL: https://your-domain.com/webhooks/trading-signals', `密钥: ${SECRET}`]);
    await next();
    await next();
    expect((await webhooks.list()).map(({ name }) => name)).toEqual([
      'trading-signals',
      'price-alerts',
      'secure-signals',
    ]);
  });

  it('handles what the example of a sender signs and sends, and acts on it', async () => {
    await next();
    await next();
    const payload = {
      action: 'BUY',
      symbol: 'BTC',
      amount: 2,
      price: 100_000,
      confidence: 0.95,
      market: 'm',
      side: 's',
      size: 1,
    };
    const sent = runInThisContext(
      `(require, webhookSecret, webhookUrl, payload) => { ${example('sign.js.txt').replace('fetch(', 'return fetch(')} }`,
    ) as (...globals: unknown[]) => Promise<Response>;
    const load = createRequire(__filename);
    const answer = await sent(load, SECRET, `${origin}/webhooks/trading-signals`, payload);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ status: 'processed', id: expect.stringMatching(/^req_/) as string });
    expect(printed.slice(2, 5)).toEqual([
      `收到信号: ${JSON.stringify(payload)}`,
      '来自IP: 127.0.0.1',
      expect.stringMatching(/^时间戳: \d{4}-\d\d-\d\dT/),
    ]);
    await waitFor('the actions', async () => {
      const [entry] = await webhooks.getLogs('trading-signals');
      return entry?.actions.every(({ status }) => status === 'succeeded') === true;
    });
    expect(trades).toEqual([['BTC', 2], { platform: 'polymarket', market: 'm', side: 's', size: 1 }]);
    const texts = chats.requests.map(({ raw }) => JSON.parse(raw.toString()) as { text?: string; content?: string });
    expect(texts.map(({ text, content }) => text ?? content)).toEqual([
      '新信号: BUY BTC @ 100000',
      '新信号: BUY BTC @ 100000',
    ]);
    expect(await webhooks.getRecords('trading-signals', 'signal_history')).toMatchObject([{ data: payload }]);
  });

  it('takes what the examples of curl and Python send', async () => {
    const body = '{"action": "BUY", "symbol": "TRUMP-YES", "size": 100}';
    const signature = createHmac('sha256', SECRET).update(body).digest('hex');
    const curl = example('send.sh.txt').replace('https://your-domain.com', origin).replace('<签名>', signature);
    expect((await run('sh', ['-c', curl.replace('curl ', 'curl -s ')])).stdout).toContain('"status":"processed"');
    if (!hasPython()) return;
    const env = { ...process.env, PYTHONPATH: EXAMPLES, PYTHONDONTWRITEBYTECODE: '1', ORIGIN: origin };
    const { stdout } = await run('python3', ['-c', example('send.py.txt')], { env });
    expect(stdout).toContain('"status":"processed"');
  });

  it('shows a webhook, its log and a test, and deletes it', async () => {
    printed.length = 0;
    await next();
    expect(printed).toEqual([
      '名称: trading-signals',
      'URL: https://your-domain.com/webhooks/trading-signals',
      expect.stringMatching(/^创建时间: \d{4}-/),
      expect.stringMatching(/^触发次数: [23]$/),
      expect.stringMatching(/^最后触发: \d{4}-/),
      '操作数量: 3',
    ]);
    printed.length = 0;
    await next();
    expect(printed.slice(-3)).toEqual([
      expect.stringMatching(/^\[.*Z\] accepted$/),
      expect.stringContaining('负载: {"action":"BUY"'),
      expect.stringContaining('响应: {"status":"processed","id":"req_'),
    ]);
    printed.length = 0;
    await next();
    expect(printed.slice(-2)).toEqual(['测试结果: accepted', expect.stringContaining('响应: {"status":"processed"')]);
    await next();
    await expect(webhooks.get('trading-signals')).rejects.toMatchObject({ status: 404 });
  });
});
