import type { InstallationDays } from '#database/retained-tables';
import type { Logger } from '#observability/logger';
import { deleteTenants } from './delete-tenants';
import { dropExpired, type DropReport } from './drop-expired';
import { deleteFormer, deleteOldStats } from './leftovers.queries';
import { inRetentionSession } from './retention-session';
import { applyShorterRetentions } from './shorter-retention';

export interface RetentionPolicy extends InstallationDays {
  statsDays: number;
}

/** What one run did. */
export interface RetentionReport extends DropReport {
  rowsOfTenants: number;
  tenantsDeleted: number;
  statsDeleted: number;
  formerDeleted: number;
}

export interface RetentionOptions {
  databaseUrl: string;
  policy: RetentionPolicy;
  /** Unix ms. */
  nowMs: number;
  /** How long after its deletion the rows of a tenant begin to go, in milliseconds. */
  deletionGraceMs: number;
  /** Whether to do what goes through all weeks and webhooks, too. */
  isThorough: boolean;
  signal: AbortSignal;
  logger: Logger;
}

const NO_DROPS: DropReport = { dropped: [], reduced: [], kept: [] };

/** One whole run of retention; null when another process is at it. */
export function runRetention(options: RetentionOptions): Promise<RetentionReport | null> {
  const { policy, nowMs, logger } = options;
  return inRetentionSession(options.databaseUrl, options.signal, async (session) => ({
    ...(options.isThorough ? await dropExpired(session, policy, nowMs, logger) : NO_DROPS),
    tenantsDeleted: await deleteTenants(session, options.deletionGraceMs, logger),
    rowsOfTenants: await applyShorterRetentions(session, policy, nowMs),
    statsDeleted: options.isThorough ? await deleteOldStats(session, policy.statsDays, nowMs) : 0,
    formerDeleted: options.isThorough ? await deleteFormer(session, policy.recordDays, nowMs) : 0,
  }));
}
