import { Inject, Injectable } from '@nestjs/common';
import { Counter, Registry } from 'prom-client';
import { TenantDatabase } from '#database/tenant-database';
import { BUILT_IN_DATA } from '#event-schemas/built-in-data';
import type { CheckData } from '#event-schemas/compile-schema';
import type { JsonSchema } from '#event-schemas/json-schema';
import { loadSchema } from '#event-schemas/read-schema';
import { AppError, type ErrorDetail } from '#kernel/app-error';
import { findEventType } from './event-types.queries';
import { isBuiltIn, type TenantEventTypes } from './tenant-event-types';
import { WeightedCache } from './weighted-cache';

/** Bytes of schemas that are kept compiled, over all tenants; compiled they take about five times as much memory. */
const MAX_SCHEMA_BYTES = 4 * 1024 * 1024;
/** What a compiled schema takes beside what grows with it. */
const MIN_SCHEMA_BYTES = 1_024;

/** An event as far as its schema is concerned. */
export interface CheckedEvent {
  readonly tenantId: string;
  readonly type: string;
  readonly version: string;
}

/** Holds published data to the schema of its event type, as the tenant wishes. */
@Injectable()
export class DataValidator {
  private readonly builtIn = new Map<string, CheckData>();
  /** Versions never change, so what is compiled is never out of date. Null: the version has no schema. */
  private readonly own = new WeightedCache<{ check: CheckData | null }>(MAX_SCHEMA_BYTES);
  private readonly loading = new Map<string, Promise<CheckData | null>>();
  private readonly violations: Counter<'origin' | 'outcome'>;

  constructor(
    @Inject(TenantDatabase) private readonly database: TenantDatabase,
    @Inject(Registry) registry: Registry,
  ) {
    this.violations = new Counter({
      name: 'webhooks_schema_violations_total',
      help: 'Published events whose data does not satisfy the schema of their type.',
      labelNames: ['origin', 'outcome'],
      registers: [registry],
    });
  }

  /**
   * What is wrong with data that is accepted all the same; at once when its schema is known, else after one statement.
   * @throws AppError 422 naming the places within `data` when the tenant enforces schemas.
   */
  check(types: TenantEventTypes, event: CheckedEvent, data: unknown): ErrorDetail[] | Promise<ErrorDetail[]> {
    const origin = isBuiltIn(event.type) ? 'built_in' : 'own';
    const mode = types.validation[origin];
    if (mode === 'off') return [];
    const judge = (check: CheckData | null): ErrorDetail[] => {
      const details = check?.(data, 'data') ?? [];
      if (details.length === 0) return details;
      this.violations.inc({ origin, outcome: mode === 'enforce' ? 'refused' : 'warned' });
      if (mode === 'enforce') throw schemaViolation(event, details);
      return details;
    };
    if (origin === 'built_in') return judge(this.builtInCheck(event.type));
    const key = keyOf(event);
    const known = this.own.get(key);
    if (known !== undefined) return judge(known.check);
    // The events of a batch wait for one and the same.
    const loading = this.loading.get(key) ?? this.load(event, key).finally(() => this.loading.delete(key));
    this.loading.set(key, loading);
    return loading.then(judge);
  }

  private builtInCheck(eventType: string): CheckData | null {
    const known = this.builtIn.get(eventType);
    const schema = BUILT_IN_DATA.get(eventType)?.schema;
    if (known !== undefined || schema === undefined) return known ?? null;
    const check = loadSchema(schema);
    this.builtIn.set(eventType, check);
    return check;
  }

  private async load(event: CheckedEvent, key: string): Promise<CheckData | null> {
    const row = await this.database.run(event.tenantId, (manager) =>
      findEventType(manager, event.tenantId, event.type, Number(event.version)),
    );
    const schema = row?.schema ?? null;
    const check = schema === null ? null : loadSchema(JSON.parse(schema) as JsonSchema);
    this.own.put(key, { check }, (schema?.length ?? 0) + MIN_SCHEMA_BYTES);
    return check;
  }
}

function keyOf({ tenantId, type, version }: CheckedEvent): string {
  return `${tenantId} ${type} ${version}`;
}

function schemaViolation({ type, version }: CheckedEvent, details: ErrorDetail[]): AppError {
  const where = details.map((detail) => `${detail.field}: ${detail.message}`).join('; ');
  return new AppError(422, 'schema_violation', `The data does not satisfy version ${version} of ${type}: ${where}`, {
    details,
  });
}
