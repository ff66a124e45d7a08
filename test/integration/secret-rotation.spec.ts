import { createHmac, createPublicKey, verify, type JsonWebKey } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { eraseExpiredKeys } from '../../apps/dispatcher/src/retention/housekeeping';
import { verifyDelivery } from '#sdk/verify-delivery';
import { startService, type TestService } from '../support/apps-in-process';
import { describeEachBackend } from '../support/backends';
import { makeTenant, makeToken, type TestTenant } from '../support/factories';
import { startRecorder, type RecordedRequest, type Recorder } from '../support/recorder';
import { waitFor } from '../support/wait-for';

const FIRST = 'the-first-secret';
const SECOND = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;

interface Rotated {
  secret: string;
  previous_secrets: { expires_at: string }[];
}

describeEachBackend('replacing what signs', (backend) => {
  let service: TestService;
  let tenant: TestTenant;
  let receiver: Recorder;

  beforeAll(async () => {
    service = await startService(backend);
  });
  beforeEach(async () => {
    tenant = await makeTenant(service.api);
    receiver = await startRecorder();
  });
  afterEach(() => receiver.stop());
  afterAll(() => service.stop());

  const call = (method: 'get' | 'post' | 'put', path: string, body?: object, status = 200) =>
    service.api.as(tenant.token)[method](path).send(body).expect(status);
  const create = async (more: object): Promise<string> => {
    const body = { url: receiver.origin, events: ['*'], name: 'Rotating', secret: FIRST, ...more };
    return ((await call('post', '/api/webhooks', body, 201)).body as { webhook_id: string }).webhook_id;
  };
  const rotate = async (id: string, body: object = {}, status = 200): Promise<Rotated> =>
    (await call('post', `/api/webhooks/${id}/secret/rotate`, body, status)).body as Rotated;
  const nextDelivery = async (): Promise<RecordedRequest> => {
    const before = receiver.requests.length;
    await service.publish({}, tenant.token);
    await waitFor('the delivery', () => receiver.requests.length > before);
    return receiver.requests[before]!;
  };

  const fitsTrae = ({ headers, raw }: RecordedRequest, secret: string): boolean =>
    headers['x-trae-signature-256'] === `sha256=${createHmac('sha256', secret).update(raw).digest('hex')}`;
  const fitsStandard = ({ headers, raw }: RecordedRequest, secret: string): boolean => {
    try {
      new Webhook(secret, secret.startsWith('whsec_') ? {} : { format: 'raw' }).verify(
        raw.toString(),
        headers as Record<string, string>,
      );
      return true;
    } catch {
      return false;
    }
  };
  const fits = (request: RecordedRequest, secrets: string[]): [boolean, boolean][] =>
    secrets.map((secret) => [fitsTrae(request, secret), fitsStandard(request, secret)]);

  it('signs the very next event by both secrets; the header with room for one keeps to the old', async () => {
    const id = await create({});
    expect(fits(await nextDelivery(), [FIRST, SECOND])).toEqual([
      [true, true],
      [false, false],
    ]);
    const startedAtMs = Date.now();
    const rotated = await rotate(id, { secret: SECOND });
    expect(rotated).toMatchObject({ webhook_id: id, secret: SECOND });
    const endMs = Date.parse(rotated.previous_secrets[0]!.expires_at);
    expect(Math.abs(endMs - startedAtMs - 86_400_000)).toBeLessThan(60_000);
    const during = await nextDelivery();
    expect(fits(during, [FIRST, SECOND])).toEqual([
      [true, true],
      [false, true],
    ]);
    for (const secrets of [[FIRST], [SECOND], [SECOND, FIRST]]) {
      expect(verifyDelivery({ secrets, headers: during.headers, rawBody: during.raw }).webhookId).toBe(id);
    }
    const shown = (await call('get', `/api/webhooks/${id}`)).body as object;
    expect(shown).toMatchObject({ secret: SECOND, previous_secrets: rotated.previous_secrets });
    expect(JSON.stringify(shown)).not.toContain(FIRST);
  });

  it('is told in the audit trail, without the secret', async () => {
    const id = await create({});
    const { secret } = await rotate(id, { overlap_seconds: 600 });
    await call('post', '/api/signing-keys/rotate', { overlap_seconds: 0 });
    const acts = async (action: string): Promise<object[]> => {
      const { entries } = (await call('get', `/api/audit?action=${action}`)).body as { entries: object[] };
      return entries;
    };
    const by = { actor: { user_id: tenant.userId, token_id: tenant.tokenId } };
    const [rotated, ...moreSecrets] = await acts('webhook.secret_rotated');
    expect(moreSecrets).toEqual([]);
    expect(rotated).toMatchObject({ ...by, resource: { type: 'webhook', id } });
    const [rotatedKey, ...moreKeys] = await acts('signing_key.rotated');
    expect(moreKeys).toEqual([]);
    expect(rotatedKey).toMatchObject({
      ...by,
      resource: { type: 'tenant', id: tenant.tenantId },
      details: { overlap_seconds: 0 },
    });
    for (const text of [FIRST, secret]) expect(JSON.stringify([rotated, rotatedKey])).not.toContain(text);
  });

  it('ends the overlap by the clock, without anything being reloaded, and erases the old secret', async () => {
    const id = await create({});
    const { secret } = await rotate(id, { overlap_seconds: 2 });
    expect(secret).toMatch(/^whsec_/);
    expect(fitsTrae(await nextDelivery(), FIRST)).toBe(true);
    await waitFor(
      'the old secret to end',
      async () =>
        fits(await nextDelivery(), [FIRST, secret])
          .flat()
          .join() === 'false,false,true,true',
    );
    expect((await call('get', `/api/webhooks/${id}`)).body).not.toHaveProperty('previous_secrets');
    await eraseExpiredKeys(service.pool);
    expect(await service.rows('SELECT FROM retiring_secrets WHERE expires_at < now()')).toEqual([]);
  });

  it('keeps several earlier secrets to their own ends, and 0 ends all of them', async () => {
    const id = await create({});
    const secrets = [FIRST];
    for (let count = 0; count < 3; count += 1) secrets.push((await rotate(id, { overlap_seconds: 600 })).secret);
    await rotate(id, {}, 409);
    const signed = await nextDelivery();
    expect(fits(signed, secrets)).toEqual([
      [true, true],
      [false, true],
      [false, true],
      [false, true],
    ]);
    const last = await rotate(id, { overlap_seconds: 0 });
    expect(last.previous_secrets).toEqual([]);
    expect(fits(await nextDelivery(), [...secrets, last.secret]).map(([trae]) => trae)).toEqual([
      false,
      false,
      false,
      false,
      true,
    ]);
    await rotate(id, { overlap_seconds: 600 });
    await call('put', `/api/webhooks/${id}`, { secret: SECOND });
    expect(fits(await nextDelivery(), [last.secret, SECOND])).toEqual([
      [false, false],
      [true, true],
    ]);
  });

  it('refuses what cannot be', async () => {
    const id = await create({});
    for (const overlap_seconds of [-1, 604_801, 1.5, '5', null]) await rotate(id, { overlap_seconds }, 400);
    for (const secret of ['short', 'whsec_???', 5]) await rotate(id, { secret }, 400);
    await rotate(id, { overlap_hours: 1 }, 400);
  });

  describe('by ed25519', () => {
    interface Keys {
      keys: { kid: string; public_key: string; expires_at: string | null }[];
      jwks_url: string;
    }
    const keys = async (): Promise<Keys> => (await call('get', '/api/signing-keys')).body as Keys;
    const jwks = async (): Promise<JsonWebKey[]> => {
      const path = new URL((await keys()).jwks_url).pathname;
      const answer = await service.api.anonymous.get(path).expect(200);
      expect(answer.headers['cache-control']).toBe('public, max-age=300');
      return (answer.body as { keys: JsonWebKey[] }).keys;
    };
    /** By node:crypto alone. */
    const fitsKey = ({ headers, raw }: RecordedRequest, jwk: JsonWebKey): boolean => {
      const signed = Buffer.concat([
        Buffer.from(`${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.`),
        raw,
      ]);
      const signatures = String(headers['webhook-signature']).split(' ');
      return signatures.some(
        (one) =>
          one.startsWith('v1a,') &&
          verify(null, signed, createPublicKey({ key: jwk, format: 'jwk' }), Buffer.from(one.slice(4), 'base64')),
      );
    };

    it('signs for whoever holds the public keys of the tenant', async () => {
      expect((await keys()).keys).toEqual([]);
      expect(await jwks()).toEqual([]);
      const id = await create({ signature_types: ['v1a', 'v1', 'v1a'] });
      expect((await call('get', `/api/webhooks/${id}`)).body).toMatchObject({ signature_types: ['v1', 'v1a'] });
      const [key] = await jwks();
      const both = await nextDelivery();
      expect(String(both.headers['webhook-signature'])).toMatch(/^v1,\S{44} v1a,\S{88}$/);
      expect(fitsKey(both, key!)).toBe(true);
      expect(fitsStandard(both, FIRST)).toBe(true);
      const { public_key } = (await keys()).keys[0]!;
      expect(public_key).toMatch(/^whpk_/);
      for (const publicKeys of [[public_key], [key!]]) {
        expect(verifyDelivery({ publicKeys, headers: both.headers, rawBody: both.raw }).webhookId).toBe(id);
      }
      await call('put', `/api/webhooks/${id}`, { signature_types: ['v1a'] });
      const alone = await nextDelivery();
      expect(String(alone.headers['webhook-signature'])).toMatch(/^v1a,\S{88}$/);
      expect([fitsKey(alone, key!), fitsTrae(alone, FIRST)]).toEqual([true, true]);
      await call('put', `/api/webhooks/${id}`, { signature_types: ['v1'] });
      expect(String((await nextDelivery()).headers['webhook-signature'])).toMatch(/^v1,\S{44}$/);
      for (const wrong of [[], ['v2'], 'v1', [1]]) {
        await call('put', `/api/webhooks/${id}`, { signature_types: wrong }, 400);
      }
    });

    it('keeps tenants apart', async () => {
      await create({ signature_types: ['v1a'] });
      const other = await makeTenant(service.api);
      const theirs = await service.api.as(other.token).get('/api/signing-keys').expect(200);
      expect((theirs.body as Keys).keys).toEqual([]);
      await service.api.anonymous.get('/api/tenants/tenant_7zzzzzzzzzzzzzzzzzzzzzzzzz/jwks.json').expect(404);
      await service.api.anonymous.get('/api/tenants/nothing/jwks.json').expect(404);
    });

    it('changes keys with an overlap, or at once', async () => {
      await create({ signature_types: ['v1a'] });
      const [first] = await jwks();
      const rotated = (await call('post', '/api/signing-keys/rotate')).body as Keys;
      expect(rotated.keys.map(({ expires_at }) => expires_at === null)).toEqual([true, false]);
      const [second, old] = await jwks();
      expect(old).toEqual(first);
      const during = await nextDelivery();
      expect([fitsKey(during, first!), fitsKey(during, second!)]).toEqual([true, true]);
      await call('post', '/api/signing-keys/rotate', { overlap_seconds: 0 });
      const [third, ...none] = await jwks();
      expect(none).toEqual([]);
      const after = await nextDelivery();
      expect([first!, second!, third!].map((key) => fitsKey(after, key))).toEqual([false, false, true]);
      for (let count = 0; count < 3; count += 1) await call('post', '/api/signing-keys/rotate');
      await call('post', '/api/signing-keys/rotate', {}, 409);
      const bound = await makeToken(service.api, tenant, ['*'], { project_id: 'proj_1' });
      await service.api.as(bound.token).post('/api/signing-keys/rotate').expect(403);
    });

    it('signs test deliveries too', async () => {
      const id = await create({ signature_types: ['v1', 'v1a'] });
      const { secret } = await rotate(id);
      await call('post', `/api/webhooks/${id}/test`);
      const [test] = receiver.requests;
      expect(fits(test!, [FIRST, secret])).toEqual([
        [true, true],
        [false, true],
      ]);
      expect(fitsKey(test!, (await jwks())[0]!)).toBe(true);
    });
  });
});
