import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createAddressGuard } from './address-guard';
import { createDeliveryClient, type DeliveryClient, type DeliveryClientOptions } from './delivery-client';
import type { AttemptResult } from './exchange';
import {
  RECEIVER_CERT,
  startHttpReceiver,
  startTcpReceiver,
  startTlsReceiver,
  until,
  type Receiver,
} from './testing/receivers';

const guard = createAddressGuard({
  allowedCidrs: ['127.0.0.0/8'],
  requireHttps: false,
  resolve: async (hostname) => {
    if (hostname === 'receiver.test' || hostname === 'other.test') return ['127.0.0.1'];
    if (hostname === 'two-addresses.test') return ['127.0.0.1', '127.0.0.2'];
    if (hostname === 'inside.test') return ['10.0.0.1'];
    if (hostname === 'hanging-dns.test') return new Promise(() => {});
    throw new Error('no such name');
  },
});

const open: { close(): Promise<void> }[] = [];
const keep = async <Started extends { close(): Promise<void> }>(started: Promise<Started>): Promise<Started> => {
  const value = await started;
  open.push(value);
  return value;
};

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

function makeClient(options: Partial<DeliveryClientOptions> = {}): DeliveryClient {
  const client = createDeliveryClient({ guard, ...options });
  open.push({ close: async () => client.close(0) });
  return client;
}

const body = Buffer.from('{"event":"build.completed"}');
const post = async (
  client: DeliveryClient,
  url: string,
  changes: { timeoutMs?: number; body?: Buffer; headers?: Record<string, string> } = {},
): Promise<AttemptResult> => client.send({ url, headers: {}, body, timeoutMs: 5_000, ...changes });

/** Answers each request on a connection with the same bytes, once the whole body is there. */
const answerWith = (bytes: string) => (socket: Socket) => {
  socket.on('data', (data) => {
    if (data.toString('latin1').endsWith('}')) socket.write(bytes);
  });
};
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

