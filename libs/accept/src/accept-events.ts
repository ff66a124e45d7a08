import { createHash } from 'node:crypto';
import { insertEvents, type EventKey, type Item, type Queryable } from './insert-events.queries';
import type { Acceptance, NewEvent } from './new-event';
import { orderingKeyHash } from './ordering-key';

/** What a commit made of its events, and which batches of them are now to be fanned out. */
export interface AcceptedBatch {
  /** In the order of the events. */
  acceptances: Acceptance[];
  /** Ids of `event_batches` due now. */
  batchIds: string[];
  /** When the scheduled ones fall due (Unix ms). */
  scheduledAtMs: number[];
}

/** Rounds beyond one per event, for keys that are released or expire while they are looked at. */
const MAX_EXTRA_ROUNDS = 10;
/** How long an `Idempotency-Key` is remembered. */
const IDEMPOTENCY_MS = 24 * 3_600_000;
/** How long a client's own event id is: as long as the event's record. */
const EVENT_ID_MS = 97 * 86_400_000;

/**
 * Writes events, their payloads, their keys and the order to fan them out in ONE statement, so in one commit.
 * An event whose key was used before is not written: it is answered with the first one, or with
 * `key_reused` when the bodies differ. The events of a call may belong to many tenants.
 * @param queryable a pool (each statement commits) or a client in a transaction (the caller commits).
 */
export async function acceptEvents(queryable: Queryable, events: NewEvent[], nowMs: number): Promise<AcceptedBatch> {
  const acceptances = new Map<number, Acceptance>();
  const batchIds = new Set<string>();
  const scheduledAtMs: number[] = [];
  let left: Item[] = events.map((event, index) => ({
    ...{ event, index, keys: keysOf(event, nowMs), batchId: event.id },
    lineHash: isOrdered(event) ? orderingKeyHash(event.tenantId, event.orderingKey) : null,
  }));
  for (let round = 0; left.length > 0; round += 1) {
    if (round > events.length + MAX_EXTRA_ROUNDS) throw new Error('Keys of events could not be settled');
    const group = withoutRepeatedKeys(left);
    shareFanOuts(group.now);
    const written = await insertEvents(queryable, group.now);
    const refused: Item[] = [];
    for (const item of group.now) {
      if (!written.has(item.event.id)) {
        refused.push(item);
        continue;
      }
      acceptances.set(item.index, { kind: 'accepted', eventId: item.event.id });
      if (item.event.deliverAtMs === null) batchIds.add(item.batchId);
      else scheduledAtMs.push(item.event.deliverAtMs);
    }
    left = group.later;
    if (refused.length === 0) continue;
    const known = await findKeys(queryable, refused);
    const abandoned: string[] = refused.map((item) => item.event.id);
    for (const item of refused) {
      const earlier = item.keys.map((key) => known.get(keyName(item, key))).filter((row) => row !== undefined);
      const standing = earlier.filter((row) => row.exists);
      abandoned.push(...earlier.filter((row) => !row.exists).map((row) => row.eventId));
      if (standing.length === 0) left.push(item);
      else acceptances.set(item.index, compareWithEarlier(item, standing, known));
    }
    await releaseKeys(queryable, refused, abandoned);
  }
  return {
    acceptances: events.map((_, index) => acceptances.get(index) as Acceptance),
    batchIds: [...batchIds],
    scheduledAtMs,
  };
}

/** Whether the event's place among those of its ordering key is that of its commit; a scheduled one takes it when it is due. */
export function isOrdered(event: NewEvent): event is NewEvent & { orderingKey: string } {
  return event.orderingKey !== null && event.deliverAtMs === null;
}

/** SHA-256, cut to 128 bits, of a key and its kind. */
export function eventKeyHash(kind: EventKey['kind'], key: string): Buffer {
  return createHash('sha256').update(`${kind}:${key}`).digest().subarray(0, 16);
}

function keysOf(event: NewEvent, nowMs: number): EventKey[] {
  const keys: EventKey[] = [];
  if (event.clientEventId !== null) {
    keys.push({
      kind: 'event_id',
      hash: eventKeyHash('event_id', event.clientEventId),
      expiresAtMs: nowMs + EVENT_ID_MS,
    });
  }
  if (event.idempotencyKey !== null) {
    keys.push({
      kind: 'idempotency_key',
      hash: eventKeyHash('idempotency_key', event.idempotencyKey),
      expiresAtMs: nowMs + IDEMPOTENCY_MS,
    });
  }
  return keys;
}

