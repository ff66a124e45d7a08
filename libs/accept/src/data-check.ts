import { BUILT_IN_DATA } from '#event-schemas/built-in-data';
import type { CheckData } from '#event-schemas/compile-schema';
import type { JsonSchema } from '#event-schemas/json-schema';
import { loadSchema } from '#event-schemas/read-schema';
import { AppError, type ErrorDetail } from '#kernel/app-error';
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

/** Data that does not satisfy its schema, and what became of it. */
export interface SchemaViolation {
  origin: 'built_in' | 'own';
  outcome: 'refused' | 'warned';
}

/** Holds published data to the schema of its event type, as the tenant wishes. */
export class DataCheck {
  private readonly builtIn = new Map<string, CheckData>();
  /** Versions never change, so what is compiled is never out of date. Null: the version has no schema. */
  private readonly own = new WeightedCache<{ check: CheckData | null }>(MAX_SCHEMA_BYTES);

  constructor(private readonly onViolation: (violation: SchemaViolation) => void = () => undefined) {}

  /**
   * What is wrong with data that is accepted all the same; at once when its schema is known.
   * @param readSchema the schema of the event's version as JSON, null for none; asked when it is not known.
   * @throws AppError 422 naming the places within `data` when the tenant enforces schemas.
   */
  check(
    types: TenantEventTypes,
    event: CheckedEvent,
    data: unknown,
    readSchema: (event: CheckedEvent) => Promise<string | null>,
  ): ErrorDetail[] | Promise<ErrorDetail[]> {
    const origin = isBuiltIn(event.type) ? 'built_in' : 'own';
    const mode = types.validation[origin];
    if (mode === 'off') return [];
    const judge = (check: CheckData | null): ErrorDetail[] => {
      const details = check?.(data, 'data') ?? [];
      if (details.length === 0) return details;
      this.onViolation({ origin, outcome: mode === 'enforce' ? 'refused' : 'warned' });
      if (mode === 'enforce') throw schemaViolation(event, details);
      return details;
    };
    if (origin === 'built_in') return judge(this.builtInCheck(event.type));
    const known = this.own.get(schemaKey(event));
    if (known !== undefined) return judge(known.check);
    return readSchema(event).then((schema) => judge(this.ownCheck(event, schema)));
  }

  private builtInCheck(eventType: string): CheckData | null {
    const known = this.builtIn.get(eventType);
    const schema = BUILT_IN_DATA.get(eventType)?.schema;
    if (known !== undefined || schema === undefined) return known ?? null;
    const check = loadSchema(schema);
    this.builtIn.set(eventType, check);
    return check;
  }

  /** Compiled by the first of those that waited for the schema. */
  private ownCheck(event: CheckedEvent, schema: string | null): CheckData | null {
    const key = schemaKey(event);
    const known = this.own.get(key);
    if (known !== undefined) return known.check;
    const check = schema === null ? null : loadSchema(JSON.parse(schema) as JsonSchema);
    this.own.put(key, { check }, (schema?.length ?? 0) + MIN_SCHEMA_BYTES);
    return check;
  }
}

/** Names one version of one type. */
export function schemaKey({ tenantId, type, version }: CheckedEvent): string {
  return `${tenantId} ${type} ${version}`;
}

function schemaViolation({ type, version }: CheckedEvent, details: ErrorDetail[]): AppError {
  const where = details.map((detail) => `${detail.field}: ${detail.message}`).join('; ');
  return new AppError(422, 'schema_violation', `The data does not satisfy version ${version} of ${type}: ${where}`, {
    details,
  });
}
