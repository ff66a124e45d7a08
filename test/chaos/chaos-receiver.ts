import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SeededRandom } from './seeded-random';

/** One request as the receiver saw it; instants are monotonic ms. */
export interface SeenRequest {
  readonly deliveryId: string;
  /** The webhook's path and the event's id: what has to come exactly once, but for crashes. */
  readonly key: string;
  readonly receivedAt: number;
  /** When the answer was handed to the system, or the connection was gone; infinite while it is open. */
  endedAt: number;
  /** The status that was answered; null when the sender went away before. */
  status: number | null;
}

/** A receiver outside the apps that remembers every request. */
export interface ChaosReceiver {
  readonly origin: string;
  readonly requests: readonly SeenRequest[];
  /** When a key was first answered 200. */
  readonly succeeded: ReadonlyMap<string, number>;
  /** Requests whose signature or body was wrong. */
  readonly forged: number;
  /** Answers nothing but 200 from now on, when false. */
  setFailing(failing: boolean): void;
  stop(): Promise<void>;
}

const FAILING_SHARE = 0.02;
const BREAKING_SHARE = 0.01;
const SLOW_SHARE = 0.02;

/** Answers after 2 to 40 ms, some after 400 ms; to some with 500 or a broken connection. */
export async function startChaosReceiver(secret: string, random: SeededRandom): Promise<ChaosReceiver> {
  const requests: SeenRequest[] = [];
  const succeeded = new Map<string, number>();
  let forged = 0;
  let failing = true;

  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
    if (request.headers['x-trae-signature-256'] !== signature) {
      forged += 1;
      response.writeHead(401).end();
      return;
    }
    const seen: SeenRequest = {
      deliveryId: String(request.headers['x-trae-delivery']),
      key: `${String(request.url)} ${String(request.headers['webhook-id'])}`,
      receivedAt: performance.now(),
      endedAt: Number.POSITIVE_INFINITY,
      status: null,
    };
    requests.push(seen);
    response.on('close', () => {
      seen.endedAt = Math.min(seen.endedAt, performance.now());
    });
    const fate = random.next();
    const delayMs = random.next() < SLOW_SHARE ? 400 : random.between(2, 40);
    setTimeout(() => {
      if (response.destroyed) return;
      if (failing && fate < BREAKING_SHARE) {
        response.destroy();
        return;
      }
      const status = failing && fate < BREAKING_SHARE + FAILING_SHARE ? 500 : 200;
      seen.status = status;
      seen.endedAt = performance.now();
      if (status === 200 && !succeeded.has(seen.key)) succeeded.set(seen.key, seen.endedAt);
      response.writeHead(status).end();
    }, delayMs).unref();
  };

  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    // A sender that is killed in the middle of a request has not delivered anything.
    receive(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    requests,
    succeeded,
    get forged() {
      return forged;
    },
    setFailing(value) {
      failing = value;
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, 'close');
    },
  };
}
