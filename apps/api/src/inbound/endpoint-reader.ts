import { Inject, Injectable } from '@nestjs/common';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import type { InboundEndpointEntity } from '#database/entities/inbound-endpoint.entity';
import { TenantDatabase } from '#database/tenant-database';
import { readDedupe } from '#inbound-rules/dedupe';
import type { SignatureScheme } from '#inbound-rules/signatures/signature-settings';
import { invalidRequest, notFound } from '#kernel/app-error';
import { parseId } from '#kernel/ids';
import type { Caller } from '../caller/caller';
import { Pagination, type PageQuery } from '../http/page';
import { coversScope } from '../caller/scopes';
import { withForwards } from './actions.service';
import { ActionResponse } from './dto/action.response';
import { EndpointResponse, ListedEndpointResponse, type EndpointListResponse } from './dto/endpoint.response';
import type { LogQuery, RecordsQuery } from './dto/log.query';
import { LoggedRequestResponse, RecordResponse, type LogResponse, type RecordListResponse } from './dto/log.response';
import { EndpointsService } from './endpoints.service';
import { findEndpoint, listActions, listEndpoints, readTotals } from './endpoints.queries';
import { findRequest, readBodies, readLog, readRecords, readRuns } from './logs.queries';

/** Reads endpoints together with what they do and what they received. */
@Injectable()
export class EndpointReader {
  constructor(
    @Inject(TenantDatabase) private readonly database: TenantDatabase,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
    private readonly endpoints: EndpointsService,
  ) {}

  list(caller: Caller, page: PageQuery): Promise<EndpointListResponse> {
    const { tenantId } = caller;
    return this.database.run(tenantId, async (manager) => {
      const [endpoints, total] = await listEndpoints(manager, caller, page);
      const ids = endpoints.map(({ id }) => id);
      const totals = await readTotals(manager, tenantId, ids);
      const actions = await listActions(manager, tenantId, ids);
      return {
        endpoints: endpoints.map((endpoint) => {
          const count = actions.filter(({ endpointId }) => endpointId === endpoint.id).length;
          return ListedEndpointResponse.from(endpoint, totals.get(endpoint.id), count, this.environment);
        }),
        total,
        pagination: Pagination.of(page, total),
      };
    });
  }

  /** @throws AppError 404. */
  async read(caller: Caller, nameOrId: string): Promise<EndpointResponse> {
    const endpoint = await this.database.run(caller.tenantId, (manager) => findEndpoint(manager, caller, nameOrId));
    return this.show(caller, endpoint);
  }

  /** An endpoint as it is, with its totals and actions. */
  async show(caller: Caller, endpoint: InboundEndpointEntity): Promise<EndpointResponse> {
    const { tenantId } = caller;
    const { totals, actions } = await this.database.run(tenantId, async (manager) => ({
      totals: await readTotals(manager, tenantId, [endpoint.id]),
      actions: await withForwards(manager, tenantId, await listActions(manager, tenantId, [endpoint.id])),
    }));
    const definition = this.endpoints.definition(endpoint);
    const scheme = endpoint.signature['scheme'] as SignatureScheme;
    const known = {
      definition,
      dedupe: readDedupe(definition.dedupe, scheme, []),
      secrets: this.endpoints.secrets(endpoint),
      totals: totals.get(endpoint.id),
      actions: actions.map(({ action, forward }) => ActionResponse.from(action, forward)),
      maySeeSecrets: coversScope(caller.scopes, 'inbound:write'),
      nowMs: Date.now(),
    };
    return EndpointResponse.from(endpoint, known, this.environment);
  }

  /** @throws AppError 404; 400 for a place that is none. */
  log(caller: Caller, nameOrId: string, query: LogQuery): Promise<LogResponse> {
    const { tenantId } = caller;
    const after = placeOf('req', query.after);
    return this.database.run(tenantId, async (manager) => {
      const endpoint = await findEndpoint(manager, caller, nameOrId);
      const rows = await readLog(manager, tenantId, endpoint, { ...query, after, limit: query.limit + 1 });
      const page = rows.slice(0, query.limit);
      const ids = page.map(({ id }) => id);
      const bodies = await readBodies(manager, tenantId, ids);
      const runs = await readRuns(manager, tenantId, ids);
      const logs = page.map((row) => LoggedRequestResponse.from(row, bodies.get(row.id), runs.get(row.id) ?? []));
      return { logs, next: rows.length > query.limit ? (logs.at(-1)?.request_id ?? null) : null };
    });
  }

  /** @throws AppError 404. */
  logged(caller: Caller, nameOrId: string, requestId: string): Promise<LoggedRequestResponse> {
    const { tenantId } = caller;
    return this.database.run(tenantId, async (manager) => {
      const endpoint = await findEndpoint(manager, caller, nameOrId);
      const row = await findRequest(manager, tenantId, endpoint.id, requestId);
      if (row === null) throw notFound('Request');
      const bodies = await readBodies(manager, tenantId, [requestId]);
      const runs = await readRuns(manager, tenantId, [requestId]);
      return LoggedRequestResponse.from(row, bodies.get(requestId), runs.get(requestId) ?? []);
    });
  }

  /** @throws AppError 404; 400 for a place that is none. */
  records(caller: Caller, nameOrId: string, table: string, query: RecordsQuery): Promise<RecordListResponse> {
    const { tenantId } = caller;
    const after = placeOf('run', query.after);
    return this.database.run(tenantId, async (manager) => {
      const endpoint = await findEndpoint(manager, caller, nameOrId);
      const filter = { ...query, after, limit: query.limit + 1 };
      const rows = await readRecords(manager, tenantId, endpoint.id, table, filter);
      const records = rows.slice(0, query.limit).map((row) => RecordResponse.from(row));
      return { records, next: rows.length > query.limit ? (records.at(-1)?.record_id ?? null) : null };
    });
  }
}

function placeOf(prefix: 'req' | 'run', after: string | undefined): string | undefined {
  if (after === undefined) return undefined;
  const id = parseId(prefix, after);
  if (id === null) throw invalidRequest([{ field: 'after', message: 'must be the `next` of the page before' }]);
  return id;
}
