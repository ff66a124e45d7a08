import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EventPublisher, type EventPublisherOptions } from './event-publisher';
import { PublishError } from './publish-error';

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
}

const ACCEPTED: Answer = {
  status: 202,
  body: {
    event_id: 'event_123',
    event: 'build.completed',
    status: 'accepted',
    created_at: '2024-01-01T12:02:00Z',
    duplicate: false,
  },
};
const EVENT = { event: 'build.completed', data: { build_id: 'build_123' } };

describe('EventPublisher', () => {
  let server: Server;
  let url: string;
  let answers: (Answer | 'cut' | 'hang')[];
  let received: { path: string; headers: IncomingHttpHeaders; body: string }[];

  beforeEach(async () => {
    answers = [];
    received = [];
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        received.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() });
        const answer = answers.shift() ?? ACCEPTED;
        if (answer === 'hang') return;
        if (answer === 'cut') {
          request.socket.destroy();
          return;
        }
        response.writeHead(answer.status, { connection: 'close', ...answer.headers });
        response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? {}));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const publisher = (options: Partial<EventPublisherOptions> = {}): EventPublisher =>
    new EventPublisher({ url, token: 'trae_token', ...options });
  const failureOf = async (publishing: Promise<unknown>): Promise<PublishError> => {
    const error: unknown = await publishing.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(PublishError);
    return error as PublishError;
  };
  const keys = (): (string | string[] | undefined)[] => received.map(({ headers }) => headers['idempotency-key']);

  it('publishes an event under a key of its own', async () => {
    await expect(publisher({ url: `${url}/` }).publish(EVENT)).resolves.toEqual({
      eventId: 'event_123',
      event: 'build.completed',
      status: 'accepted',
      createdAt: '2024-01-01T12:02:00Z',
      duplicate: false,
      warnings: [],
    });
    await publisher().publish(EVENT);
    expect(received[0]).toMatchObject({
      path: '/api/events',
      headers: { authorization: 'Bearer trae_token', 'content-type': 'application/json' },
      body: '{"event":"build.completed","data":{"build_id":"build_123"}}',
    });
    expect(keys()[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(keys()[1]).not.toBe(keys()[0]);
  });

  it('uses the key that is given, and none where the event has an id', async () => {
    await publisher().publish({ ...EVENT, idempotencyKey: 'my-key' });
    await publisher().publish({ ...EVENT, eventId: 'build_123' });
    expect(keys()).toEqual(['my-key', undefined]);
  });

  it.each([429, 502, 503, 504])('sends the same again under the same key after %d', async (status) => {
    answers = [{ status, headers: { 'retry-after': '0' }, body: 'not now' }];
    await expect(publisher().publish(EVENT)).resolves.toMatchObject({ eventId: 'event_123' });
    expect(received).toHaveLength(2);
    expect(keys()[1]).toBe(keys()[0]);
    expect(received[1]?.body).toBe(received[0]?.body);
  });

  it('sends again after a connection that was cut and after a request that timed out', async () => {
    answers = ['cut', 'hang'];
    await expect(publisher({ timeoutMs: 250 }).publish(EVENT)).resolves.toMatchObject({ eventId: 'event_123' });
    expect(received).toHaveLength(3);
    expect(new Set(keys()).size).toBe(1);
  });

  it('waits as Retry-After asks', async () => {
    answers = [{ status: 503, headers: { 'retry-after': '1' } }];
    const beganAt = performance.now();
    await publisher().publish(EVENT);
    expect(performance.now() - beganAt).toBeGreaterThanOrEqual(990);
  });

  it('does not wait for an hour', async () => {
    answers = [{ status: 429, headers: { 'retry-after': '3600' } }];
    expect(await failureOf(publisher().publish(EVENT))).toMatchObject({ status: 429 });
    expect(received).toHaveLength(1);
  });

  it('tells after the last retry what was wrong', async () => {
    answers = ['cut', 'cut'];
    const error = await failureOf(publisher({ retries: 1 }).publish(EVENT));
    expect(error).toMatchObject({ status: null, code: 'unreachable', requestId: null });
    expect(error.cause).toMatchObject({ message: 'fetch failed', cause: { code: 'UND_ERR_SOCKET' } });
    answers = ['hang'];
    expect(await failureOf(publisher({ retries: 0, timeoutMs: 50 }).publish(EVENT))).toMatchObject({ code: 'timeout' });
    expect(received).toHaveLength(3);
  });

  it("passes the service's refusal on at once", async () => {
    const details = [{ field: 'event', message: 'build.done is not a known event type' }];
    const message = 'event: build.done is not a known event type';
    answers = [
      { status: 400, body: { statusCode: 400, code: 'invalid_request', message, details, request_id: 'req_1' } },
    ];
    const error = await failureOf(publisher().publish(EVENT));
    expect(error).toMatchObject({ status: 400, code: 'invalid_request', message, details, requestId: 'req_1' });
    expect(received).toHaveLength(1);
  });

  it.each<[string, Answer]>([
    ['a page', { status: 200, body: '<html></html>' }],
    ['a redirect', { status: 307, headers: { location: '/elsewhere' } }],
    ['an error page', { status: 500, body: '<html></html>' }],
  ])('does not take %s for an answer of the service', async (_what, answer) => {
    answers = [answer];
    expect(await failureOf(publisher().publish(EVENT))).toMatchObject({
      status: answer.status,
      code: 'unexpected_answer',
    });
    expect(received).toHaveLength(1);
  });

  it('sends nothing under a key that no header can carry', async () => {
    expect(await failureOf(publisher().publish({ ...EVENT, idempotencyKey: 'a\nb' }))).toMatchObject({ status: 400 });
    expect(received).toHaveLength(0);
  });

  it('refuses a token that no header can carry, without repeating it', () => {
    expect(() => publisher({ token: 'to\nken' })).toThrow(new TypeError('token must be a bearer token'));
  });

  it('publishes a batch and answers one by one', async () => {
    const refusal = { statusCode: 413, code: 'payload_too_large', message: 'data: too large', details: [] };
    answers = [
      { status: 503, headers: { 'retry-after': '0' } },
      {
        status: 202,
        body: { events: [ACCEPTED.body, { status: 'rejected', error: refusal }], accepted: 1, rejected: 1 },
      },
    ];
    const [first, second] = await publisher().publishBatch([EVENT, EVENT]);
    expect(first).toMatchObject({ status: 'accepted', eventId: 'event_123' });
    expect(second).toEqual({ status: 'rejected', error: expect.any(PublishError) as PublishError });
    expect(second).toMatchObject({ error: { status: 413, code: 'payload_too_large', message: 'data: too large' } });
    expect(received[1]).toMatchObject({ path: '/api/events/batch', body: JSON.stringify({ events: [EVENT, EVENT] }) });
    expect(keys()[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(keys()[1]).toBe(keys()[0]);
  });
});
