import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProcess, type TestProcess } from '../support/apps-as-processes';
import { choosePort } from '../../apps/local/src/free-port';
import { startReceiver, type Receiver } from '../support/receiver';
import { waitFor } from '../support/wait-for';

const SECRET = 'the-secret-of-the-local-start';

interface LocalState {
  apiUrl: string;
  dispatcherUrl: string;
  token: string;
}

/** What `npm start` runs, on a data folder of its own. */
describe('the one-command start', () => {
  let dataDir: string;
  let env: Record<string, string>;
  let running: TestProcess;
  let receiver: Receiver;
  let eventId: string;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'webhooks-test-local-'));
    const ports = { PORT: await choosePort(0), DISPATCHER_PORT: await choosePort(0) };
    env = {
      ...{ DATA_DIR: dataDir, LOG_LEVEL: 'warn' },
      ...{ PORT: String(ports.PORT), DISPATCHER_PORT: String(ports.DISPATCHER_PORT) },
    };
    receiver = await startReceiver(undefined, SECRET);
  });
  afterAll(async () => {
    if (!running.hasEnded()) await running.end('SIGTERM');
    await receiver.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const stateFile = (): string => join(dataDir, 'local.json');

  async function startLocal(): Promise<LocalState> {
    running = startProcess(process.execPath, ['dist/apps/local/main.js'], env);
    await waitFor(
      'the service to be ready',
      () => {
        if (running.hasEnded()) throw new Error(`the start ended:\n${running.output()}`);
        return running.output().includes('Swagger UI');
      },
      60_000,
    );
    return JSON.parse(await readFile(stateFile(), 'utf8')) as LocalState;
  }

  const call = async <T>(state: LocalState, method: string, path: string, body?: object): Promise<T> => {
    const response = await fetch(`${state.apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${state.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  const publish = async (state: LocalState): Promise<string> => {
    const body = { event: 'build.completed', data: { build_id: 'build_123' } };
    return (await call<{ event_id: string }>(state, 'POST', '/api/events', body)).event_id;
  };

  it('is ready, shows the token once, answers /docs with HTML, and delivers', async () => {
    const state = await startLocal();
    expect(running.output()).toContain(state.token);
    expect((await stat(stateFile())).mode & 0o077).toBe(0);
    for (const url of [state.apiUrl, state.dispatcherUrl]) {
      expect((await fetch(`${url}/readyz`)).status).toBe(200);
      // Nobody else is let in, of which another address of this machine is the nearest.
      await expect(fetch(`${url.replace('127.0.0.1', '127.0.0.2')}/readyz`)).rejects.toThrow('fetch failed');
    }
    const docs = await fetch(`${state.apiUrl}/docs`);
    expect(docs.headers.get('content-type')).toContain('text/html');
    expect(await docs.text()).toContain('swagger-ui');

    await call(state, 'POST', '/api/webhooks', {
      ...{ url: receiver.origin, events: ['build.*'], name: 'Local', secret: SECRET },
    });
    eventId = await publish(state);
    await receiver.waitFor(1);
    expect(receiver.requests[0]!.headers['webhook-id']).toBe(eventId);
  });

  it('shows the main job by the demo, which ends with status 0', async () => {
    const demo = startProcess(process.execPath, ['dist/apps/cli/main.js', 'demo'], env);
    const status = await demo.ended;
    if (status !== 0) throw new Error(`the demo ended with ${status}:\n${demo.output()}`);
    expect(demo.output()).toMatch(/build\.completed/);
  });

  it('stops everything in order at SIGTERM, the database last', async () => {
    expect(await running.end('SIGTERM')).toBe(0);
    expect(running.output()).toContain('Stopped');
    await expect(stat(stateFile())).rejects.toThrow('ENOENT');
    const log = await readFile(join(dataDir, 'postgres.log'), 'utf8');
    expect(log.trimEnd().split('\n').at(-1)).toContain('database system is shut down');
    // Nobody was cut off from the database.
    expect(running.output()).not.toMatch(/terminating connection|Connection terminated/);
  });

  it('keeps its data and its token over a restart', async () => {
    const state = await startLocal();
    expect(running.output()).not.toContain(state.token);
    const found = await call<{ event_id: string; deliveries: { status: string }[] }>(
      ...[state, 'GET', `/api/events/${eventId}`],
    );
    expect(found).toMatchObject({ event_id: eventId, deliveries: [{ status: 'success' }] });
    const before = receiver.requests.length;
    await publish(state);
    await receiver.waitFor(before + 1);
    expect(await running.end('SIGTERM')).toBe(0);
  });
});
