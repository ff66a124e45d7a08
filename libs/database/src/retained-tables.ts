/** How long things are kept, in days. */
export interface RetentionDays {
  payloadDays: number;
  recordDays: number;
}

/** The installation's times. */
export interface InstallationDays extends RetentionDays {
  auditDays: number;
}

/** A table that is partitioned by weeks of ids, and how its weeks go. */
export interface RetainedTable {
  name: string;
  /** The column with the id that it is partitioned by. */
  key: string;
  /** Which of the times counts. */
  kind: 'payload' | 'record' | 'audit';
  /** Of which unfinished work its rows are needed: those of these ids stay until the work is done. */
  neededBy: 'nothing' | 'deliveries' | 'events of deliveries' | 'inbound actions';
}

/** In the order in which the tables of a week go: what refers to something before what it refers to. */
export const RETAINED_TABLES: readonly RetainedTable[] = [
  { name: 'attempt_responses', key: 'delivery_id', kind: 'payload', neededBy: 'nothing' },
  { name: 'event_payloads', key: 'event_id', kind: 'payload', neededBy: 'events of deliveries' },
  { name: 'inbound_request_bodies', key: 'request_id', kind: 'payload', neededBy: 'inbound actions' },
  { name: 'attempts', key: 'delivery_id', kind: 'record', neededBy: 'deliveries' },
  { name: 'deliveries', key: 'id', kind: 'record', neededBy: 'deliveries' },
  { name: 'events', key: 'id', kind: 'record', neededBy: 'events of deliveries' },
  { name: 'inbound_records', key: 'id', kind: 'record', neededBy: 'nothing' },
  { name: 'inbound_action_runs', key: 'id', kind: 'record', neededBy: 'inbound actions' },
  { name: 'inbound_requests', key: 'id', kind: 'record', neededBy: 'inbound actions' },
  { name: 'audit_log', key: 'id', kind: 'audit', neededBy: 'nothing' },
];

const DAY_MS = 86_400_000;
/** A partition goes somewhat later than what it holds ends: requests that judged by a clock or an instant before are over. */
const MARGIN_MS = 3_600_000;

export const keepDays = (table: RetainedTable, days: InstallationDays): number =>
  ({ payload: days.payloadDays, record: days.recordDays, audit: days.auditDays })[table.kind];

/** The instant (Unix ms) from which on a partition goes that holds ids up to `untilMs`. */
export function dropDueAtMs(table: RetainedTable, untilMs: number, days: InstallationDays): number {
  return untilMs + keepDays(table, days) * DAY_MS + MARGIN_MS;
}

/** A tenant's own times, which may be shorter than the installation's, never longer; records last as long as payloads at least. */
export function shorterOf(
  days: RetentionDays,
  own: { payloadDays: number | null; recordDays: number | null },
): RetentionDays {
  const recordDays = Math.min(days.recordDays, own.recordDays ?? Infinity);
  return { recordDays, payloadDays: Math.min(days.payloadDays, own.payloadDays ?? Infinity, recordDays) };
}
