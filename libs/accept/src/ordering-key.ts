import { createHash } from 'node:crypto';

/** SHA-256, cut to 128 bits, of a tenant and one of its ordering keys. */
export function orderingKeyHash(tenantId: string, orderingKey: string): Buffer {
  return createHash('sha256').update(`${tenantId}:${orderingKey}`).digest().subarray(0, 16);
}
