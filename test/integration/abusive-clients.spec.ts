import { connect, type Socket } from 'node:net';
import { waitFor } from '../support/wait-for';
import { startApi, type TestApi } from '../support/api';
import { makeTenant, type TestTenant } from '../support/factories';
import { createTestDatabase, type TestDatabase } from '../support/postgres';

/** A client that speaks over a bare socket, so that it may do what no HTTP library does. */
class RawClient {
  readonly socket: Socket;
  readonly beganAt = performance.now();
  received = '';
  closedAfterMs: number | null = null;

  constructor(url: string) {
    this.socket = connect(Number(new URL(url).port), '127.0.0.1');
    this.socket.setEncoding('utf8').on('data', (chunk) => (this.received += String(chunk)));
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => (this.closedAfterMs = performance.now() - this.beganAt));
  }

  send(text: string): this {
    this.socket.write(text);
    return this;
  }

  /** Sends `text` character by character, until the connection ends. */
  drip(text: string, everyMs: number): this {
    let next = 0;
    const timer = setInterval(() => {
      if (this.socket.writable) this.socket.write(text[next++ % text.length] ?? 'x');
    }, everyMs);
    this.socket.once('close', () => {
      clearInterval(timer);
    });
    return this;
  }

  get statuses(): number[] {
    return [...this.received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]));
  }

  async closed(withinMs = 10_000): Promise<number> {
    await waitFor('the connection to be closed', () => Promise.resolve(this.closedAfterMs !== null), withinMs);
    return this.closedAfterMs ?? 0;
  }

  async answered(count: number): Promise<number[]> {
    await waitFor('the answers', () => Promise.resolve(this.statuses.length >= count), 10_000);
    return this.statuses;
  }
}

const ENV = {
  HEADERS_TIMEOUT_MS: '700',
  REQUEST_TIMEOUT_MS: '1500',
  MAX_REQUEST_BYTES: '2000',
  MAX_JSON_DEPTH: '10',
  MAX_HEADER_BYTES: '4096',
  MAX_HEADERS: '30',
  KEEP_ALIVE_TIMEOUT_MS: '1000',
  MAX_REQUESTS_PER_CONNECTION: '5',
  MAX_PIPELINED_REQUESTS: '3',
  MAX_CONNECTIONS: '12',
  MAX_CONNECTIONS_PER_ADDRESS: '8',
};
const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';

