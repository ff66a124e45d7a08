import { choosePort, isPortFree } from './free-port';
import { setting } from './setting';

const DEFAULTS = { PORT: 3000, DISPATCHER_PORT: 3001 };
const LAST_PORT = 65_535;

export interface LocalPorts {
  readonly api: number;
  readonly dispatcher: number;
}

/**
 * The ports for both apps: those that the environment names, else the defaults or the next free ones. Throws Error when
 * a port that the environment names is taken or is none.
 */
export async function chooseLocalPorts(host: string, log: (message: string) => void): Promise<LocalPorts> {
  const api = (await namedPort('PORT', host)) ?? (await nextFreePort('PORT', host, [DEFAULTS.DISPATCHER_PORT], log));
  const dispatcher =
    (await namedPort('DISPATCHER_PORT', host)) ?? (await nextFreePort('DISPATCHER_PORT', host, [api], log));
  return { api, dispatcher };
}

async function namedPort(name: keyof typeof DEFAULTS, host: string): Promise<number | undefined> {
  const value = setting(name);
  if (value === undefined) return undefined;
  const port = Number(value);
  if (!Number.isInteger(port) || port < 0 || port > LAST_PORT) throw new Error(`${name} is not a port: ${value}`);
  if (port === 0) return choosePort(0, host);
  if (await isPortFree(port, host)) return port;
  throw new Error(`port ${port} is taken by another program: end it, or choose another port with ${name}`);
}

async function nextFreePort(
  name: keyof typeof DEFAULTS,
  host: string,
  except: number[],
  log: (message: string) => void,
): Promise<number> {
  const wanted = DEFAULTS[name];
  for (let port = wanted; port <= LAST_PORT; port += 1) {
    if (except.includes(port) || !(await isPortFree(port, host))) continue;
    if (port !== wanted) log(`Port ${wanted} is taken by another program: using ${port} (${name} chooses it)`);
    return port;
  }
  throw new Error(`no port from ${wanted} on is free`);
}
