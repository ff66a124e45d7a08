import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:net';
import { choosePort } from '../../apps/local/src/free-port';
import { waitFor } from './wait-for';

const HOST = '127.0.0.1';
const PROGRAMS = ['redis-server', 'valkey-server'];

export interface TestRedis {
  readonly url: string;
  stop(): Promise<void>;
}

/** The Redis at REDIS_URL, else one of this test run from a `redis-server` or `valkey-server` on the PATH, else null. */
export async function startTestRedis(): Promise<TestRedis | null> {
  const given = process.env['REDIS_URL'];
  if (given !== undefined && given !== '') return { url: given, stop: () => Promise.resolve() };
  for (const program of PROGRAMS) {
    const redis = await startRedis(program);
    if (redis !== null) return redis;
  }
  return null;
}

async function startRedis(program: string): Promise<TestRedis | null> {
  const folder = await mkdtemp(join(tmpdir(), 'webhooks-test-redis-'));
  const port = await choosePort(0, HOST);
  const settings = ['--port', String(port), '--bind', HOST, '--save', '', '--appendonly', 'no', '--dir', folder];
  const child = spawn(program, settings, { stdio: 'ignore' });
  const ended = once(child, 'exit').catch(() => undefined); // an error instead: there is no such program
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await once(child, 'spawn');
    await waitFor(`${program} to take connections`, () => takesConnections(port));
    return { url: `redis://${HOST}:${port}`, stop };
  } catch (error) {
    await stop();
    if ((error as { code?: unknown }).code === 'ENOENT') return null;
    throw error;
  }
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = connect(port, HOST);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
