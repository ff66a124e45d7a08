import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { deliveryBody, deliveryHeaders } from '#webhook-rules/delivery-request';
import { standardKey } from '#webhook-rules/signature';
import { SignatureError, verifyDelivery, type SignatureProblem, type VerifyDeliveryOptions } from './verify-delivery';

const SECRET = 'your-webhook-secret-key';
const CONTENT = {
  eventType: 'build.completed',
  timestamp: '2024-01-01T12:02:00Z',
  webhookId: 'webhook_456',
  deliveryId: 'del_790',
  eventId: 'event_123',
  version: '1',
  data: Buffer.from('{"build_id":"build_123"}'),
};
const BODY = deliveryBody(CONTENT);
const EXPECTED = {
  event: 'build.completed',
  timestamp: '2024-01-01T12:02:00Z',
  webhookId: 'webhook_456',
  deliveryId: 'del_790',
  eventId: 'event_123',
  data: { build_id: 'build_123' },
};

const signed = (secret = SECRET, atMs = Date.now(), body = BODY): Record<string, string> =>
  deliveryHeaders(
    CONTENT,
    body,
    { secrets: [{ secret, standardKey: standardKey(secret), expiresAtMs: null }], privateKeys: [] },
    {},
    atMs,
  );
const without = (name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(signed()).filter(([key]) => key.toLowerCase() !== name));
const problemOf = (options: Partial<VerifyDeliveryOptions>): SignatureProblem | undefined => {
  try {
    verifyDelivery({ secret: SECRET, headers: signed(), rawBody: BODY, ...options });
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(SignatureError);
    return (error as SignatureError).reason;
  }
};

describe('verifyDelivery', () => {
  it('answers what a delivery carries', () => {
    expect(verifyDelivery({ secret: SECRET, headers: signed(), rawBody: BODY })).toEqual(EXPECTED);
    expect(verifyDelivery({ secret: SECRET, headers: new Headers(signed()), rawBody: BODY.toString() })).toEqual(
      EXPECTED,
    );
  });

  it('takes the headers as Node.js hands them over', async () => {
    const received: IncomingHttpHeaders[] = [];
    const server = createServer((request, response) => {
      received.push(request.headers);
      request.resume();
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      method: 'POST',
      headers: { ...signed(), connection: 'close' },
      body: BODY.toString(),
    });
    await new Promise((resolve) => server.close(resolve));
    expect(verifyDelivery({ secret: SECRET, headers: received[0]!, rawBody: BODY })).toEqual(EXPECTED);
  });

  it('takes a whsec_ secret, and each of several', () => {
    const other = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
    const secrets = [SECRET, other];
    expect(verifyDelivery({ secret: other, headers: signed(other), rawBody: BODY })).toEqual(EXPECTED);
    for (const secret of secrets) {
      expect(problemOf({ secrets, headers: signed(secret) })).toBeUndefined();
      expect(problemOf({ secrets, headers: signed(secret), scheme: 'trae' })).toBeUndefined();
    }
  });

  it.each(['standard', 'trae'] as const)('refuses another body and another secret (%s)', (scheme) => {
    const changed = Buffer.from(BODY.toString().replace('build_123', 'build_124'));
    expect(problemOf({ scheme, rawBody: changed })).toBe('wrong_signature');
    expect(problemOf({ scheme, headers: signed('another-secret') })).toBe('wrong_signature');
  });

  it('refuses a delivery that is older or newer than the tolerance', () => {
    const minuteAgo = signed(SECRET, Date.now() - 60_000);
    expect(problemOf({ headers: minuteAgo })).toBeUndefined();
    expect(problemOf({ headers: minuteAgo, toleranceSeconds: 30 })).toBe('too_old_or_new');
    expect(problemOf({ headers: signed(SECRET, Date.now() + 400_000) })).toBe('too_old_or_new');
    expect(problemOf({ headers: signed(SECRET, 0), toleranceSeconds: Infinity })).toBeUndefined();
  });

  it('refuses a recorded delivery that was given a new time or id', () => {
    const old = signed(SECRET, Date.now() - 400_000);
    expect(problemOf({ headers: { ...old, 'webhook-timestamp': signed()['webhook-timestamp'] } })).toBe(
      'wrong_signature',
    );
    expect(problemOf({ headers: { ...signed(), 'webhook-id': 'event_124' } })).toBe('wrong_signature');
    expect(problemOf({ headers: { ...signed(), 'webhook-timestamp': 'now' } })).toBe('bad_timestamp');
  });

  it('demands the headers of the scheme', () => {
    for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature']) {
      expect(problemOf({ headers: without(name) })).toBe('missing_header');
      expect(problemOf({ headers: without(name), scheme: 'trae' })).toBeUndefined();
    }
    expect(problemOf({ headers: without('x-trae-signature-256') })).toBeUndefined();
    expect(problemOf({ headers: without('x-trae-signature-256'), scheme: 'trae' })).toBe('missing_header');
  });

  it('answers no event id where the signature does not cover it', () => {
    const delivery = verifyDelivery({ secret: SECRET, headers: signed(), rawBody: BODY, scheme: 'trae' });
    expect(delivery).toEqual({ ...EXPECTED, eventId: null });
  });

  it.each(['no JSON', '[]', '{}'])('refuses a signed body that is no delivery: %s', (text) => {
    const body = Buffer.from(text);
    expect(problemOf({ headers: signed(SECRET, Date.now(), body), rawBody: body })).toBe('bad_body');
  });

  it("calls the receiver's own mistakes by their name", () => {
    const headers = signed('x');
    expect(() => verifyDelivery({ secret: '', headers, rawBody: BODY })).toThrow(TypeError);
    expect(() => verifyDelivery({ secret: undefined, headers, rawBody: BODY })).toThrow('secret must not be empty');
    const parsed = JSON.parse(BODY.toString()) as string;
    expect(() => verifyDelivery({ secret: SECRET, headers, rawBody: parsed })).toThrow(
      'a parsed body cannot be verified',
    );
  });
});
