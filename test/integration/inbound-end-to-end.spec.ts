import { createHmac } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ADMIN_TOKEN } from '../support/api';
import { startApp, type AppProcess } from '../support/apps-as-processes';
import { startService, type TestService } from '../support/apps-in-process';
import { describeEachBackend } from '../support/backends';
import { startPlainReceiver, type PlainReceiver } from '../support/plain-receiver';
import { waitFor } from '../support/wait-for';

interface Made {
  url: string;
  secret: string;
}

describeEachBackend('from a request to its actions', (backend) => {
  let service: TestService;
  let receiver: PlainReceiver;
  let folder: string;
  let processes: AppProcess[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hooks-'));
    receiver = await startPlainReceiver();
    service = await startService(backend, { env: { INBOUND_COMMANDS: 'on', INBOUND_HOOKS: 'on' } });
  });

  afterEach(async () => {
    await Promise.all(processes.filter((app) => !app.hasEnded()).map((app) => app.end('SIGKILL')));
    processes = [];
    await service.stop();
    await receiver.stop();
    await rm(folder, { recursive: true });
  });

  async function importHook(hook: object): Promise<void> {
    await service.api
      .as(ADMIN_TOKEN)
      .post(`/api/admin/tenants/${service.tenant.tenantId}/inbound/import`)
      .send({ content: JSON.stringify([hook]) })
      .expect(201);
  }

  it('a hook file runs its command, whose output is the answer', async () => {
    const program = join(folder, 'greet.sh');
    await writeFile(program, '#!/bin/sh\necho "hello $1 from $HOOK_city"\ncat "$BODY"\n[ "$1" != nobody ]\n');
    await chmod(program, 0o755);
    await importHook({
      id: 'greet',
      'execute-command': program,
      'include-command-output-in-response': true,
      'include-command-output-in-response-on-error': true,
      'pass-arguments-to-command': [{ source: 'payload', name: 'name' }],
      'pass-environment-to-command': [{ source: 'url', name: 'city' }],
      'pass-file-to-command': [{ source: 'raw-request-body', envname: 'BODY' }],
      'trigger-rule': { match: { type: 'regex', regex: '^[a-z]+$', parameter: { source: 'payload', name: 'name' } } },
    });
    const post = (name: string) => service.api.anonymous.post('/hooks/greet?city=Bern').send({ name });
    const answer = await post('ann');
    expect([answer.status, answer.text]).toEqual([200, 'hello ann from Bern\n{"name":"ann"}']);
    const failed = await post('nobody');
    expect([failed.status, failed.text]).toEqual([500, 'hello nobody from Bern\n{"name":"nobody"}']);
    const ignored = await post('$(id)');
    expect(ignored.text).not.toContain('hello');
  });

  it('no action is lost when the API is killed right after its answer', async () => {
    const owner = service.api.as(service.tenant.token);
    const made = await owner.post('/api/inbound').send({ name: 'signals' }).expect(201);
    const { url, secret } = made.body as Made;
    await owner
      .post('/api/inbound/signals/actions')
      .send({ type: 'execute', settings: { url: receiver.origin } })
      .expect(201);
    const api = await startApp('api', service.databaseUrl, service.env);
    processes.push(api);
    await api.untilReady();
    const send = async (number: number): Promise<number> => {
      const body = JSON.stringify({ number });
      const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
      const headers = { 'content-type': 'application/json', 'x-webhook-signature': signature };
      const answer = await fetch(api.url + new URL(url).pathname, { method: 'POST', headers, body });
      return answer.status;
    };
    const answers = Array.from({ length: 20 }, (_, number) => send(number));
    expect(await Promise.all(answers)).toEqual(Array<number>(20).fill(200));
    await api.end('SIGKILL');
    await backend.emptyQueues(service.databaseUrl, service.env);
    const numbers = (): Set<number> =>
      new Set(receiver.requests.map(({ body }) => (body as { payload: { number: number } }).payload.number));
    await waitFor('every action', () => numbers().size === 20, 15_000);
  });
});