describe('a response', () => {
  it('of 200 is a delivery, and the receiver got the exact request', async () => {
    const seen: { method: string | undefined; url: string | undefined; headers: unknown; body: Buffer }[] = [];
    const receiver = await keep(
      startHttpReceiver((request, response) => {
        const chunks: Buffer[] = [];
        request
          .on('data', (chunk: Buffer) => chunks.push(chunk))
          .on('end', () => {
            seen.push({
              method: request.method,
              url: request.url,
              headers: request.headers,
              body: Buffer.concat(chunks),
            });
            response.setHeader('content-type', 'text/plain').end('OK');
          });
      }),
    );
    const bytes = randomBytes(300_000);
    const result = await post(makeClient(), `${receiver.origin}/hooks?a=b%20c`, {
      body: bytes,
      headers: { 'X-Trae-Event': 'build.completed' },
    });
    expect(result).toMatchObject({
      outcome: { kind: 'response', statusCode: 200, retryAfterMs: null },
      statusCode: 200,
      responseHeaders: { 'content-type': 'text/plain' },
      responseBody: Buffer.from('OK'),
      responseTruncated: false,
      error: null,
    });
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({
      method: 'POST',
      url: '/hooks?a=b%20c',
      headers: { 'x-trae-event': 'build.completed', 'accept-encoding': 'identity', 'content-length': '300000' },
    });
    expect(seen[0]?.body.equals(bytes)).toBe(true);
  });

  it('of 500 is a failure that says so', async () => {
    const receiver = await keep(startHttpReceiver((_request, response) => response.writeHead(500).end('broken')));
    expect(await post(makeClient(), receiver.origin)).toMatchObject({
      outcome: { kind: 'response', statusCode: 500 },
      responseBody: Buffer.from('broken'),
      error: 'HTTP 500: Internal Server Error',
    });
  });

  it('of 503 brings its Retry-After', async () => {
    const receiver = await keep(
      startHttpReceiver((_request, response) => response.writeHead(503, { 'retry-after': '7' }).end()),
    );
    expect(await post(makeClient(), receiver.origin)).toMatchObject({
      outcome: { kind: 'response', statusCode: 503, retryAfterMs: 7_000 },
      responseHeaders: { 'retry-after': '7' },
    });
  });

  it('is stored up to the limit and marked as cut', async () => {
    const receiver = await keep(startHttpReceiver((_request, response) => response.end('x'.repeat(100_000))));
    const result = await post(makeClient({ maxStoredResponseBytes: 1000 }), receiver.origin);
    expect(result).toMatchObject({ outcome: { kind: 'response', statusCode: 200 }, responseTruncated: true });
    expect(result.responseBody).toEqual(Buffer.alloc(1000, 'x'));
  });

  it('is stored as it came, not decoded', async () => {
    const bytes = Buffer.from([0x1f, 0x8b, 0x00, 0xff]);
    const receiver = await keep(
      startHttpReceiver((_request, response) => response.setHeader('content-encoding', 'gzip').end(bytes)),
    );
    expect((await post(makeClient(), receiver.origin)).responseBody).toEqual(bytes);
  });

  it('announced by 103 Early Hints is the one that follows', async () => {
    const receiver = await keep(startTcpReceiver(answerWith(`HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${OK}`)));
    expect(await post(makeClient(), receiver.origin)).toMatchObject({
      outcome: { kind: 'response', statusCode: 200 },
      responseBody: Buffer.from('ok'),
    });
  });

  it('that ends with the connection is complete', async () => {
    const receiver = await keep(
      startTcpReceiver((socket) => socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\n\r\nuntil the end'))),
    );
    expect(await post(makeClient(), receiver.origin)).toMatchObject({
      outcome: { kind: 'response', statusCode: 200 },
      responseBody: Buffer.from('until the end'),
      responseTruncated: false,
    });
  });
});

describe('a receiver that hangs', () => {
  const TIMEOUT_MS = 150;
  const expectTimeout = (result: AttemptResult, statusCode: number | null): void => {
    expect(result).toMatchObject({
      outcome: { kind: 'error', errorClass: 'timeout' },
      statusCode,
      error: 'No complete response within the time limit',
    });
    expect(result.durationMs).toBeGreaterThanOrEqual(TIMEOUT_MS - 5);
    expect(result.durationMs).toBeLessThan(TIMEOUT_MS + 1_000);
  };

  it('before the headers is a timeout, and the connection is given up', async () => {
    const receiver = await keep(startTcpReceiver((socket) => socket.resume()));
    expectTimeout(await post(makeClient(), receiver.origin, { timeoutMs: TIMEOUT_MS }), null);
    await until(() => receiver.openConnectionCount() === 0);
    expect(receiver.connectionCount()).toBe(1);
  });

  it('in the body is a timeout that still knows the status and what came', async () => {
    const receiver = await keep(startTcpReceiver(answerWith('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart')));
    const result = await post(makeClient(), receiver.origin, { timeoutMs: TIMEOUT_MS });
    expectTimeout(result, 200);
    expect(result).toMatchObject({ responseBody: Buffer.from('part'), responseTruncated: true });
  });

  it('does not hold up others at the same origin', async () => {
    const receiver = await keep(
      startHttpReceiver((request, response) => {
        if (request.url !== '/hang') response.end('ok');
      }),
    );
    const client = makeClient();
    const hanging = Array.from({ length: 200 }, async () => post(client, `${receiver.origin}/hang`));
    const results = await Promise.all(Array.from({ length: 50 }, async () => post(client, receiver.origin)));
    expect(results.every(({ statusCode }) => statusCode === 200)).toBe(true);
    await client.close(0);
    expect((await Promise.all(hanging)).map(({ outcome }) => outcome)).toEqual(
      Array.from({ length: 200 }, () => ({ kind: 'error', errorClass: 'interrupted' })),
    );
  });
});

describe('a name server that hangs', () => {
  it('is a connection that did not come about in time', async () => {
    expect(await post(makeClient(), 'http://hanging-dns.test/', { timeoutMs: 100 })).toMatchObject({
      outcome: { kind: 'error', errorClass: 'connect_timeout' },
      statusCode: null,
    });
  });
});

describe('a receiver whose queue of connections is full for a moment', () => {
  // Node gives each address but the last a quarter of a second; the kernel asks again after a whole one.
  it('gets the request, also when its host has another address that nobody listens at', async () => {
    const program = `require('http').createServer((request, response) => response.end('ok'))
      .listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () { console.log(this.address().port); })`;
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    open.push({ close: async () => void (child.kill('SIGKILL') && (await once(child, 'exit'))) });
    const [port] = (await once(child.stdout, 'data')) as [Buffer];
    child.kill('SIGSTOP');
    const fillers: Socket[] = [];
    for (let isTaken = true; isTaken;) {
      const filler = connect(Number(port), '127.0.0.1');
      fillers.push(filler);
      isTaken = await once(filler, 'connect', { signal: AbortSignal.timeout(300) }).then(
        () => true,
        () => false,
      );
    }
    const sending = post(makeClient(), `http://two-addresses.test:${String(Number(port))}/`, { timeoutMs: 20_000 });
    setTimeout(() => child.kill('SIGCONT'), 400);
    expect(await sending).toMatchObject({ statusCode: 200 });
    for (const filler of fillers) filler.destroy();
  });
});

describe('a receiver that cannot be reached', () => {
  it('because nothing listens is connection_refused', async () => {
    const receiver = await startTcpReceiver((socket) => socket.resume());
    await receiver.close();
    expect(await post(makeClient(), receiver.origin)).toMatchObject({
      outcome: { kind: 'error', errorClass: 'connection_refused' },
      statusCode: null,
      error: 'Connection refused',
    });
  });

  it.each([
    ['http://10.0.0.1/', 'blocked_address'],
    ['http://[::1]:1/', 'blocked_address'],
    ['http://169.254.169.254/latest/meta-data/', 'blocked_address'],
    ['http://inside.test/', 'blocked_address'],
    ['http://unknown.test/', 'dns_error'],
    ['nonsense', 'invalid_request'],
    ['http://user:secret@receiver.test/', 'invalid_request'],
  ])('because of its URL %s is %s', async (url, errorClass) => {
    const result = await post(makeClient(), url);
    expect(result.outcome).toEqual({ kind: 'error', errorClass });
    expect(result.error).not.toMatch(/10\.0|169\.254|secret/);
  });

  it('because a header cannot be sent is invalid_request', async () => {
    const receiver = await keep(startHttpReceiver((_request, response) => response.end()));
    const result = await post(makeClient(), receiver.origin, { headers: { 'x-bad': 'a\r\nb: c' } });
    expect(result.outcome).toEqual({ kind: 'error', errorClass: 'invalid_request' });
    expect(receiver.connectionCount()).toBe(0);
  });
});

describe('a name', () => {
  it('is dialled at the address that was vetted', async () => {
    const hosts: (string | undefined)[] = [];
    const receiver = await keep(
      startHttpReceiver((request, response) => {
        hosts.push(request.headers.host);
        response.end();
      }),
    );
    const result = await post(makeClient(), `http://receiver.test:${receiver.port}/`);
    expect(result.statusCode).toBe(200);
    expect(hosts).toEqual([`receiver.test:${receiver.port}`]);
  });
});

describe('TLS', () => {
  let receiver: Receiver;
  beforeEach(async () => {
    receiver = await keep(startTlsReceiver((_request, response) => response.end('ok')));
  });

  it('delivers when the authority is trusted and the name is right', async () => {
    const result = await post(makeClient({ ca: RECEIVER_CERT }), `https://receiver.test:${receiver.port}/`);
    expect(result).toMatchObject({ statusCode: 200, error: null });
  });

  it('towards a server that does not speak it is tls_error', async () => {
    const plain = await keep(startHttpReceiver((_request, response) => response.end()));
    expect((await post(makeClient(), `https://127.0.0.1:${plain.port}/`)).outcome).toEqual({
      kind: 'error',
      errorClass: 'tls_error',
    });
  });
});

describe('keep-alive', () => {
  it('uses one connection for request after request', async () => {
    const receiver = await keep(startHttpReceiver((_request, response) => response.end('ok')));
    const client = makeClient();
    for (let count = 0; count < 20; count += 1) await post(client, receiver.origin);
    expect(receiver.connectionCount()).toBe(1);
  });

  it('sends again at once, on a new connection, when the receiver closes a used one without answering', async () => {
    let requests = 0;
    const receiver = await keep(
      startTcpReceiver((socket) => {
        let onThisConnection = 0;
        socket.on('data', () => {
          requests += 1;
          onThisConnection += 1;
          if (onThisConnection === 1) socket.write(OK);
          else socket.resetAndDestroy();
        });
      }),
    );
    const client = makeClient();
    expect((await post(client, receiver.origin)).statusCode).toBe(200);
    expect(await post(client, receiver.origin)).toMatchObject({ statusCode: 200, error: null });
    expect(requests).toBe(3);
    expect(receiver.connectionCount()).toBe(2);
    await until(() => receiver.openConnectionCount() === 1);
  });

  it('does not send again what failed on a new connection', async () => {
    const receiver = await keep(startTcpReceiver((socket) => socket.once('data', () => socket.resetAndDestroy())));
    expect((await post(makeClient(), receiver.origin)).outcome).toEqual({
      kind: 'error',
      errorClass: 'connection_reset',
    });
    expect(receiver.connectionCount()).toBe(1);
  });

  it('does not send again what was answered in part', async () => {
    let requests = 0;
    const receiver = await keep(
      startTcpReceiver((socket) => {
        socket.on('data', () => {
          requests += 1;
          if (requests === 1) socket.write(OK);
          else socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart');
        });
      }),
    );
    const client = makeClient();
    await post(client, receiver.origin);
    expect((await post(client, receiver.origin)).outcome.kind).toBe('error');
    expect(requests).toBe(2);
  });

  it('lets go of idle connections', async () => {
    const receiver = await keep(startTcpReceiver(answerWith(OK)));
    await post(makeClient({ keepAliveMs: 50 }), receiver.origin);
    await until(() => receiver.openConnectionCount() === 0);
    expect(receiver.connectionCount()).toBe(1);
  });

  it('keeps to the limit of connections per origin', async () => {
    const receiver = await keep(startHttpReceiver((_request, response) => response.end('ok')));
    const client = makeClient({ connectionsPerOrigin: 4 });
    const results = await Promise.all(Array.from({ length: 100 }, async () => post(client, receiver.origin)));
    expect(results.every(({ statusCode }) => statusCode === 200)).toBe(true);
    expect(receiver.connectionCount()).toBe(4);
  });

  it('is not attempted where the receiver does not want it', async () => {
    const receiver = await keep(
      startHttpReceiver((_request, response) => response.setHeader('connection', 'close').end('ok')),
    );
    const client = makeClient();
    for (let count = 0; count < 5; count += 1) expect((await post(client, receiver.origin)).statusCode).toBe(200);
    expect(receiver.connectionCount()).toBe(5);
    await until(() => receiver.openConnectionCount() === 0);
  });

  it('hands a connection on to the next who still waits', async () => {
    const answers: (() => void)[] = [];
    const receiver = await keep(
      startHttpReceiver((_request, response) => {
        answers.push(() => response.end('ok'));
      }),
    );
    const client = makeClient({ connectionsPerOrigin: 1 });
    const first = post(client, receiver.origin);
    const impatient = post(client, receiver.origin, { timeoutMs: 50 });
    const patient = post(client, receiver.origin);
    expect((await impatient).outcome).toEqual({ kind: 'error', errorClass: 'connect_timeout' });
    await until(() => answers.length === 1);
    answers[0]?.();
    expect((await first).statusCode).toBe(200);
    await until(() => answers.length === 2);
    answers[1]?.();
    expect((await patient).statusCode).toBe(200);
    expect(answers).toHaveLength(2);
    expect(receiver.connectionCount()).toBe(1);
  });

  it('opens another connection for who waits when one breaks', async () => {
    const receiver = await keep(startTcpReceiver((socket) => socket.once('data', () => socket.resetAndDestroy())));
    const client = makeClient({ connectionsPerOrigin: 1 });
    const results = await Promise.all(Array.from({ length: 5 }, async () => post(client, receiver.origin)));
    expect(results.map(({ outcome }) => outcome)).toEqual(
      results.map(() => ({ kind: 'error', errorClass: 'connection_reset' })),
    );
    expect(receiver.connectionCount()).toBe(5);
  });

  it('closes the connection that was idle longest when there are too many', async () => {
    const receivers = await Promise.all(
      Array.from({ length: 3 }, async () => keep(startHttpReceiver((_request, response) => response.end('ok')))),
    );
    const client = makeClient({ maxIdleConnections: 2 });
    for (const { origin } of receivers) expect((await post(client, origin)).statusCode).toBe(200);
    const openConnections = (): number[] => receivers.map((receiver) => receiver.openConnectionCount());
    await until(() => openConnections()[0] === 0);
    expect(openConnections()).toEqual([0, 1, 1]);
  });
});

describe('closing', () => {
  it('waits for what is in flight, and sends nothing more', async () => {
    let answer: () => void = () => undefined;
    const receiver = await keep(
      startHttpReceiver((_request, response) => {
        answer = () => response.end('late');
      }),
    );
    const client = makeClient();
    const waiting = post(client, receiver.origin);
    await until(() => receiver.connectionCount() === 1);
    const closed = client.close(5_000);
    expect((await post(client, receiver.origin)).outcome).toEqual({ kind: 'error', errorClass: 'interrupted' });
    await until(() => {
      answer();
      return receiver.openConnectionCount() === 0;
    });
    expect(await waiting).toMatchObject({ statusCode: 200 });
    await closed;
  });

  it('interrupts what is still in flight after the grace time', async () => {
    const receiver = await keep(startTcpReceiver((socket) => socket.resume()));
    const client = makeClient();
    const waiting = post(client, receiver.origin, { timeoutMs: 60_000 });
    await until(() => receiver.connectionCount() === 1);
    await client.close(20);
    expect((await waiting).outcome).toEqual({ kind: 'error', errorClass: 'interrupted' });
    await until(() => receiver.openConnectionCount() === 0);
  });
});
