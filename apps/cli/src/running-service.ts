import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { waitUntil } from './wait-until';

/** A service and a token of it. */
export interface ServiceAddress {
  apiUrl: string;
  token: string;
}

interface LocalState {
  pid: number;
  apiUrl?: string;
  token?: string;
}

const PROBE_TIMEOUT_MS = 2_000;

/** The service at API_URL with TOKEN; undefined when no API_URL is set. @throws Error when TOKEN is missing beside it. */
export function configuredService(): ServiceAddress | undefined {
  const apiUrl = setting('API_URL')?.replace(/\/+$/, '');
  if (apiUrl === undefined) return undefined;
  const token = setting('TOKEN');
  if (token === undefined) throw new Error('TOKEN is required beside API_URL: a token of the service there');
  return { apiUrl, token };
}

/** What a local start that is running says of itself; one that is starting is waited for. */
export async function runningService(signal: AbortSignal): Promise<ServiceAddress | undefined> {
  const found = await waitUntil(async () => {
    const state = await localState();
    if (state === undefined || !isAlive(state.pid)) return 'none';
    const { apiUrl, token } = state;
    if (apiUrl === undefined || token === undefined) return undefined;
    // A process id may belong to another program by now; only an answer proves the service.
    return (await isReady(apiUrl, signal)) ? { apiUrl, token } : 'none';
  }, signal);
  return found === 'none' ? undefined : found;
}

/** What the local start has written under DATA_DIR; undefined where none has. */
export async function localState(): Promise<LocalState | undefined> {
  try {
    return JSON.parse(await readFile(resolve(setting('DATA_DIR') ?? '.data', 'local.json'), 'utf8')) as LocalState;
  } catch {
    // None, or being written just now.
    return undefined;
  }
}

async function isReady(apiUrl: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(`${apiUrl}/readyz`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: unknown }).code === 'EPERM';
  }
}

/** A variable of the environment; an empty one counts as unset. */
function setting(name: string): string | undefined {
  return process.env[name]?.trim() || undefined;
}
