import type { Pool } from 'pg';

/** A webhook that fails, as all dispatchers see it. */
export interface FailingWebhook {
  tenantId: string;
  webhookId: string;
  /** Whether its deliveries wait for a probe. */
  isUnreachable: boolean;
  /** Whether the probe is due. */
  probeDue: boolean;
  probeAfterMs: number | null;
}

/** What happened to one webhook since the last flush. */
export interface HealthChange {
  tenantId: string;
  webhookId: string;
  failures: number;
  lastError: string | null;
  /** Set when it is only to be probed from now on: ms until the first probe. */
  unreachableForMs: number | null;
}

export async function readFailingWebhooks(pool: Pool): Promise<FailingWebhook[]> {
  const result = await pool.query<{
    webhook_id: string;
    tenant_id: string;
    unreachable: boolean;
    probe_due: boolean;
    probe_after_ms: number | null;
  }>({
    name: 'read-failing-webhooks',
    text: `SELECT webhook_id, tenant_id, unreachable_until IS NOT NULL AS unreachable, coalesce(unreachable_until <= now(), false) AS probe_due, probe_after_ms
           FROM webhook_health`,
  });
  return result.rows.map((row) => ({
    tenantId: row.tenant_id,
    webhookId: row.webhook_id,
    isUnreachable: row.unreachable,
    probeDue: row.probe_due,
    probeAfterMs: row.probe_after_ms,
  }));
}

/** Adds failures up; a webhook that another dispatcher found unreachable stays so. */
export async function writeFailures(pool: Pool, changes: HealthChange[]): Promise<void> {
  await pool.query({
    name: 'write-failures',
    text: `
      INSERT INTO webhook_health AS h (webhook_id, tenant_id, failures, last_error, unreachable_until, probe_after_ms)
      SELECT webhook_id, tenant_id, failures, last_error, now() + make_interval(secs => unreachable_ms / 1000.0), unreachable_ms
      FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::integer[]) AS c(webhook_id, tenant_id, failures, last_error, unreachable_ms)
      ORDER BY webhook_id
      ON CONFLICT (webhook_id) DO UPDATE SET failures = least(h.failures + excluded.failures, 1000000000),
        last_error = excluded.last_error, last_failure_at = now(),
        unreachable_until = coalesce(h.unreachable_until, excluded.unreachable_until), probe_after_ms = coalesce(h.probe_after_ms, excluded.probe_after_ms)`,
    values: [
      changes.map((change) => change.webhookId),
      changes.map((change) => change.tenantId),
      changes.map((change) => change.failures),
      changes.map((change) => change.lastError?.replaceAll('\u0000', '') ?? null),
      changes.map((change) => change.unreachableForMs),
    ],
  });
}

/** Ends the failing of webhooks that had a success; @returns those that were failing, with since when and how often. */
export async function clearFailures(
  pool: Pool,
  webhookIds: string[],
): Promise<{ webhookId: string; tenantId: string; failingSince: Date; warnings: number }[]> {
  const result = await pool.query<{ webhook_id: string; tenant_id: string; failing_since: Date; warnings: number }>({
    name: 'clear-failures',
    text: `DELETE FROM webhook_health WHERE webhook_id IN (
             SELECT webhook_id FROM webhook_health WHERE webhook_id = ANY($1::uuid[]) ORDER BY webhook_id FOR UPDATE)
           RETURNING webhook_id, tenant_id, failing_since, warnings`,
    values: [webhookIds],
  });
  return result.rows.map((row) => ({
    webhookId: row.webhook_id,
    tenantId: row.tenant_id,
    failingSince: row.failing_since,
    warnings: row.warnings,
  }));
}

/** Lets webhooks that responded, though not well, be sent to again. */
export async function markReachable(pool: Pool, webhookIds: string[]): Promise<void> {
  await pool.query({
    name: 'mark-reachable',
    text: `UPDATE webhook_health SET unreachable_until = NULL, probe_after_ms = NULL WHERE webhook_id IN (
             SELECT webhook_id FROM webhook_health WHERE webhook_id = ANY($1::uuid[]) ORDER BY webhook_id FOR UPDATE)`,
    values: [webhookIds],
  });
}

/** Takes the right to send the probe that is due; one dispatcher gets it, and the next probe is put off. */
export async function takeProbes(pool: Pool, probes: { webhookId: string; nextMs: number }[]): Promise<Set<string>> {
  const result = await pool.query<{ webhook_id: string }>({
    name: 'take-probes',
    text: `
      UPDATE webhook_health h SET unreachable_until = now() + make_interval(secs => p.next_ms / 1000.0), probe_after_ms = p.next_ms
      FROM (SELECT * FROM unnest($1::uuid[], $2::integer[]) AS u(webhook_id, next_ms) ORDER BY webhook_id) p
      WHERE h.webhook_id = p.webhook_id AND h.unreachable_until <= now() RETURNING h.webhook_id`,
    values: [probes.map((probe) => probe.webhookId), probes.map((probe) => probe.nextMs)],
  });
  return new Set(result.rows.map((row) => row.webhook_id));
}
