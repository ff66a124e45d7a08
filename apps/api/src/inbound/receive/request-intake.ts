import { Inject, Injectable } from '@nestjs/common';
import { Pool } from 'pg';
import { SERVICE_POOL } from '#database/database.module';
import { databaseAway, isDatabaseAway } from '#database/database-errors';
import { withPartitions } from '#database/with-partitions';
import { GroupCommit } from '#kernel/group-commit';
import { Signals } from '#queues/signals';
import { acceptRequests } from './accept-requests.queries';
import type { Receipt, ReceivedRequest } from './received-request';

const GROUP = {
  ...{ maxItems: 500, maxBytes: 4 * 1024 * 1024, maxConcurrent: 2, maxWaiting: 10_000 },
  spacing: { perDuration: 1.5, maxMs: 10 },
};

/** Stores judged requests, many in one commit, and then tells the dispatchers of what is to be run. */
@Injectable()
export class RequestIntake {
  private readonly commits: GroupCommit<ReceivedRequest, Receipt>;

  /** @param pool of role `webhooks_service`: a group holds requests of many tenants. */
  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    private readonly signals: Signals,
  ) {
    this.commits = new GroupCommit((requests) => this.commit(requests), isDatabaseAway, {
      ...GROUP,
      bytesOf: ({ body, headers }: ReceivedRequest) => body.length + headers.length,
    });
  }

  /**
   * Resolves once the request is committed; the signal to the dispatchers is sent, not awaited.
   * @throws AppError 503 when the database is away or too much is waiting; nothing is stored then.
   */
  async store(request: ReceivedRequest): Promise<Receipt> {
    try {
      return await this.commits.add(request);
    } catch (error) {
      if (isDatabaseAway(error)) throw databaseAway(error);
      throw error;
    }
  }

  private async commit(requests: ReceivedRequest[]): Promise<Receipt[]> {
    const receipts = await withPartitions(this.pool, () => acceptRequests(this.pool, requests));
    this.signals.inboundAccepted(
      requests.filter((request, at) => receipts[at]?.kind === 'stored' && request.runs.length > 0),
    );
    return receipts;
  }
}
