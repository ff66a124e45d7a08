import { byteaArray, instantArray, integerArray, smallintArray, textArray, uuidArray } from '#database/binary-arrays';
import { PRIORITIES, type NewEvent } from './new-event';

/** The part of a `pg` pool or client used here. */
export interface Queryable {
  query<R extends object>(query: {
    name?: string;
    text: string;
    values: unknown[];
  }): Promise<{ rows: R[]; rowCount: number | null }>;
}

/** What an event may be known by already. */
export interface EventKey {
  kind: 'event_id' | 'idempotency_key';
  hash: Buffer;
  expiresAtMs: number;
}

/** An event on its way into the database. */
export interface Item {
  event: NewEvent;
  index: number;
  keys: EventKey[];
  /** The `event_batches` row it goes into. */
  batchId: string;
  /** Of its ordering key, where it has a place among the events of the key by its commit. */
  lineHash: Buffer | null;
}

// Events without keys are all accepted, so nothing needs to be joined: two thirds of the time of the statement below, and
// most events are such. They come in the order of their fan-outs, each of which is a slice of them.
const INSERT_WITHOUT_KEYS = `
WITH accepted AS (
  INSERT INTO events (id, tenant_id, project_id, type, client_event_id, occurred_at, version, priority, ordering_key, deliver_at, data_bytes)
  SELECT id, tenant_id, project_id, type, NULL, occurred_at, version, priority, ordering_key, deliver_at, data_bytes
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::smallint[], $8::text[], $9::timestamptz[], $11::integer[])
    AS t(id, tenant_id, project_id, type, occurred_at, version, priority, ordering_key, deliver_at, data_bytes)
), payloads AS (
  INSERT INTO event_payloads (event_id, tenant_id, data)
  SELECT id, tenant_id, substring($12::bytea FROM data_at FOR data_bytes)
  FROM unnest($1::uuid[], $2::uuid[], $10::integer[], $11::integer[]) AS t(id, tenant_id, data_at, data_bytes)
)
INSERT INTO event_batches (id, due_at, priority, event_ids, data_bytes)
SELECT id, coalesce(due_at, now()), priority, ($1::uuid[])[first_event:last_event], data_bytes
FROM unnest($13::uuid[], $14::timestamptz[], $15::smallint[], $16::integer[], $17::integer[], $18::integer[])
  AS f(id, due_at, priority, first_event, last_event, data_bytes)`;

// Keys and event stand in one commit, so a key without its event is a leftover: an event with two keys
// that won one and lost the other. It is released by whoever meets it.
const insertStatement = (fanOuts: string): string => `
WITH input AS (
  SELECT t.*, substring($12::bytea FROM t.data_at FOR t.data_bytes) AS data
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $13::text[], $5::timestamptz[], $6::text[], $7::smallint[],
    $8::text[], $9::timestamptz[], $10::integer[], $11::integer[], $14::uuid[], $15::smallint[])
    AS t(id, tenant_id, project_id, type, client_event_id, occurred_at, version, priority, ordering_key, deliver_at,
      data_at, data_bytes, batch_id, key_count)
), won AS (
  INSERT INTO idempotency_keys AS k (tenant_id, key_hash, fingerprint, event_id, expires_at)
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
  INSERT INTO event_batches (id, due_at, priority, event_ids, data_bytes)
  SELECT batch_id, coalesce(max(deliver_at), now()), max(priority), array_agg(id ORDER BY id), sum(data_bytes)
  FROM input JOIN accepted USING (id) GROUP BY batch_id
)`);

// With ordering keys: their rows stay locked until the commit, and the position is drawn under the lock, so positions
// of a key grow in the order of the commits. In one order everywhere, and after the keys above: nobody waits in a ring.
const INSERT_IN_LINE = insertStatement(`), ordered AS (
  SELECT DISTINCT l.key_hash, l.event_id
  FROM unnest($21::uuid[], $22::bytea[]) AS l(event_id, key_hash) JOIN accepted ON accepted.id = l.event_id
), queues AS (
  INSERT INTO ordering_keys (key_hash, position)
  SELECT key_hash, nextval('ordering_positions') FROM (SELECT DISTINCT key_hash FROM ordered ORDER BY key_hash) k
  ON CONFLICT (key_hash) DO UPDATE SET position = nextval('ordering_positions'), used_at = now()
  RETURNING key_hash, position
), fan_outs AS (
  INSERT INTO event_batches (id, due_at, priority, event_ids, data_bytes, key_hash, position)
  SELECT i.batch_id, coalesce(max(i.deliver_at), now()), max(i.priority), array_agg(i.id ORDER BY i.id), sum(i.data_bytes),
    queues.key_hash, queues.position
  FROM input i JOIN accepted USING (id) LEFT JOIN ordered ON ordered.event_id = i.id LEFT JOIN queues USING (key_hash)
  GROUP BY i.batch_id, queues.key_hash, queues.position
)`);

