import { connect, type Socket } from 'node:net';
import { seededRandom } from '../../test/chaos/seeded-random';
import { machineMs, MessageReader } from '../wire/message-reader';
import type { LoadResult, LoadSpec, Target } from './load-messages';

// A process of its own, with one request at a time on each of its connections.

const TICK_MS = 1;
const ANSWER_DEADLINE_MS = 30_000;
const ACCEPTED = new Set([200, 202]);
const ID = /"(?:event_)?id":"([^"]+)"/g;

interface Connection {
  socket: Socket;
  /** The request under way; null while there is none. */
  request: number | null;
}

process.on('message', (spec: LoadSpec) => {
  void run(spec).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit());

async function run(spec: LoadSpec): Promise<LoadResult> {
  const { shape } = spec;
  const requests = spec.targets.map(({ headers, body }) =>
    Buffer.from(
      `POST ${spec.path} HTTP/1.1\r\nhost: 127.0.0.1:${String(spec.port)}\r\n${linesOf(headers)}` +
        `content-type: application/json\r\ncontent-length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`,
    ),
  );
  const pick = chooser(spec);
  const intendedAt: number[] = [];
  const answeredAt: number[] = [];
  const target: number[] = [];
  const status: number[] = [];
  const eventIds: string[][] = [];
  let firstRefusal: string | null = null;
  let brokenConnections = 0;
  let sent = 0; // requests given to a connection; those from here to the end of intendedAt wait for one
  let answered = 0;
  let received = 0;
  let receivedBefore = -1;
  let isOver = false;
  const idle: Connection[] = [];

  const send = (): void => {
    while (sent < intendedAt.length) {
      // In turns, since a server closes those on which nothing comes.
      const connection = idle.shift();
      if (connection === undefined) return;
      connection.request = sent;
      connection.socket.write(requests[target[sent] ?? 0] ?? '');
      sent += 1;
    }
  };
  const want = (at: number): void => {
    intendedAt.push(at);
    answeredAt.push(0);
    target.push(pick());
    status.push(0);
    eventIds.push([]);
  };
  /** Keeps as many under way as the window allows: those not answered 202 yet, and those not received. */
  const fill = (): void => {
    if (isOver || shape.kind !== 'closed') return;
    const deliveries = spec.targets[0]?.paths.length ?? 1;
    const done = spec.feedbackPort === null ? answered : (received - receivedBefore) / deliveries;
    while (intendedAt.length - done < shape.window) want(machineMs());
    send();
  };
  const settle = (connection: Connection, head: string, body: Buffer): void => {
    const { request } = connection;
    if (request === null) return; // the server says why it closes a connection that was not used
    connection.request = null;
    const code = Number(head.slice(9, 12));
    answeredAt[request] = machineMs();
    status[request] = code;
    answered += 1;
    const text = body.toString('latin1');
    if (ACCEPTED.has(code)) eventIds[request] = Array.from(text.matchAll(ID), (match) => match[1] ?? '');
    else firstRefusal ??= `${String(code)} ${text.slice(0, 300)}`;
    idle.push(connection);
    if (shape.kind === 'closed') fill();
    else send();
  };

  const connections = await Promise.all(
    Array.from({ length: spec.connections }, () =>
      open(spec.port, settle, (connection) => {
        if (isOver) return;
        if (connection.request !== null) brokenConnections += 1;
        const at = idle.indexOf(connection);
        if (at >= 0) idle.splice(at, 1);
      }),
    ),
  );
  idle.push(...connections);
  const feedback =
    spec.feedbackPort === null
      ? null
      : await listenToFeedback(spec.feedbackPort, (count) => {
          if (receivedBefore < 0) receivedBefore = count;
          received = count;
          fill();
        });

  const startedAt = machineMs();
  if (shape.kind === 'burst') {
    for (let count = 0; count < shape.requests; count += 1) want(startedAt);
    send();
    while (answered < shape.requests && brokenConnections === 0) await wait(20);
  } else {
    fill();
    for (let now = startedAt; now < startedAt + shape.seconds * 1_000; now = machineMs()) {
      if (shape.kind === 'open') {
        const due = Math.floor(((now - startedAt) * shape.perSecond) / 1_000) + 1;
        while (intendedAt.length < due) want(startedAt + (intendedAt.length * 1_000) / shape.perSecond);
        send();
      }
      await wait(TICK_MS);
    }
    isOver = true;
    if (shape.kind === 'closed') intendedAt.length = sent;
    const deadline = machineMs() + ANSWER_DEADLINE_MS;
    while (answered < intendedAt.length && machineMs() < deadline) await wait(10);
  }
  isOver = true;
  feedback?.destroy();
  for (const { socket } of connections) socket.destroy();
  const count = intendedAt.length;
  return {
    intendedAt: Float64Array.from(intendedAt),
    answeredAt: Float64Array.from(answeredAt.slice(0, count)),
    target: Uint32Array.from(target.slice(0, count)),
    status: Uint16Array.from(status.slice(0, count)),
    eventIds: eventIds.slice(0, count),
    firstRefusal,
    brokenConnections,
  };
}

function linesOf(headers: Target['headers']): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}

function open(
  port: number,
  settle: (connection: Connection, head: string, body: Buffer) => void,
  broken: (connection: Connection) => void,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const connection: Connection = { socket, request: null };
    const reader = new MessageReader((head, body) => {
      settle(connection, head, body);
    });
    socket.on('data', (chunk: Buffer) => {
      reader.push(chunk);
    });
    socket.once('connect', () => {
      resolve(connection);
    });
    socket.on('error', reject);
    socket.on('close', () => {
      broken(connection);
    });
  });
}

function listenToFeedback(port: number, onCount: (count: number) => void): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let left = '';
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      const lines = (left + chunk.toString('latin1')).split('\n');
      left = lines.pop() ?? '';
      const last = lines.at(-1);
      if (last === undefined) return;
      onCount(Number(last));
      resolve(socket);
    });
  });
}

/** By the targets' weights, the same for the same seed. */
function chooser(spec: LoadSpec): () => number {
  const random = seededRandom(spec.seed);
  let sum = 0;
  const bounds = spec.targets.map(({ weight }) => (sum += weight));
  return () => {
    const point = random.next() * sum;
    let [low, high] = [0, bounds.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((bounds[middle] ?? 0) > point) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
