import type { Queryable } from '#accept/insert-events.queries';
import { DataCheck, type CheckedEvent } from '#accept/data-check';
import { readSchemaText, readTenantTypes, type ReadRows } from '#accept/published-types.queries';
import { TenantEventTypes } from '#accept/tenant-event-types';
import { WeightedCache } from '#accept/weighted-cache';
import type { Clock } from '#kernel/clock';
import type { ErrorDetail } from '#kernel/app-error';
import { findTenantAllowance, type TenantAllowance } from './tenant-allowance.queries';

/** As the API: a change of a tenant's status, limits or event types is effective within a second. */
const ALLOWANCE_MS = 1_000;
const MAX_ALLOWANCES = 10_000;
/** Own event types remembered over all tenants; one takes about 100 bytes. */
const MAX_TYPES = 100_000;

/**
 * What a publisher without HTTP remembers of the tenants that it publishes for. It reads over the connection that the
 * event goes over: with another one, transactions that hold all of a pool would wait for each other.
 */
export class TenantKnowledge {
  private readonly allowances = new Map<string, { allowance: TenantAllowance; readAtMs: number }>();
  private readonly types = new WeightedCache<TenantEventTypes>(MAX_TYPES);
  private readonly dataCheck = new DataCheck();

  constructor(private readonly clock: Clock) {}

  /** Null when there is no such tenant, or no more. */
  async allowanceOf(tenantId: string, queryable: Queryable): Promise<TenantAllowance | null> {
    const nowMs = this.clock.nowMs();
    const known = this.allowances.get(tenantId);
    if (known !== undefined && nowMs - known.readAtMs < ALLOWANCE_MS) return known.allowance;
    const allowance = await findTenantAllowance(queryable, tenantId);
    if (this.allowances.size >= MAX_ALLOWANCES) this.allowances.clear();
    if (allowance !== null) this.allowances.set(tenantId, { allowance, readAtMs: nowMs });
    return allowance;
  }

  /** @param version of the types, as the allowance has it: older ones are read again. */
  async typesOf(tenantId: string, version: bigint, queryable: Queryable): Promise<TenantEventTypes> {
    if (version === 0n) return TenantEventTypes.BUILT_IN_ONLY;
    const known = this.types.get(tenantId);
    if (known !== undefined && known.version >= version) return known;
    const types = await readTenantTypes(tenantId, readRows(queryable));
    this.types.put(tenantId, types, types.count + 1);
    return types;
  }

  /**
   * What is wrong with data that is accepted all the same.
   * @throws AppError 422 naming the places within `data` when the tenant enforces schemas.
   */
  async checkData(
    types: TenantEventTypes,
    event: CheckedEvent,
    data: unknown,
    queryable: Queryable,
  ): Promise<ErrorDetail[]> {
    return this.dataCheck.check(types, event, data, ({ tenantId, type, version }) =>
      readSchemaText(tenantId, { name: type, version }, readRows(queryable)),
    );
  }
}

function readRows(queryable: Queryable): ReadRows {
  return async <Row extends object>(text: string, values: unknown[]) =>
    (await queryable.query<Row>({ text, values })).rows;
}
