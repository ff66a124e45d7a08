import { createServer, type AddressInfo } from 'node:net';
import { hasCode } from './error-code';

/** The preferred port if it is free on `host` (all addresses when not given), otherwise one that is. */
export async function choosePort(preferred: number, host?: string): Promise<number> {
  return (await listenOnce(preferred, host)) ?? (await anyFreePort(host));
}

/** Whether a server could listen on the port of `host` (all addresses when not given) now. */
export async function isPortFree(port: number, host?: string): Promise<boolean> {
  return (await listenOnce(port, host)) !== undefined;
}

async function anyFreePort(host?: string): Promise<number> {
  const port = await listenOnce(0, host);
  if (port === undefined) throw new Error('the system has no free port');
  return port;
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
