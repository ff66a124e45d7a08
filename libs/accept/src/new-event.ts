/** Order within a tenant: a higher one goes first. */
export const PRIORITIES = { high: 1, normal: 0, low: -1 } as const;
export type Priority = keyof typeof PRIORITIES;

/** A validated event on its way into the database. */
export interface NewEvent {
  /** UUID, made by us. */
  id: string;
  tenantId: string;
  projectId: string | null;
  type: string;
  /** The publisher's own id of the event, unique within the tenant; the public id then. */
  clientEventId: string | null;
  /** Unix ms. */
  occurredAtMs: number;
  /** Version of the payload's schema. */
  version: string;
  priority: Priority;
  orderingKey: string | null;
  /** Unix ms; null for at once. */
  deliverAtMs: number | null;
  /** The bytes of `data`, JSON, as published. */
  data: Buffer;
  idempotencyKey: string | null;
  /** SHA-256 of what was published: the same key with another fingerprint is refused. Empty without a key, since nothing is compared then. */
  fingerprint: Buffer;
}

/** What publishing an event came to. */
export type Acceptance =
  | { kind: 'accepted'; eventId: string }
  /** Published before under the same key with the same body. */
  | { kind: 'duplicate'; eventId: string; clientEventId: string | null }
  /** Published before under the same key with another body. */
  | { kind: 'key_reused'; key: 'event_id' | 'idempotency_key' };
