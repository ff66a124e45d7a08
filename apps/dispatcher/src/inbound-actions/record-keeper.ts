import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { SERVICE_POOL } from '#database/database.module';
import { isWorthRepeating } from '#database/database-errors';
import { succeeded, type ActionOutcome, type ActionRun } from '#inbound-actions/action-run';
import { GroupCommit } from '#kernel/group-commit';
import { parseId } from '#kernel/ids';
import { storableResult } from '#inbound-actions/storable-result';
import { insertRecords, trimTable, type NewRecord } from './records.queries';

/** A table is cut to its limit after every so many new records: a limit is passed by a tenth at most. */
const TRIM_SHARE = 10;
const MAX_REMEMBERED = 10_000;
const GROUP = {
  ...{ maxItems: 200, maxBytes: 4 * 1024 * 1024, maxConcurrent: 2, maxWaiting: Number.MAX_SAFE_INTEGER },
  spacing: { perDuration: 1.5, maxMs: 10 },
};

/** Keeps what log actions write. */
@Injectable()
export class RecordKeeper {
  /** Records since a table was cut, by endpoint and table. */
  private readonly added = new Map<string, number>();

  private readonly commits: GroupCommit<NewRecord, true>;

  constructor(@Inject(SERVICE_POOL) private readonly pool: Pool) {
    this.commits = new GroupCommit(
      async (records) => {
        await insertRecords(pool, records);
        return records.map(() => true);
      },
      isWorthRepeating,
      { ...GROUP, bytesOf: ({ data }: NewRecord) => data.length },
    );
  }

  async record(run: ActionRun, table: string, data: unknown, maxRecords: number): Promise<ActionOutcome> {
    const { id: runId, tenantId, endpointId } = run;
    const requestId = parseId('req', run.context.metadata.id) ?? runId;
    await this.commits.add({ runId, tenantId, endpointId, table, requestId, data: storableResult(data) });
    await this.trim({ tenantId, endpointId, table, maxRecords });
    return succeeded({ table });
  }

  private async trim(table: {
    tenantId: string;
    endpointId: string;
    table: string;
    maxRecords: number;
  }): Promise<void> {
    const key = `${table.endpointId} ${table.table}`;
    const added = (this.added.get(key) ?? Infinity) + 1; // at first nobody knows
    if (added < table.maxRecords / TRIM_SHARE) {
      this.added.set(key, added);
      return;
    }
    if (this.added.size >= MAX_REMEMBERED) this.added.clear();
    this.added.set(key, 0);
    await trimTable(this.pool, table);
  }
}
