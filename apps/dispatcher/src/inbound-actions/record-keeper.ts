import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { BATCH_POOL } from '#database/database.module';
import { succeeded, type ActionOutcome, type ActionRun } from '#inbound-actions/action-run';
import { parseId } from '#kernel/ids';
import { storableResult } from '#inbound-actions/storable-result';
import { insertRecord, trimTable } from './records.queries';

/** A table is cut to its limit after every so many new records: a limit is passed by a tenth at most. */
const TRIM_SHARE = 10;
const MAX_REMEMBERED = 10_000;

/** Keeps what log actions write. */
@Injectable()
export class RecordKeeper {
  /** Records since a table was cut, by endpoint and table. */
  private readonly added = new Map<string, number>();

  constructor(@Inject(BATCH_POOL) private readonly pool: Pool) {}

  async record(run: ActionRun, table: string, data: unknown, maxRecords: number): Promise<ActionOutcome> {
    const { id: runId, tenantId, endpointId } = run;
    const requestId = parseId('req', run.context.metadata.id) ?? runId;
    await insertRecord(this.pool, {
      runId,
      tenantId,
      endpointId,
      table,
      requestId,
      data: storableResult(data),
    });
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
