import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { choosePort } from '../../apps/local/src/free-port';
import { startService, type TestService } from '../support/apps-in-process';
import { POSTGRES_BACKEND } from '../support/backends';
import { readCommands, Terminal } from '../support/documented-commands';
import { startPlainReceiver } from '../support/plain-receiver';
import { waitFor } from '../support/wait-for';

describe('the commands of the documentation', () => {
  let service: TestService;
  let folder: string;
  let terminals: Terminal[];

  beforeAll(async () => {
    service = await startService(POSTGRES_BACKEND, { env: { DELIVERY_ALLOWED_CIDRS: '127.0.0.0/8,::1/128' } });
    folder = await mkdtemp(join(tmpdir(), 'webhooks-test-commands-'));
    await mkdir(join(folder, '.data'));
    await writeFile(join(folder, '.data', 'bootstrap-token'), service.tenant.token);
  });

  beforeEach(() => {
    terminals = [];
  });

  afterEach(async () => {
    await Promise.all(terminals.map((terminal) => terminal.close()));
  });

  afterAll(async () => {
    await service.stop();
    await rm(folder, { recursive: true });
  });

  const open = (variables?: Record<string, string>): Terminal => {
    const terminal = new Terminal(folder, variables);
    terminals.push(terminal);
    return terminal;
  };

  it.each([
    ['README.md', 'Your first webhook in five minutes'],
    ['README.zh-CN.md', '五分钟创建第一个 Webhook'],
  ])('lead to a first webhook in %s', async (file, heading) => {
    const port = String(await choosePort(0));
    const commands = readCommands(file, heading, { 'http://localhost:3000': service.api.url, '8080': port });
    expect(commands).toHaveLength(4);
    const [receive, create, publish, look] = commands as [string, string, string, string];
    const receiver = open();
    receiver.start(receive);
    await waitFor('the receiver to listen', () =>
      fetch(`http://localhost:${port}`).then(
        ({ status }) => status === 401,
        () => false,
      ),
    );
    const terminal = open();
    expect(await terminal.run(create)).toMatch(/^webhook_[0-9a-z]{26}$/);
    expect(JSON.parse(await terminal.run(publish))).toMatchObject({ event: 'build.completed', status: 'accepted' });
    await waitFor('the receiver to show the event', () =>
      /^verified: \{"event":"build\.completed"/m.test(receiver.shown),
    );

    const latest = async (): Promise<Record<string, unknown> | undefined> =>
      (JSON.parse(await terminal.run(look)) as { deliveries: Record<string, unknown>[] }).deliveries[0];
    const become = (expected: object): Promise<void> =>
      waitFor('the delivery to be shown', async () => {
        const found = await latest();
        return Object.entries(expected).every(([name, value]) => found?.[name] === value);
      });
    await become({ status: 'success', attempts: 1 });
    await receiver.close();
    await terminal.run(publish);
    await become({ status: 'failed', attempts: 3 });
    expect((await latest())?.['attempt_log']).toHaveLength(3);
  });

  it('lead from a push on GitHub to a forward and a notification in docs/inbound.md', async () => {
    const receiver = await startPlainReceiver();
    try {
      const places = {
        'https://hooks.slack.com/services/T000/B000/XXXX': `${receiver.origin}/slack`,
        'https://deploy.example.com/hooks': `${receiver.origin}/deploy`,
      };
      const terminal = open({ TOKEN: service.tenant.token });
      // What stands above the first heading is for all that follows.
      const [prepare = ''] = readCommands('docs/inbound.md', null, { 'http://localhost:3000': service.api.url });
      const commands = readCommands('docs/inbound.md', 'A push that triggers a forward and a notification', places);
      expect(commands).toHaveLength(5);
      const [channel, endpoint, actions, push, look] = commands as [string, string, string, string, string];
      await terminal.run(prepare);
      expect(JSON.parse(await terminal.run(channel))).toMatchObject({ name: 'team', kind: 'slack', is_default: true });
      const { url } = JSON.parse(await terminal.run(endpoint)) as { url: string };
      const made = await terminal.run(actions);
      expect(made.match(/"action_id":/g)).toHaveLength(3);
      await terminal.run(`URL=${service.api.url}${new URL(url).pathname}`);
      expect(JSON.parse(await terminal.run(push))).toMatchObject({ status: 'accepted' });

      await receiver.waitFor(2, 10_000);
      const bodyAt = (path: string): unknown => receiver.requests.find((request) => request.path === path)?.body;
      expect(bodyAt('/deploy')).toMatchObject({ event: 'inbound.received', data: { after: '1a2b3c' } });
      expect(JSON.stringify(bodyAt('/slack'))).toContain('ada pushed Fix the cart to acme/shop');
      await waitFor('the log and the records', async () =>
        (await terminal.run(look)).includes('"by":"ada","commit":"1a2b3c"'),
      );
      expect(await terminal.run(look)).toMatch(/"code":"accepted"[\s\S]*"step":"signature"/);
    } finally {
      await receiver.stop();
    }
  });
});
