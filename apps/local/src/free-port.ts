import { randomInt } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { hasCode } from './error-code';

const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
const ATTEMPTS = 100;

/** The preferred port if it is free on `host` (all addresses when not given), otherwise one that is. */
export async function choosePort(preferred: number, host?: string): Promise<number> {
  return (await listenOnce(preferred, host)) ?? (await anyFreePort(host));
}

/** Whether a server could listen on the port of `host` (all addresses when not given) now. */
export async function isPortFree(port: number, host?: string): Promise<boolean> {
  return (await listenOnce(port, host)) !== undefined;
}

/**
 * Below the ports that systems give to outgoing connections: one of those could be taken by a connection between this
 * look and the start of the server that it is for.
 */
async function anyFreePort(host?: string): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = await listenOnce(randomInt(FIRST_PORT, LAST_PORT + 1), host);
    if (port !== undefined) return port;
  }
  throw new Error(`no free port from ${FIRST_PORT} to ${LAST_PORT} found`);
}

async function listenOnce(port: number, host?: string): Promise<number | undefined> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      if (hasCode(error, 'EADDRINUSE', 'EACCES')) resolve(undefined);
      else reject(error);
    });
    server.listen({ port, host, exclusive: true }, () => {
      const { port: bound } = server.address() as AddressInfo;
      server.close(() => {
        resolve(bound);
      });
    });
  });
}
