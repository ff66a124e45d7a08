import { createAddressGuard } from './address-guard';
import { createDeliveryClient, type DeliveryClient } from './delivery-client';
import type { AttemptResult } from './exchange';
import { HOSTILE_RECEIVERS } from './testing/hostile-receivers';
import {
  EXPIRED_CERT,
  RECEIVER_CERT,
  startHttpReceiver,
  startTlsReceiver,
  until,
  type Receiver,
} from './testing/receivers';

const TIMEOUT_MS = 1_000;
const NAMES = ['receiver.test', 'other.test'];
const guard = createAddressGuard({
  allowedCidrs: ['127.0.0.1'],
  requireHttps: false,
  resolve: (hostname) =>
    NAMES.includes(hostname) ? Promise.resolve(['127.0.0.1']) : Promise.reject(new Error('no such name')),
});

describe('a receiver', () => {
  let client: DeliveryClient;
  let receiver: Receiver | undefined;

  beforeEach(() => {
    client = createDeliveryClient({ guard });
  });
  afterEach(async () => {
    await client.close(0);
    await receiver?.close();
  });

  const post = (url: string, by = client): Promise<AttemptResult> =>
    by.send({ url, headers: {}, body: Buffer.from('{"event":"build.completed"}'), timeoutMs: TIMEOUT_MS });
  const classOf = ({ outcome }: AttemptResult): string | null => (outcome.kind === 'error' ? outcome.errorClass : null);

  it.each(HOSTILE_RECEIVERS.map((hostile) => [hostile.name, hostile] as const))(
    '%s costs its own time only, and gets no connection back',
    async (_name, { start, errorClass }) => {
      receiver = await start();
      for (let count = 0; count < 2; count += 1) {
        const result = await post(receiver.origin);
        expect(classOf(result)).toBe(errorClass);
        expect(result.durationMs).toBeLessThan(TIMEOUT_MS + 1_000);
        expect(result.responseBody.length).toBeLessThanOrEqual(16 * 1024);
        expect(result.responseBody.toString()).not.toContain('poisoned');
        if (errorClass === null) expect(result.statusCode).toBe(200);
        else expect(result.error).toMatch(/^[A-Z]/);
      }
      if (errorClass !== null) await until(() => receiver?.openConnectionCount() === 0);
    },
  );

  it('that sends a second answer along poisons no connection', async () => {
    receiver = await HOSTILE_RECEIVERS.find(({ name }) => name.includes('second answer'))!.start();
    for (let count = 1; count <= 3; count += 1) {
      expect((await post(receiver.origin)).responseBody.toString()).toBe('ok');
      expect(receiver.connectionCount()).toBe(count);
    }
  });

  it('that answers with a bomb is not decoded', async () => {
    receiver = await HOSTILE_RECEIVERS.find(({ name }) => name.includes('decoded'))!.start();
    const result = await post(receiver.origin);
    expect(result.responseBody.subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
    expect(result).toMatchObject({ statusCode: 200, responseTruncated: true });
  });

  it.each([301, 302, 303, 307, 308])('that redirects by %d to where nobody may go is not followed', async (status) => {
    const inside = await startHttpReceiver((_request, response) => response.end('secret'));
    try {
      receiver = await startHttpReceiver((_request, response) =>
        response.writeHead(status, { location: inside.origin, refresh: `0; url=${inside.origin}` }).end(),
      );
      expect(await post(receiver.origin)).toMatchObject({
        statusCode: status,
        error: expect.stringMatching(/^HTTP 3/) as string,
      });
      expect(inside.connectionCount()).toBe(0);
    } finally {
      await inside.close();
    }
  });

  it.each([
    ['whose certificate has expired', EXPIRED_CERT, 'receiver.test', 'tls_expired'],
    ['whose certificate is for another name', RECEIVER_CERT, 'other.test', 'tls_wrong_name'],
  ])('%s is refused', async (_name, cert, host, errorClass) => {
    receiver = await startTlsReceiver((_request, response) => response.end('ok'), { cert });
    const trusting = createDeliveryClient({ guard, ca: cert });
    try {
      expect(classOf(await post(`https://${host}:${receiver.port}/`, trusting))).toBe(errorClass);
    } finally {
      await trusting.close(0);
    }
  });

  it('whose name changes its address after it was vetted is dialled where it was vetted', async () => {
    const answers = [['127.0.0.1'], ['169.254.169.254']];
    const rebinding = createDeliveryClient({
      guard: createAddressGuard({
        allowedCidrs: ['127.0.0.1'],
        requireHttps: false,
        resolve: () => Promise.resolve(answers.shift() ?? ['169.254.169.254']),
      }),
      keepAliveMs: 1,
    });
    try {
      receiver = await startHttpReceiver((_request, response) => response.setHeader('connection', 'close').end('ok'));
      const url = `http://rebinding.test:${receiver.port}/`;
      expect((await post(url, rebinding)).statusCode).toBe(200);
      expect(classOf(await post(url, rebinding))).toBe('blocked_address');
      expect(answers).toEqual([]);
    } finally {
      await rebinding.close(0);
    }
  });
});
