import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { EventIntake } from '#accept/event-intake';
import { PublishBudget } from '#accept/publish-budget';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { SERVICE_POOL } from '#database/database.module';
import { BUILT_IN_DATA } from '#event-schemas/built-in-data';
import type { CheckData } from '#event-schemas/compile-schema';
import { isJsonObject, type JsonSchema } from '#event-schemas/json-schema';
import { loadSchema } from '#event-schemas/read-schema';
import { failedForGood, succeeded, type ActionOutcome, type ActionRun } from '#inbound-actions/action-run';
import { formatId, newUuid } from '#kernel/ids';
import { Signals } from '#queues/signals';
import { readPublishRules, type PublishRules } from './event-type-check.queries';

const BUILT_IN_VERSION = '1';
const MAX_COMPILED = 200;

/** Publishes events of inbound requests, by the rules of `POST /api/events`: known type, schema, size, limit. */
@Injectable()
export class EventForwarder {
  private readonly intake: EventIntake;
  private readonly budget: PublishBudget;
  /** By schema text. */
  private readonly compiled = new Map<string, CheckData>();

  constructor(
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
    signals: Signals,
  ) {
    this.intake = new EventIntake(pool, signals, { nowMs: () => Date.now() });
    this.budget = new PublishBudget(pool);
  }

  async publish(
    run: ActionRun,
    { type, projectId, data }: { type: string; projectId: string | null; data: unknown },
  ): Promise<ActionOutcome> {
    if (!isJsonObject(data)) return failedForGood('The data of an event must be a JSON object; a mapping can make one');
    const rules = await readPublishRules(this.pool, run.tenantId, type);
    const version = rules.ownVersion === null ? builtInVersion(type) : String(rules.ownVersion);
    if (version === null) return failedForGood(`${type} is not a known event type`);
    const problem = this.schemaProblem(type, rules, data);
    if (problem !== null) return failedForGood(problem);
    const bytes = Buffer.from(JSON.stringify(data));
    const maxBytes = rules.maxEventBytes ?? this.environment.maxEventBytes;
    if (bytes.length > maxBytes)
      return failedForGood(`The data has ${bytes.length} bytes; at most ${maxBytes} are allowed`);
    if (rules.eventsPerSecond !== null) {
      const budget = await this.budget.take(run.tenantId, rules.eventsPerSecond, 1);
      if (budget.granted === 0) {
        return {
          kind: 'postponed',
          forMs: budget.resetSeconds * 1_000,
          reason: 'The limit of events per second is used up',
        };
      }
    }
    const nowMs = Date.now();
    const acceptance = await this.intake.accept({
      id: newUuid(nowMs),
      tenantId: run.tenantId,
      projectId,
      type,
      clientEventId: null,
      occurredAtMs: run.receivedAt.getTime(),
      version,
      priority: 'normal',
      orderingKey: null,
      deliverAtMs: null,
      data: bytes,
      // The same run publishes one event only, however often it is begun.
      idempotencyKey: `inbound:${run.id}`,
      fingerprint: createHash('sha256').update(run.id).digest(),
    });
    if (acceptance.kind === 'key_reused') return failedForGood('The event was published before');
    return succeeded({ event: type, event_id: formatId('event', acceptance.eventId) });
  }

  private schemaProblem(type: string, rules: PublishRules, data: object): string | null {
    const isOwn = rules.ownVersion !== null;
    const mode = isOwn ? (rules.validation.own ?? 'enforce') : (rules.validation.built_in ?? 'warn');
    if (mode !== 'enforce') return null;
    const schema = isOwn ? rules.schema : JSON.stringify(BUILT_IN_DATA.get(type)?.schema ?? null);
    if (schema === null || schema === 'null') return null;
    const details = this.checkOf(schema)(data, 'data');
    if (details.length === 0) return null;
    return `The data does not satisfy ${type}: ${details.map(({ field, message }) => `${field} ${message}`).join('; ')}`;
  }

  private checkOf(schema: string): CheckData {
    const known = this.compiled.get(schema);
    if (known !== undefined) return known;
    if (this.compiled.size >= MAX_COMPILED) this.compiled.clear();
    const check = loadSchema(JSON.parse(schema) as JsonSchema);
    this.compiled.set(schema, check);
    return check;
  }
}

function builtInVersion(type: string): string | null {
  return BUILT_IN_DATA.has(type) ? BUILT_IN_VERSION : null;
}
