import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { waitFor } from './wait-for';

export interface PlainRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  raw: Buffer;
  /** Parsed; the text where it is not JSON. */
  body: unknown;
  atMs: number;
}

export interface PlainReply {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
  /** Never answers. */
  hang?: boolean;
}

export interface PlainReceiver {
  readonly origin: string;
  readonly requests: PlainRequest[];
  waitFor(count: number, deadlineMs?: number): Promise<void>;
  answer(reply: (request: PlainRequest, number: number) => PlainReply): void;
  stop(): Promise<void>;
}

/** A receiver on loopback that records what came and knows nothing of signatures. */
export async function startPlainReceiver(
  reply: (request: PlainRequest, number: number) => PlainReply = () => ({}),
): Promise<PlainReceiver> {
  const requests: PlainRequest[] = [];
  let replyTo = reply;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const raw = Buffer.concat(chunks);
      const received: PlainRequest = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        raw,
        body: parse(raw.toString('utf8')),
        atMs: Date.now(),
      };
      requests.push(received);
      const { status = 200, headers = {}, body = { ok: true }, hang = false } = replyTo(received, requests.length);
      if (hang) return;
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    waitFor: (count, deadlineMs) => waitFor(`${count} requests`, () => requests.length >= count, deadlineMs),
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

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
