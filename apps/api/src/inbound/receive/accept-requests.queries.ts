import type { Pool } from 'pg';
import { booleanArray, byteaArray, integerArray, smallintArray, textArray, uuidArray } from '#database/binary-arrays';
import { plainColumn } from '#database/plain-array';
import { deliveryUuid } from '#kernel/ids';
import type { Receipt, ReceivedRequest } from './received-request';

/** How long a sender's delivery is known by again: manual redeliveries days later are meant. */
const REMEMBER_HOURS = 24;

/**
 * Writes judged requests with their bodies, runs and the order to run them in ONE statement, so in one commit. Which of
 * several equal ones is acted on is decided by the same statement, over all instances; so is whether the endpoint is
 * still the one that judged them. They may belong to many tenants.
 */
export async function acceptRequests(pool: Pool, requests: ReceivedRequest[]): Promise<Receipt[]> {
  const receipts = new Map<string, Receipt>();
  let left = requests;
  while (left.length > 0) {
    const { now, later } = withoutRepeatedKeys(left);
    for (const [id, receipt] of await insertRequests(pool, now)) receipts.set(id, receipt);
    left = later;
  }
  return requests.map(({ id }) => receipts.get(id) ?? { kind: 'stale' });
}

/** The run of one action for one request: derived, so that nothing is made twice, and found by the request's id. */
function runUuid(requestId: string, actionId: string): string {
  return deliveryUuid(requestId, actionId);
}

/** One statement cannot decide between two requests of the same key: the second waits for the next round. */
function withoutRepeatedKeys(requests: ReceivedRequest[]): { now: ReceivedRequest[]; later: ReceivedRequest[] } {
  const seen = new Set<string>();
  const now: ReceivedRequest[] = [];
  const later: ReceivedRequest[] = [];
  for (const request of requests) {
    const names = request.keys.map((key) => `${request.endpointId} ${key.toString('hex')}`);
    (names.some((name) => seen.has(name)) ? later : now).push(request);
    for (const name of names) seen.add(name);
  }
  return { now, later };
}

// A key that is won by a request which loses another one stays: it can only be the invention of who repeats a request.
const INSERT = `
WITH input AS (
  SELECT t.*, substring($20::bytea FROM t.body_at FOR t.body_bytes) AS body
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::boolean[], $9::uuid[],
    $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::integer[], $17::text[], $18::text[],
    $19::integer[], $21::integer[], $22::smallint[])
    AS t(id, tenant_id, endpoint_id, version, status, code, steps, is_test, replay_of, ip, method, path, query, headers,
      content_type, response_status, response_headers, response_body, body_at, body_bytes, key_count)
), present AS (
  SELECT input.* FROM input
  JOIN inbound_endpoints e ON e.id = input.endpoint_id AND e.version = input.version AND e.deleted_at IS NULL
  JOIN tenants t ON t.id = e.tenant_id AND t.status = 'active' AND t.deleted_at IS NULL
), won AS (
  INSERT INTO inbound_dedupe_keys AS s (endpoint_id, key_hash, tenant_id, request_id, expires_at)
  SELECT k.endpoint_id, k.key_hash, present.tenant_id, present.id, now() + interval '${REMEMBER_HOURS} hours'
  FROM unnest($23::uuid[], $24::bytea[], $25::uuid[]) AS k(endpoint_id, key_hash, request_id)
  JOIN present ON present.id = k.request_id
  ORDER BY k.endpoint_id, k.key_hash
  ON CONFLICT (endpoint_id, key_hash) DO UPDATE SET request_id = excluded.request_id, expires_at = excluded.expires_at
    WHERE s.expires_at <= now()
  RETURNING request_id
), decided AS (
  SELECT present.*, key_count > 0 AND key_count > (SELECT count(*) FROM won WHERE won.request_id = present.id) AS is_duplicate,
    (SELECT s.request_id FROM unnest($23::uuid[], $24::bytea[], $25::uuid[]) AS k(endpoint_id, key_hash, request_id)
     JOIN inbound_dedupe_keys s USING (endpoint_id, key_hash)
     WHERE k.request_id = present.id AND s.expires_at > now() LIMIT 1) AS first_id
  FROM present
), requests AS (
  INSERT INTO inbound_requests (id, tenant_id, endpoint_id, status, code, steps, is_test, replay_of, duplicate_of, ip, method,
    path, query, headers, content_type, body_bytes, response_status, response_headers, response_body)
  SELECT id, tenant_id, endpoint_id, CASE WHEN is_duplicate THEN 'duplicate' ELSE status END,
    CASE WHEN is_duplicate THEN 'duplicate' ELSE code END, steps, is_test, replay_of, CASE WHEN is_duplicate THEN first_id END,
    ip, method, path, query, headers, content_type, body_bytes, response_status, response_headers, response_body
  FROM decided
), bodies AS (
  INSERT INTO inbound_request_bodies (request_id, tenant_id, body)
  SELECT id, tenant_id, body FROM decided WHERE body_bytes > 0
), runs AS (
  INSERT INTO inbound_action_runs (id, tenant_id, endpoint_id, request_id, action_id, position, type)
  SELECT r.id, decided.tenant_id, decided.endpoint_id, decided.id, r.action_id, r.position, r.type
  FROM unnest($26::uuid[], $27::uuid[], $28::uuid[], $29::smallint[], $30::text[]) AS r(id, request_id, action_id, position, type)
  JOIN decided ON decided.id = r.request_id WHERE NOT decided.is_duplicate
  RETURNING id, tenant_id, endpoint_id
), waiting AS (
  INSERT INTO waiting_inbound_actions (run_id, tenant_id, endpoint_id, due_at)
  SELECT id, tenant_id, endpoint_id, now() FROM runs
), deltas AS (
  INSERT INTO inbound_trigger_deltas (tenant_id, endpoint_id, triggered, logged, last_triggered_at)
  SELECT tenant_id, endpoint_id, count(*) FILTER (WHERE is_trigger), count(*), max(now()) FILTER (WHERE is_trigger)
  FROM (SELECT tenant_id, endpoint_id, status = 'accepted' AND NOT is_duplicate AND NOT is_test AS is_trigger FROM decided) AS counted
  GROUP BY tenant_id, endpoint_id
)
SELECT id, is_duplicate, first_id FROM decided`;