describe('abusive clients', () => {
  let database: TestDatabase;
  let api: TestApi;
  let tenant: TestTenant;
  const clients: RawClient[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    api = await startApi({ databaseUrl: database.url, env: ENV });
    tenant = await makeTenant(api);
  });

  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.destroy();
    await waitFor('the connections to be gone', () => Promise.resolve(connections(api) === 0), 10_000);
  });

  afterAll(async () => {
    await api.stop();
    await database.drop();
  });

  const connections = ({ app }: TestApi): number =>
    (app.getHttpServer() as unknown as { _connections: number })._connections;
  const client = (at = api): RawClient => {
    const made = new RawClient(at.url);
    clients.push(made);
    return made;
  };
  const post = (length: number): string =>
    `POST /api/users HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${tenant.token}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
  /** The service still serves everybody else. */
  const expectWell = async (): Promise<void> => {
    await api.as(tenant.token).get('/api/me').set('connection', 'close').expect(200);
  };

  it('that connect and say nothing are closed at the deadline, without an answer that nobody asked for', async () => {
    const silent = client();
    expect(await silent.closed()).toBeLessThan(5_000);
    expect(silent.statuses).toEqual([]);
    await expectWell();
  });

  it('that send their head byte by byte are ended at the deadline, by 408', async () => {
    const slow = client().send('GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ').drip('abc', 50);
    const tookMs = await slow.closed();
    expect(slow.statuses).toEqual([408]);
    expect(tookMs).toBeGreaterThanOrEqual(650);
    expect(tookMs).toBeLessThan(5_000);
    await expectWell();
  });

  it('that send their body byte by byte are ended at the deadline, though each byte comes in time', async () => {
    const slow = client().send(post(1_000)).drip('{"name":"a"', 50);
    const tookMs = await slow.closed();
    expect(slow.statuses).toEqual([408]);
    expect(tookMs).toBeGreaterThanOrEqual(1_400);
    expect(tookMs).toBeLessThan(6_000);
    await expectWell();
  });

  it('that announce or send too large a body get 413, without its being read', async () => {
    const announced = client().send(post(1_000_000_000));
    expect(await announced.answered(1)).toEqual([413]);
    const chunked = client().send(
      post(0)
        .replace('Content-Length: 0', 'Transfer-Encoding: chunked')
        .concat(`fff\r\n${'x'.repeat(0xfff)}\r\n`),
    );
    expect(await chunked.answered(1)).toEqual([413]);
    await expectWell();
  });

  it('that nest too deeply get 400', async () => {
    const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    const refused = await api
      .as(tenant.token)
      .post('/api/users')
      .set('content-type', 'application/json')
      .send(nested(11));
    expect(refused.body).toMatchObject({
      code: 'malformed_json',
      message: expect.stringContaining('10 levels') as string,
    });
  });

  it('that send too large a head or too many headers get 431', async () => {
    const large = client().send(`GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Large: ${'x'.repeat(10_000)}\r\n\r\n`);
    expect(await large.answered(1)).toEqual([431]);
    const many = Array.from({ length: 40 }, (_, index) => `X-${index}: y\r\n`).join('');
    const crowded = client().send(`GET /healthz HTTP/1.1\r\nHost: localhost\r\n${many}\r\n`);
    expect(await crowded.answered(1)).toEqual([431]);
    expect(crowded.received).toContain('headers_too_large');
    await expectWell();
  });

  it('that stay idle between requests are closed', async () => {
    const idle = client().send(HEALTH);
    expect(await idle.answered(1)).toEqual([200]);
    expect(await idle.closed()).toBeLessThan(8_000);
  });

  it('that make many requests on one connection get a new one to make', async () => {
    const busy = client();
    for (let count = 1; count <= 5; count += 1) {
      busy.send(HEALTH);
      await busy.answered(count);
    }
    expect(busy.received.match(/connection: close/gi)).toHaveLength(1);
    await busy.closed();
  });

  it('that pipeline more than they may get 429 for those beyond, and are closed', async () => {
    const request = HEALTH.replace('/healthz', '/readyz');
    const greedy = client().send(request.repeat(5));
    await greedy.closed();
    expect(greedy.statuses.slice(0, 4)).toEqual([200, 200, 200, 429]);
    await expectWell();
  });

  it('that open more connections than an address may have are turned away, and nobody else', async () => {
    const own = await startApi({ databaseUrl: database.url, env: { ...ENV, HEADERS_TIMEOUT_MS: '1400' } });
    try {
      const held = Array.from({ length: 8 }, () => client(own));
      await waitFor('the connections', () => Promise.resolve(connections(own) === 8));
      const beyond = client(own).send(HEALTH);
      expect(await beyond.closed()).toBeLessThan(1_000);
      expect(beyond.received).toBe('');
      held[0]?.socket.destroy();
      await waitFor('a place to be free', async () => {
        const next = client(own).send(HEALTH);
        await waitFor('an answer or the end', () =>
          Promise.resolve(next.received !== '' || next.closedAfterMs !== null),
        );
        return next.statuses[0] === 200;
      });
    } finally {
      for (const { socket } of clients) socket.destroy();
      await own.stop();
    }
  });

  it('behind a trusted proxy share the connections of all, and no more', async () => {
    const env = { ...ENV, TRUSTED_PROXIES: '127.0.0.1', HEADERS_TIMEOUT_MS: '1400' };
    const own = await startApi({ databaseUrl: database.url, env });
    try {
      await waitFor('no connections', () => Promise.resolve(connections(own) === 0), 10_000);
      for (let count = 0; count < 12; count += 1) client(own);
      await waitFor('the connections', () => Promise.resolve(connections(own) === 12));
      const beyond = client(own).send(HEALTH);
      expect(await beyond.closed()).toBeLessThan(1_000);
      expect(beyond.received).toBe('');
    } finally {
      for (const { socket } of clients) socket.destroy();
      await own.stop();
    }
  });
});
