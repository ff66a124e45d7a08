import type { SecretBox } from './secret-box';

/** What a sealed column of the inbound tables is bound to; see {@link SecretBox.seal}. */
export type InboundSealed =
  'inbound_endpoint:secrets' | 'inbound_endpoint:trigger_rule' | 'inbound_action:secrets' | 'inbound_channel:secrets';

/** A secret of an endpoint; `valid_until` (ISO instant) is null for the present one. Newest first. */
export interface StoredSecret {
  secret: string;
  valid_until: string | null;
}

/** Seals a JSON value for a column of the row with this id. */
export function sealJson(box: SecretBox, sealed: InboundSealed, id: string, value: unknown): Buffer {
  return box.seal(JSON.stringify(value), contextOf(sealed, id));
}

/** @throws Error when it was sealed with a key that is not configured, or for another row or column. */
export function openJson<T>(box: SecretBox, sealed: InboundSealed, id: string, column: Buffer): T {
  return JSON.parse(box.unseal(column, contextOf(sealed, id))) as T;
}

/** What a box is bound to: `inbound_action:<id>:secrets`, for example. */
export function contextOf(sealed: InboundSealed, id: string): string {
  return sealed.replace(':', `:${id}:`);
}
