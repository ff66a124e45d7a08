import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A real server on 127.0.0.1 that plays a receiver. */
export interface Receiver {
  readonly port: number;
  readonly origin: string;
  /** Connections accepted so far. */
  connectionCount(): number;
  openConnectionCount(): number;
  close(): Promise<void>;
}

/**
 * The self-signed certificate of startTlsReceiver, for receiver.test, localhost and 127.0.0.1, valid for
 * a hundred years. Its key is public and protects nothing.
 */
export const RECEIVER_CERT = readFileSync(join(__dirname, 'receiver-cert.pem'), 'utf8');
/** The same for the same key, but past its time. */
export const EXPIRED_CERT = readFileSync(join(__dirname, 'expired-cert.pem'), 'utf8');
const RECEIVER_KEY = readFileSync(join(__dirname, 'receiver-key.pem'), 'utf8');

export async function startHttpReceiver(listener: RequestListener): Promise<Receiver> {
  return listen(createServer(listener), 'http');
}

/** @param options over those of a receiver in good order, such as another certificate for the same key. */
export async function startTlsReceiver(listener: RequestListener, options: ServerOptions = {}): Promise<Receiver> {
  return listen(createTlsServer({ key: RECEIVER_KEY, cert: RECEIVER_CERT, ...options }, listener), 'https');
}

/** A receiver that gets the bare socket, to answer with anything. */
export async function startTcpReceiver(onConnection: (socket: Socket) => void): Promise<Receiver> {
  return listen(createTcpServer(onConnection), 'http');
}

async function listen(server: Server, scheme: string): Promise<Receiver> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  server.on('connection', (socket: Socket) => {
    accepted += 1;
    sockets.add(socket);
    // The client is allowed to break off; the test looks at the client's side of it.
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `${scheme}://127.0.0.1:${port}`,
    connectionCount: () => accepted,
    openConnectionCount: () => sockets.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/**
 * Waits until a condition holds.
 *
 * @throws Error when it does not within `deadlineMs`
 */
export async function until(condition: () => boolean, deadlineMs = 5_000): Promise<void> {
  const startedAtMs = performance.now();
  while (!condition()) {
    if (performance.now() - startedAtMs > deadlineMs)
      throw new Error(`not within ${deadlineMs} ms: ${String(condition)}`);
    await delay(2);
  }
}
