import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { machineMs, MessageReader } from '../wire/message-reader';
import type { ReceiverAnswer, ReceiverQuestion } from './load-messages';

// A process of its own: `/ok/…` answers 200 at once, `/fail/…` answers 500, `/hang/…` never answers.

const OK = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nOK');
const FAILED = Buffer.from('HTTP/1.1 500 Internal Server Error\r\nContent-Length: 6\r\n\r\nfailed');
const UNAUTHORIZED = Buffer.from('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
/** One signature of so many is verified: all would make the receiver the most expensive process of the run. */
const VERIFY_EVERY = 64;
const EVENT_ID = /\r\nwebhook-id: *([^\r]+)/i;
const SIGNATURE = /\r\nx-trae-signature-256: *([^\r]+)/i;

const secret = String(process.env['BENCH_SECRET']);
let keys: string[] = [];
let at: number[] = [];
let statuses: number[] = [];
let succeeded = 0;
let forged = 0;
let seen = 0;
const listeners = new Set<Socket>();
let isTelling = false;

function receive(socket: Socket, head: string, body: Buffer): void {
  const path = head.slice(head.indexOf(' ') + 1, head.indexOf(' HTTP/'));
  if (path.startsWith('/hang')) return;
  seen += 1;
  if (seen % VERIFY_EVERY === 0 && !isGenuine(head, body)) {
    forged += 1;
    socket.write(UNAUTHORIZED);
    return;
  }
  const isOk = path.startsWith('/ok');
  keys.push(`${path} ${String(EVENT_ID.exec(head)?.[1])}`);
  at.push(machineMs());
  statuses.push(isOk ? 200 : 500);
  socket.write(isOk ? OK : FAILED);
  if (isOk) {
    succeeded += 1;
    tell();
  }
}

function isGenuine(head: string, body: Buffer): boolean {
  const expected = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  return SIGNATURE.exec(head)?.[1] === expected;
}

/** Once for all requests that came in one go. */
function tell(): void {
  if (isTelling || listeners.size === 0) return;
  isTelling = true;
  setImmediate(() => {
    isTelling = false;
    for (const listener of listeners) listener.write(`${String(succeeded)}\n`);
  });
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1', 4_096);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function main(): Promise<void> {
  const port = await listen(
    createServer({ noDelay: true }, (socket) => {
      const reader = new MessageReader((head, body) => {
        receive(socket, head, body);
      });
      socket.on('data', (chunk: Buffer) => {
        reader.push(chunk);
      });
      socket.on('error', () => socket.destroy());
    }),
  );
  const feedbackPort = await listen(
    createServer({ noDelay: true }, (socket) => {
      listeners.add(socket);
      socket.on('close', () => listeners.delete(socket));
      socket.on('error', () => socket.destroy());
      socket.write(`${String(succeeded)}\n`);
    }),
  );
  process.on('message', (question: ReceiverQuestion) => {
    if (question.ask === 'count') {
      answer({ kind: 'count', succeeded });
      return;
    }
    answer({ kind: 'taken', keys, at: Float64Array.from(at), status: Uint16Array.from(statuses), forged });
    [keys, at, statuses, forged] = [[], [], [], 0];
  });
  process.on('disconnect', () => process.exit());
  answer({ kind: 'listening', port, feedbackPort });
}

function answer(message: ReceiverAnswer): void {
  process.send?.(message);
}

void main();
