import { Inject, Injectable } from '@nestjs/common';
import { Counter, Registry } from 'prom-client';
import { DataCheck, schemaKey, type CheckedEvent } from '#accept/data-check';
import { readSchemaText } from '#accept/published-types.queries';
import type { TenantEventTypes } from '#accept/tenant-event-types';
import { TenantDatabase } from '#database/tenant-database';
import type { ErrorDetail } from '#kernel/app-error';

/** Holds published data to the schema of its event type, and counts what does not satisfy it. */
@Injectable()
export class DataValidator {
  private readonly dataCheck: DataCheck;
  private readonly loading = new Map<string, Promise<string | null>>();

  constructor(
    @Inject(TenantDatabase) private readonly database: TenantDatabase,
    @Inject(Registry) registry: Registry,
  ) {
    const violations = new Counter({
      name: 'webhooks_schema_violations_total',
      help: 'Published events whose data does not satisfy the schema of their type.',
      labelNames: ['origin', 'outcome'],
      registers: [registry],
    });
    this.dataCheck = new DataCheck((violation) => {
      violations.inc({ ...violation });
    });
  }

  /**
   * What is wrong with data that is accepted all the same; at once when its schema is known, else after one statement.
   * @throws AppError 422 naming the places within `data` when the tenant enforces schemas.
   */
  check(types: TenantEventTypes, event: CheckedEvent, data: unknown): ErrorDetail[] | Promise<ErrorDetail[]> {
    return this.dataCheck.check(types, event, data, (asked) => this.schemaOf(asked));
  }

  /** The events of a batch wait for one and the same. */
  private schemaOf(event: CheckedEvent): Promise<string | null> {
    const key = schemaKey(event);
    const loading = this.loading.get(key) ?? this.load(event).finally(() => this.loading.delete(key));
    this.loading.set(key, loading);
    return loading;
  }

  private load({ tenantId, type, version }: CheckedEvent): Promise<string | null> {
    return this.database.run(tenantId, (manager) =>
      readSchemaText(tenantId, { name: type, version }, (text, values) => manager.query(text, values)),
    );
  }
}
