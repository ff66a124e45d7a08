import { isWorthRepeating } from '#database/database-errors';
import { listPartitions, type Partition } from '#database/partitions.queries';
import { dropDueAtMs, RETAINED_TABLES, type RetainedTable, type InstallationDays } from '#database/retained-tables';
import type { Logger } from '#observability/logger';
import { findLiveWork, type LiveWork } from './live-work.queries';
import { dropPartition, finishDrops, keepOnly } from './partition-drop.queries';
import type { RetentionSession } from './retention-session';

/** What a run did, by the names of partitions. */
export interface DropReport {
  dropped: string[];
  /** Rewritten, so that only rows of unfinished work are left. */
  reduced: string[];
  /** Kept for unfinished work, or because others held a lock for too long. */
  kept: string[];
}

/** Below this a partition is not worth rewriting. */
const WORTH_REDUCING_BYTES = 1_048_576;

/**
 * Drops what has had its time, week by week and oldest first. A partition with rows that unfinished work needs is kept
 * until the work is done; where that is little, it is reduced to those rows, so that one delivery that is held for
 * months does not keep everybody's history of its week on the disk.
 * @param nowMs Unix ms.
 */
export async function dropExpired(
  session: RetentionSession,
  days: InstallationDays,
  nowMs: number,
  logger: Logger,
): Promise<DropReport> {
  const report: DropReport = { dropped: await finishDrops(session), reduced: [], kept: [] };
  const partitions = await listPartitions(session);
  const weeks = new Map<number, Partition[]>();
  for (const partition of partitions) {
    weeks.set(partition.fromMs, [...(weeks.get(partition.fromMs) ?? []), partition]);
  }
  for (const week of weeks.values()) {
    const due = RETAINED_TABLES.flatMap((table) =>
      week
        .filter(({ table: name, untilMs }) => name === table.name && dropDueAtMs(table, untilMs, days) <= nowMs)
        .map((partition) => ({ table, partition })),
    );
    const [first] = due;
    if (first === undefined) continue;
    const isNeeded = due.some(({ table }) => table.neededBy !== 'nothing');
    const work = isNeeded ? await findLiveWork(session, first.partition) : null;
    for (const { table, partition } of due) {
      session.signal.throwIfAborted();
      await handle(session, table, partition, work, report, logger);
    }
  }
  return report;
}

async function handle(
  session: RetentionSession,
  table: RetainedTable,
  partition: Partition,
  work: LiveWork | null,
  report: DropReport,
  logger: Logger,
): Promise<void> {
  const needed = work === null ? [] : idsNeeded(table, work);
  try {
    if (needed !== null && needed.length === 0) {
      await session.batch(() => dropPartition(session, table.name, partition.name));
      report.dropped.push(partition.name);
      logger.info({ partition: partition.name, bytes: partition.bytes }, 'dropped a partition whose retention ended');
    } else if (needed !== null && isWorthReducing(partition, needed.length)) {
      await keepOnly(session, partition.name, table.key, needed);
      report.reduced.push(partition.name);
      logger.info(
        { partition: partition.name, bytes: partition.bytes, rows: needed.length },
        'reduced a partition whose retention ended to what unfinished work needs',
      );
    } else {
      report.kept.push(partition.name);
    }
  } catch (error) {
    if (!isWorthRepeating(error) || session.signal.aborted) throw error;
    report.kept.push(partition.name);
    logger.warn({ partition: partition.name, error: String(error) }, 'a partition cannot go yet; trying again later');
  }
}

/** The ids of a table's rows that are needed; null when it cannot be said which. */
function idsNeeded(table: RetainedTable, work: LiveWork): string[] | null {
  switch (table.neededBy) {
    case 'nothing':
      return [];
    case 'inbound actions':
      return work.inboundRuns === 0 ? [] : null;
    case 'deliveries':
      // A fan-out will make deliveries here.
      return work.fanOuts > 0 || work.isTooMuch ? null : work.deliveryIds;
    case 'events of deliveries':
      return work.fanOuts > 0 || work.isTooMuch ? null : work.eventIds;
  }
}

function isWorthReducing({ bytes, estimatedRows }: Partition, needed: number): boolean {
  return bytes > WORTH_REDUCING_BYTES && (estimatedRows === null || estimatedRows > 2 * needed);
}
