import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from './wait-for';

export const TEST_SECRET = 'the-secret-of-the-test-webhooks';

/** The body of a delivery. */
export interface DeliveredBody {
  event: string;
  timestamp: string;
  webhook_id: string;
  delivery_id: string;
  data: Record<string, unknown>;
}

/** One request as it arrived. */
export interface ReceivedRequest {
  path: string;
  headers: IncomingHttpHeaders;
  /** The bytes of the body. */
  raw: Buffer;
  body: DeliveredBody;
  /** `X-Trae-Delivery`. */
  deliveryId: string;
  /** How often this delivery has come, this time included. */
  attempt: number;
  /** Unix ms at which the body was complete. */
  atMs: number;
}

/** What is answered: a status, or more; `hang` never answers, `close` breaks the connection off. */
export type Reply =
  number | { status?: number; headers?: Record<string, string>; body?: string; delayMs?: number } | 'hang' | 'close';

export interface Receiver {
  readonly origin: string;
  /** Requests with the right signature, in the order of their arrival. */
  readonly requests: ReceivedRequest[];
  /** Requests with a wrong signature, which are answered with 401. */
  readonly forged: number;
  /** Requests that are not answered yet. */
  readonly open: number;
  /** Waits for a number of requests, or for what they have to be. */
  waitFor(wanted: number | ((requests: ReceivedRequest[]) => boolean), deadlineMs?: number): Promise<void>;
  /** Answers otherwise from now on. */
  answer(reply: (request: ReceivedRequest) => Reply): void;
  stop(): Promise<void>;
}

/** A receiver on loopback that verifies `X-Trae-Signature-256` by its own few lines and records what came. */
export async function startReceiver(
  reply: (request: ReceivedRequest) => Reply = () => 200,
  secret = TEST_SECRET,
): Promise<Receiver> {
  const requests: ReceivedRequest[] = [];
  const attempts = new Map<string, number>();
  let replyTo = reply;
  let forged = 0;
  let open = 0;

  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const raw = await readBody(request);
    const signature = `sha256=${createHmac('sha256', secret).update(raw).digest('hex')}`;
    if (request.headers['x-trae-signature-256'] !== signature) {
      forged += 1;
      response.writeHead(401).end();
      return;
    }
    const deliveryId = String(request.headers['x-trae-delivery']);
    const attempt = (attempts.get(deliveryId) ?? 0) + 1;
    attempts.set(deliveryId, attempt);
    const received: ReceivedRequest = {
      path: request.url ?? '',
      headers: request.headers,
      raw,
      body: JSON.parse(raw.toString('utf8')) as DeliveredBody,
      deliveryId,
      attempt,
      atMs: Date.now(),
    };
    requests.push(received);
    await respond(response, replyTo(received));
  };

  const server = createServer((request, response) => {
    open += 1;
    response.on('close', () => (open -= 1));
    // A sender that goes away in the middle of a request has not delivered anything.
    receive(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get forged() {
      return forged;
    },
    get open() {
      return open;
    },
    async waitFor(wanted, deadlineMs) {
      const holds = typeof wanted === 'number' ? () => requests.length >= wanted : () => wanted(requests);
      const name = typeof wanted === 'number' ? `${wanted} requests` : 'the requests wanted';
      await waitFor(name, holds, deadlineMs).catch((error: unknown) => {
        throw new Error(`${String(error)}; ${requests.length} came, ${forged} forged`);
      });
    },
    answer(next) {
      replyTo = next;
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, 'close');
    },
  };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function respond(response: ServerResponse, reply: Reply): Promise<void> {
  if (reply === 'hang') return;
  if (reply === 'close') {
    response.destroy();
    return;
  }
  const { status = 200, headers = {}, body = '', delayMs = 0 } = typeof reply === 'number' ? { status: reply } : reply;
  if (delayMs > 0) await delay(delayMs, undefined, { ref: false });
  response.writeHead(status, headers).end(body);
}
