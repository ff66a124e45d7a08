import { stringify as formatQuery } from 'node:querystring';
import { maskHeaders, maskQuery } from '#inbound-rules/masking';
import type { Receipt, Received } from './receipt';
import { insertRequest, trimRequests } from './storage/requests.queries';
import type { Query, SqlDatabase } from './storage/sql-database';

const TRIM_SHARE = 10;

/** The requests that are kept, secrets masked, and no more of an endpoint's than its limit and a tenth. */
export class RequestLog {
  /** Requests since a log was cut, by endpoint. */
  private readonly added = new Map<string, number>();

  constructor(
    private readonly database: SqlDatabase,
    private readonly keepsBodies: boolean,
    private readonly maxEntries: number,
  ) {}

  /** Keeps a request on which nothing is acted. */
  async keep(received: Received, receipt: Receipt): Promise<void> {
    await this.database.transaction(async (query) => {
      await this.insert(query, received, receipt, false);
      await this.trim(query, received);
    });
  }

  /** Part of the commit of a request. */
  async insert(
    query: Query,
    { endpoint, request, isTest }: Received,
    { id, status, verdict, answer }: Receipt,
    isActedOn: boolean,
  ): Promise<void> {
    await insertRequest(query, {
      id,
      endpoint_id: endpoint.row.id,
      status,
      code: verdict.code,
      steps: JSON.stringify(verdict.steps),
      is_test: isTest ? 1 : 0,
      keeps_body: this.keepsBodies ? 1 : 0,
      ip: request.ip,
      method: request.method,
      query: maskQuery(formatQuery(request.query), endpoint.secretNames),
      headers: JSON.stringify(maskHeaders(request.headers, endpoint.secretNames)),
      // Actions need it until they are done.
      body: this.keepsBodies || isActedOn ? request.body : null,
      response: JSON.stringify(answer),
      received_at: request.receivedAt.getTime(),
    });
  }

  /** After every tenth of the limit: a log passes it by as much, which is not shown. */
  async trim(query: Query, { endpoint }: Received): Promise<void> {
    const { id } = endpoint.row;
    const added = (this.added.get(id) ?? Infinity) + 1; // at first nobody knows
    const isDue = added >= this.maxEntries / TRIM_SHARE;
    this.added.set(id, isDue ? 0 : added);
    if (isDue) await trimRequests(query, id, this.maxEntries);
  }
}
