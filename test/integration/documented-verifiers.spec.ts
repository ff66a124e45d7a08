import { randomBytes } from 'node:crypto';
import { deliveryBody, deliveryHeaders } from '#webhook-rules/delivery-request';
import { privateKeyOf, rawPublicKey, toJwk } from '#webhook-rules/ed25519-keys';
import { standardKey } from '#webhook-rules/signature';
import {
  canRun,
  DOCUMENTED_LANGUAGES,
  verifyAsDocumented,
  type ReceivedDelivery,
} from '../support/documented-verifiers';

const SECRETS = [
  ['a text', 'your-webhook-secret-key'],
  ['whsec_', `whsec_${randomBytes(32).toString('base64')}`],
] as const;
/** The first run compiles what the examples import: a minute in Go, on a machine that is busy with other tests. */
const TIMEOUT_MS = 300_000;
const SEED = randomBytes(32);
const CONTENT = {
  eventType: 'build.completed',
  timestamp: '2024-01-01T12:02:00Z',
  webhookId: 'webhook_456',
  deliveryId: 'del_790',
  eventId: 'event_123',
  version: '1',
  data: Buffer.from('{"name":"构建 ✓","ratio":1.0}'),
};
const BODY = deliveryBody(CONTENT);
const ALL = { trae: true, standard: true, public: true };
const NONE = { trae: false, standard: false, public: false };

/** As the dispatcher signs it, with header names in lower case as all of the languages read them. */
function signedBy(secret: string, seeds: Buffer[], atMs = Date.now()): ReceivedDelivery {
  const keys = {
    secrets: [{ secret, standardKey: standardKey(secret), expiresAtMs: null }],
    privateKeys: seeds.map((seed) => ({ key: privateKeyOf(seed), expiresAtMs: null })),
  };
  const headers = Object.entries(deliveryHeaders(CONTENT, BODY, keys, {}, atMs));
  return { headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])), rawBody: BODY };
}

describe.each(Object.keys(DOCUMENTED_LANGUAGES) as (keyof typeof DOCUMENTED_LANGUAGES)[])(
  'the examples in docs/verifying-signatures.md for %s',
  (language) => {
    const ifInstalled = canRun(language) ? it : it.skip;

    ifInstalled.each(SECRETS)(
      'accept what is genuine and nothing else, by a secret of the form: %s',
      (_form, secret) => {
        const genuine = signedBy(secret, [SEED]);
        const { headers } = genuine;
        const withHeaders = (changed: Record<string, string>): ReceivedDelivery => ({
          ...genuine,
          headers: { ...headers, ...changed },
        });
        const withoutSignatures = Object.fromEntries(
          Object.entries(headers).filter(([name]) => !name.includes('signature')),
        );
        const seconds = Number(headers['webhook-timestamp']);
        const cases: [string, ReceivedDelivery, object][] = [
          ['genuine', genuine, ALL],
          ['signed by an earlier key as well', signedBy(secret, [randomBytes(32), SEED]), ALL],
          ['another body', { ...genuine, rawBody: Buffer.from(BODY.toString().replace('1.0', '1')) }, NONE],
          ['others’ keys', signedBy('another-secret', [randomBytes(32)]), NONE],
          ['another id', withHeaders({ 'webhook-id': 'event_124' }), { ...NONE, trae: true }],
          ['another time', withHeaders({ 'webhook-timestamp': `${seconds - 1}` }), { ...NONE, trae: true }],
          ['too old', signedBy(secret, [SEED], Date.now() - 400_000), { ...NONE, trae: true }],
          ['from the future', signedBy(secret, [SEED], Date.now() + 400_000), { ...NONE, trae: true }],
          ['a time that is none', withHeaders({ 'webhook-timestamp': 'now' }), { ...NONE, trae: true }],
          ['no signature', { ...genuine, headers: withoutSignatures }, NONE],
          [
            'nonsense',
            withHeaders({ 'webhook-signature': 'v1a,! v1, v1a, v1a', 'x-trae-signature-256': 'sha256=' }),
            NONE,
          ],
        ];
        const receiver = { secret, jwks: { keys: [toJwk(rawPublicKey(SEED))] } };
        const verdicts = verifyAsDocumented(
          language,
          receiver,
          cases.map(([, delivery]) => delivery),
        );
        expect(cases.map(([what], index) => [what, verdicts[index]])).toEqual(
          cases.map(([what, , expected]) => [what, expected]),
        );
      },
      TIMEOUT_MS,
    );
  },
);