async function insertRequests(pool: Pool, requests: ReceivedRequest[]): Promise<Map<string, Receipt>> {
  const column = <T>(value: (request: ReceivedRequest) => T): T[] => requests.map(value);
  const keys = requests.flatMap((request) => request.keys.map((hash) => ({ hash, request })));
  const runs = requests.flatMap((request) => request.runs.map((run) => ({ run, request })));
  let offset = 1;
  const bodyAt = column(({ body }) => {
    const at = offset;
    offset += body.length;
    return at;
  });
  const result = await pool.query<{ id: string; is_duplicate: boolean; first_id: string | null }>({
    name: 'accept-inbound-requests',
    text: INSERT,
    values: [
      uuidArray(column(({ id }) => id)),
      uuidArray(column(({ tenantId }) => tenantId)),
      uuidArray(column(({ endpointId }) => endpointId)),
      plainColumn(requests, ({ version }) => version),
      textArray(column(({ status }) => status)),
      textArray(column(({ code }) => code)),
      textArray(column(({ steps }) => steps)),
      booleanArray(column(({ isTest }) => isTest)),
      uuidArray(column(({ replayOf }) => replayOf)),
      textArray(column(({ ip }) => ip)),
      textArray(column(({ method }) => method)),
      textArray(column(({ path }) => path)),
      textArray(column(({ query }) => query)),
      textArray(column(({ headers }) => headers)),
      textArray(column(({ contentType }) => contentType)),
      integerArray(column(({ responseStatus }) => responseStatus)),
      textArray(column(({ responseHeaders }) => responseHeaders)),
      textArray(column(({ responseBody }) => responseBody)),
      integerArray(bodyAt),
      Buffer.concat(column(({ body }) => body)),
      integerArray(column(({ body }) => body.length)),
      smallintArray(column(({ keys: own }) => own.length)),
      uuidArray(keys.map(({ request }) => request.endpointId)),
      byteaArray(keys.map(({ hash }) => hash)),
      uuidArray(keys.map(({ request }) => request.id)),
      uuidArray(runs.map(({ request, run }) => runUuid(request.id, run.actionId))),
      uuidArray(runs.map(({ request }) => request.id)),
      uuidArray(runs.map(({ run }) => run.actionId)),
      smallintArray(runs.map(({ run }) => run.position)),
      textArray(runs.map(({ run }) => run.type)),
    ],
  });
  const written = new Map(result.rows.map((row) => [row.id, row]));
  return new Map(
    requests.flatMap((request): [string, Receipt][] => {
      const row = written.get(request.id);
      if (row === undefined) return [[request.id, { kind: 'stale' }]];
      if (row.is_duplicate) return [[request.id, { kind: 'duplicate', of: row.first_id }]];
      return [[request.id, { kind: 'stored', runIds: request.runs.map((run) => runUuid(request.id, run.actionId)) }]];
    }),
  );
}
