import { createHash } from 'node:crypto';
import { PRIORITIES, type Acceptance, type NewEvent } from './new-event';
import { orderingKeyHash } from './ordering-key';

/** The part of a `pg` pool or client used here. */
export interface Queryable {
  query<R extends object>(query: {
    name?: string;
    text: string;
    values: unknown[];
  }): Promise<{ rows: R[]; rowCount: number | null }>;
}

/** What a commit made of its events, and which batches of them are now to be fanned out. */
export interface AcceptedBatch {
  /** In the order of the events. */
  acceptances: Acceptance[];
  /** Ids of `pending_fan_outs` due now. */
  fanOutIds: string[];
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
  const fanOutIds = new Set<string>();
  const scheduledAtMs: number[] = [];
  let left: Item[] = events.map((event, index) => ({
    ...{ event, index, keys: keysOf(event, nowMs), fanOutId: event.id },
    lineHash: isInLine(event) ? orderingKeyHash(event.tenantId, event.orderingKey) : null,
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
      if (item.event.deliverAtMs === null) fanOutIds.add(item.fanOutId);
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
    fanOutIds: [...fanOutIds],
    scheduledAtMs,
  };
}

interface EventKey {
  kind: 'event_id' | 'idempotency_key';
  hash: Buffer;
  expiresAtMs: number;
}

interface Item {
  event: NewEvent;
  index: number;
  keys: EventKey[];
  /** The `pending_fan_outs` row it goes into. */
  fanOutId: string;
  /** Of its ordering key, where it has a place among the events of the key by its commit. */
  lineHash: Buffer | null;
}

/** Whether the event's place among those of its ordering key is that of its commit; a scheduled one takes it when it is due. */
export function isInLine(event: NewEvent): event is NewEvent & { orderingKey: string } {
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
    item.fanOutId = shared ?? item.event.id;
  }
}

function keyName(item: Item, key: EventKey): string {
  return `${item.event.tenantId}:${key.hash.toString('hex')}`;
}

// Keys and event stand in one commit, so a key without its event is a leftover: an event with two keys
// that won one and lost the other. It is released by whoever meets it.
const insertStatement = (fanOuts: string): string => `
WITH input AS (
  SELECT t.*, substring($13::bytea FROM t.data_at FOR t.data_bytes) AS data
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::smallint[],
    $9::text[], $10::timestamptz[], $11::integer[], $12::integer[], $14::uuid[], $15::smallint[])
    AS t(id, tenant_id, project_id, type, client_event_id, occurred_at, version, priority, ordering_key, deliver_at,
      data_at, data_bytes, fan_out_id, key_count)
), won AS (
  INSERT INTO event_keys AS k (tenant_id, key_hash, fingerprint, event_id, expires_at)
  SELECT * FROM unnest($16::uuid[], $17::bytea[], $18::bytea[], $19::uuid[], $20::timestamptz[])
    AS wanted(tenant_id, key_hash, fingerprint, event_id, expires_at)
  ON CONFLICT (tenant_id, key_hash) DO UPDATE
    SET fingerprint = excluded.fingerprint, event_id = excluded.event_id, expires_at = excluded.expires_at
    WHERE k.expires_at <= now()
  RETURNING event_id
), accepted AS (
  INSERT INTO events (id, tenant_id, project_id, type, client_event_id, occurred_at, version, priority, ordering_key, deliver_at, data_bytes)
  SELECT id, tenant_id, project_id, type, client_event_id, occurred_at, version, priority, ordering_key, deliver_at, data_bytes
  FROM input WHERE key_count = 0 OR key_count = (SELECT count(*) FROM won WHERE won.event_id = input.id)
  RETURNING id
), payloads AS (
  INSERT INTO event_payloads (event_id, tenant_id, data)
  SELECT id, tenant_id, data FROM input JOIN accepted USING (id)
${fanOuts}
SELECT id FROM accepted`;

const INSERT = insertStatement(`), fan_outs AS (
  INSERT INTO pending_fan_outs (id, due_at, priority, event_ids, data_bytes)
  SELECT fan_out_id, coalesce(max(deliver_at), now()), max(priority), array_agg(id ORDER BY id), sum(data_bytes)
  FROM input JOIN accepted USING (id) GROUP BY fan_out_id
)`);

// With ordering keys: their rows stay locked until the commit, and the position is drawn under the lock, so positions
// of a key grow in the order of the commits. In one order everywhere, and after the keys above: nobody waits in a ring.
const INSERT_IN_LINE = insertStatement(`), in_line AS (
  SELECT DISTINCT l.key_hash, l.event_id
  FROM unnest($21::uuid[], $22::bytea[]) AS l(event_id, key_hash) JOIN accepted ON accepted.id = l.event_id
), lines AS (
  INSERT INTO ordering_keys (key_hash, position)
  SELECT key_hash, nextval('ordering_positions') FROM (SELECT DISTINCT key_hash FROM in_line ORDER BY key_hash) k
  ON CONFLICT (key_hash) DO UPDATE SET position = nextval('ordering_positions'), used_at = now()
  RETURNING key_hash, position
), fan_outs AS (
  INSERT INTO pending_fan_outs (id, due_at, priority, event_ids, data_bytes, key_hash, position)
  SELECT i.fan_out_id, coalesce(max(i.deliver_at), now()), max(i.priority), array_agg(i.id ORDER BY i.id), sum(i.data_bytes),
    lines.key_hash, lines.position
  FROM input i JOIN accepted USING (id) LEFT JOIN in_line ON in_line.event_id = i.id LEFT JOIN lines USING (key_hash)
  GROUP BY i.fan_out_id, lines.key_hash, lines.position
)`);

async function insertEvents(queryable: Queryable, items: Item[]): Promise<Set<string>> {
  const column = <T>(value: (item: Item) => T): T[] => items.map(value);
  // In one order everywhere: two statements that want the same keys wait for one another, and never both.
  const keys = items
    .flatMap((item) => item.keys.map((key) => ({ ...key, event: item.event })))
    .sort((a, b) => Buffer.compare(a.hash, b.hash));
  let offset = 1;
  const dataAt = column((item) => {
    const at = offset;
    offset += item.event.data.length;
    return at;
  });
  const inLine = items.filter((item) => item.lineHash !== null);
  const isOrdered = inLine.length > 0;
  const answer = await queryable.query<{ id: string }>({
    name: isOrdered ? 'accept-events-in-line' : 'accept-events',
    text: isOrdered ? INSERT_IN_LINE : INSERT,
    values: [
      column((item) => item.event.id),
      column((item) => item.event.tenantId),
      column((item) => item.event.projectId),
      column((item) => item.event.type),
      column((item) => item.event.clientEventId),
      column((item) => instant(item.event.occurredAtMs)),
      column((item) => item.event.version),
      column((item) => PRIORITIES[item.event.priority]),
      column((item) => item.event.orderingKey),
      column((item) => (item.event.deliverAtMs === null ? null : instant(item.event.deliverAtMs))),
      dataAt,
      column((item) => item.event.data.length),
      Buffer.concat(column((item) => item.event.data)),
      column((item) => item.fanOutId),
      column((item) => item.keys.length),
      keys.map((key) => key.event.tenantId),
      keys.map((key) => key.hash),
      keys.map((key) => key.event.fingerprint),
      keys.map((key) => key.event.id),
      keys.map((key) => instant(key.expiresAtMs)),
      ...(isOrdered ? [inLine.map((item) => item.event.id), inLine.map((item) => item.lineHash)] : []),
    ],
  });
  return new Set(answer.rows.map((row) => row.id));
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
      JOIN event_keys k USING (tenant_id, key_hash)
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
      DELETE FROM event_keys k USING unnest($1::uuid[], $2::bytea[]) AS wanted(tenant_id, key_hash)
      WHERE k.tenant_id = wanted.tenant_id AND k.key_hash = wanted.key_hash AND k.event_id = ANY($3::uuid[])
        AND NOT EXISTS (SELECT FROM events e WHERE e.id = k.event_id)`,
    values: [keys.map((key) => key.tenantId), keys.map((key) => key.hash), eventIds],
  });
}

function instant(atMs: number): string {
  return new Date(atMs).toISOString();
}