/** Writes events; @returns the ids of those that were written, since no other event has their keys. */
export async function insertEvents(queryable: Queryable, items: Item[]): Promise<Set<string>> {
  if (items.every((item) => item.keys.length === 0 && item.lineHash === null)) {
    const ordered = items.toSorted((a, b) => compare(a.batchId, b.batchId) || compare(a.event.id, b.event.id));
    await queryable.query({
      name: 'accept-events-without-keys',
      text: INSERT_WITHOUT_KEYS,
      values: [...eventColumns(ordered), ...fanOutColumns(ordered)],
    });
    return new Set(items.map((item) => item.event.id));
  }
  // In one order everywhere: two statements that want the same keys wait for one another, and never both.
  const keys = items
    .flatMap((item) => item.keys.map((key) => ({ ...key, event: item.event })))
    .sort((a, b) => Buffer.compare(a.hash, b.hash));
  const inLine = items.filter((item) => item.lineHash !== null);
  const isOrdered = inLine.length > 0;
  const result = await queryable.query<{ id: string }>({
    name: isOrdered ? 'accept-ordered-events' : 'accept-events',
    text: isOrdered ? INSERT_IN_LINE : INSERT,
    values: [
      ...eventColumns(items),
      textArray(items.map((item) => item.event.clientEventId)),
      uuidArray(items.map((item) => item.batchId)),
      smallintArray(items.map((item) => item.keys.length)),
      uuidArray(keys.map((key) => key.event.tenantId)),
      byteaArray(keys.map((key) => key.hash)),
      byteaArray(keys.map((key) => key.event.fingerprint)),
      uuidArray(keys.map((key) => key.event.id)),
      instantArray(keys.map((key) => key.expiresAtMs)),
      ...(isOrdered
        ? [uuidArray(inLine.map((item) => item.event.id)), byteaArray(inLine.map((item) => item.lineHash))]
        : []),
    ],
  });
  return new Set(result.rows.map((row) => row.id));
}

/** The first twelve parameters of each statement. The payloads are one, and each event says where in it its own is. */
function eventColumns(items: Item[]): Buffer[] {
  const column = <T>(value: (event: NewEvent) => T): T[] => items.map((item) => value(item.event));
  let offset = 1;
  const dataAt = column((event) => {
    const at = offset;
    offset += event.data.length;
    return at;
  });
  return [
    uuidArray(column((event) => event.id)),
    uuidArray(column((event) => event.tenantId)),
    textArray(column((event) => event.projectId)),
    textArray(column((event) => event.type)),
    instantArray(column((event) => event.occurredAtMs)),
    textArray(column((event) => event.version)),
    smallintArray(column((event) => PRIORITIES[event.priority])),
    textArray(column((event) => event.orderingKey)),
    instantArray(column((event) => event.deliverAtMs)),
    integerArray(dataAt),
    integerArray(column((event) => event.data.length)),
    Buffer.concat(column((event) => event.data)),
  ];
}

/** Of items in the order of their fan-outs. */
function fanOutColumns(items: Item[]): Buffer[] {
  const fanOuts: {
    id: string;
    dueAtMs: number | null;
    priority: number;
    first: number;
    last: number;
    bytes: number;
  }[] = [];
  for (const [index, { batchId, event }] of items.entries()) {
    const previous = fanOuts.at(-1);
    if (previous?.id === batchId) {
      previous.last += 1;
      previous.bytes += event.data.length;
    } else {
      fanOuts.push({
        ...{ id: batchId, dueAtMs: event.deliverAtMs, priority: PRIORITIES[event.priority] },
        ...{ first: index + 1, last: index + 1, bytes: event.data.length },
      });
    }
  }
  return [
    uuidArray(fanOuts.map(({ id }) => id)),
    instantArray(fanOuts.map(({ dueAtMs }) => dueAtMs)),
    smallintArray(fanOuts.map(({ priority }) => priority)),
    integerArray(fanOuts.map(({ first }) => first)),
    integerArray(fanOuts.map(({ last }) => last)),
    integerArray(fanOuts.map(({ bytes }) => bytes)),
  ];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