/** One statement cannot decide between two events of the same key: the second waits for the next round. */
function withoutRepeatedKeys(items: Item[]): { now: Item[]; later: Item[] } {
  const seen = new Set<string>();
  const now: Item[] = [];
  const later: Item[] = [];
  for (const item of items) {
    const names = item.keys.map((key) => keyName(item, key));
    (names.some((name) => seen.has(name)) ? later : now).push(item);
    for (const name of names) seen.add(name);
  }
  return { now, later };
}

/** Events due now share a fan-out with those of their ordering key, or else of their priority; a scheduled one has its own. */
function shareFanOuts(items: Item[]): void {
  const ids = new Map<string, string>();
  for (const item of items) {
    if (item.event.deliverAtMs !== null) continue;
    const company = item.lineHash?.toString('hex') ?? item.event.priority;
    const shared = ids.get(company);
    if (shared === undefined) ids.set(company, item.event.id);
    item.batchId = shared ?? item.event.id;
  }
}

function keyName(item: Item, key: EventKey): string {
  return `${item.event.tenantId}:${key.hash.toString('hex')}`;
}

interface EarlierKey {
  eventId: string;
  clientEventId: string | null;
  fingerprint: Buffer;
  /** False for a leftover whose event was never written. */
  exists: boolean;
}

async function findKeys(queryable: Queryable, items: Item[]): Promise<Map<string, EarlierKey>> {
  const keys = items.flatMap((item) => item.keys.map((key) => ({ hash: key.hash, tenantId: item.event.tenantId })));
  const answer = await queryable.query<{
    tenant_id: string;
    key_hash: Buffer;
    fingerprint: Buffer;
    event_id: string;
    client_event_id: string | null;
    event_exists: boolean;
  }>({
    text: `
      SELECT k.tenant_id, k.key_hash, k.fingerprint, k.event_id, e.client_event_id, e.id IS NOT NULL AS event_exists
      FROM unnest($1::uuid[], $2::bytea[]) AS wanted(tenant_id, key_hash)
      JOIN idempotency_keys k USING (tenant_id, key_hash)
      LEFT JOIN events e ON e.id = k.event_id`,
    values: [keys.map((key) => key.tenantId), keys.map((key) => key.hash)],
  });
  return new Map(
    answer.rows.map((row) => [
      `${row.tenant_id}:${row.key_hash.toString('hex')}`,
      {
        eventId: row.event_id,
        clientEventId: row.client_event_id,
        fingerprint: row.fingerprint,
        exists: row.event_exists,
      },
    ]),
  );
}

function compareWithEarlier(item: Item, standing: EarlierKey[], known: Map<string, EarlierKey>): Acceptance {
  const reused = item.keys.find((key) => {
    const earlier = known.get(keyName(item, key));
    return earlier?.exists === true && !earlier.fingerprint.equals(item.event.fingerprint);
  });
  if (reused !== undefined) return { kind: 'key_reused', key: reused.kind };
  const [first] = standing;
  return { kind: 'duplicate', eventId: first?.eventId ?? item.event.id, clientEventId: first?.clientEventId ?? null };
}

/** Gives back those keys of items that stand for events that were never written; found by key, since nothing else is indexed. */
async function releaseKeys(queryable: Queryable, items: Item[], eventIds: string[]): Promise<void> {
  const keys = items.flatMap((item) => item.keys.map((key) => ({ hash: key.hash, tenantId: item.event.tenantId })));
  await queryable.query({
    text: `
      DELETE FROM idempotency_keys k USING unnest($1::uuid[], $2::bytea[]) AS wanted(tenant_id, key_hash)
      WHERE k.tenant_id = wanted.tenant_id AND k.key_hash = wanted.key_hash AND k.event_id = ANY($3::uuid[])
        AND NOT EXISTS (SELECT FROM events e WHERE e.id = k.event_id)`,
    values: [keys.map((key) => key.tenantId), keys.map((key) => key.hash), eventIds],
  });
}
