import type { InboundRequest } from '#inbound-rules/inbound-request';
import { samplePayload } from '#inbound-rules/sample-payload';
import { signRequest } from '#inbound-rules/signatures/sign-request';
import { newUuid } from '#kernel/ids';
import type { Endpoint } from './endpoint-definition';
import type { ReceivedWebhook } from './webhook-types';

/** A request of any framework as the rules take it. */
export function toRequest(
  { method, headers, query = {}, body, ip }: ReceivedWebhook,
  receivedAt: Date,
): InboundRequest {
  return {
    method: method.toUpperCase(),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    query,
    body: typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    ip,
    receivedAt,
  };
}

/** The request that a sender of the webhook would make. @param payload undefined for one that its schema makes. */
export function testRequest({ rules, definition }: Endpoint, payload: unknown, now: Date): InboundRequest {
  const id = newUuid(now.getTime());
  const body = Buffer.from(JSON.stringify(payload === undefined ? samplePayload(definition.schema, now) : payload));
  const [secret = ''] = rules.secrets;
  return {
    method: rules.methods[0] ?? 'POST',
    headers: {
      'content-type': rules.contentType ?? 'application/json',
      'user-agent': 'webhooks-test',
      ...(rules.dedupe !== null && 'header' in rules.dedupe && { [rules.dedupe.header]: id }),
      ...signRequest(rules.signature, secret, body, now, id),
    },
    query: {},
    body,
    ip: rules.allowedIps?.entries[0]?.split('/')[0] ?? '127.0.0.1',
    receivedAt: now,
  };
}
