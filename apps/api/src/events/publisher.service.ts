import { Inject, Injectable } from '@nestjs/common';
import { Counter, Registry } from 'prom-client';
import { EventIntake } from '#accept/event-intake';
import { jsonItems, jsonMembers } from '#accept/json-members';
import type { NewEvent } from '#accept/new-event';
import type { Budget } from '#accept/shared-budget';
import type { TenantEventTypes } from '#accept/tenant-event-types';
import { readPublishRequest, type PublishContext } from '#accept/publish-request';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { AppError, invalidRequest, type ErrorDetail } from '#kernel/app-error';
import { DataValidator } from '../event-types/data-validator';
import { EventTypeCatalog } from '../event-types/event-type-catalog';
import type { Caller } from '../caller/caller';
import { PublishLimits, tooManyEvents } from './publish-limits';
import { PublishedEventResponse, type PublishBatchResponse, type PublishedItemResponse } from './dto/publish.dto';

const MAX_BATCH = 1_000;
/** Each item gets a key of its own: this one, a colon and its place. */
const MAX_BATCH_KEY_LENGTH = 250;

/** An event that may be stored, with what its type's schema says against it. */
interface ValidEvent {
  event: NewEvent;
  warnings: ErrorDetail[];
}

type RejectedItem = Pick<PublishedItemResponse, 'error'> & { status: 'rejected' };

/** Accepts events: validated, committed, and then answered. */
@Injectable()
export class PublisherService {
  private readonly accepted: Counter;

  constructor(
    private readonly intake: EventIntake,
    private readonly catalog: EventTypeCatalog,
    private readonly validator: DataValidator,
    private readonly limits: PublishLimits,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
    @Inject(Registry) registry: Registry,
  ) {
    this.accepted = new Counter({
      name: 'webhooks_events_accepted_total',
      help: 'Events committed, without duplicates.',
      registers: [registry],
    });
  }

  /**
   * Publishes one event.
   * @throws AppError 400, 413 for what is wrong with it, 429 beyond the tenant's limit, 422 when its key was used for
   *   another body or its data does not satisfy the schema, 503 when it cannot be stored now.
   */
  async publish(
    caller: Caller,
    body: unknown,
    raw: Buffer,
    idempotencyKey: string | null,
  ): Promise<{ event: PublishedEventResponse; budget: Budget | null }> {
    const types = await this.catalog.of(caller);
    const event = readPublishRequest(body, raw, idempotencyKey, this.contextOf(caller, types));
    const budget = await this.limits.admit(caller, 1);
    if (budget?.granted === 0) throw tooManyEvents(budget);
    return { event: await this.accept(await this.check(types, event, body)), budget };
  }

  /**
   * Publishes up to 1,000 events and answers item by item: what is wrong with one concerns no other.
   * @throws AppError 400 when the body is no list of events.
   */
  async publishBatch(
    caller: Caller,
    body: unknown,
    raw: Buffer,
    idempotencyKey: string | null,
  ): Promise<{ batch: PublishBatchResponse; budget: Budget | null }> {
    const types = await this.catalog.of(caller);
    const context = this.contextOf(caller, types);
    const items = readItems(body, raw);
    if (idempotencyKey !== null && idempotencyKey.length > MAX_BATCH_KEY_LENGTH) {
      throw invalidRequest([
        { field: 'Idempotency-Key', message: `must have at most ${MAX_BATCH_KEY_LENGTH} characters for a batch` },
      ]);
    }
    const budget = await this.limits.admit(caller, items.length);
    const checked = await Promise.all(
      items.map((item, index) =>
        orRejection(async () => {
          if (budget !== null && index >= budget.granted) throw tooManyEvents(budget);
          const key = idempotencyKey === null ? null : `${idempotencyKey}:${index}`;
          return this.check(types, readPublishRequest(item.parsed, item.raw, key, context), item.parsed);
        }),
      ),
    );
    // Only once all are checked, so that they come to the commit in their order.
    const events = await Promise.all(
      checked.map(async (item): Promise<PublishedItemResponse> =>
        'warnings' in item ? orRejection(() => this.accept(item)) : item,
      ),
    );
    const accepted = events.filter((event) => event.status === 'accepted').length;
    return { batch: { events, accepted, rejected: events.length - accepted }, budget };
  }

  /** @param body of which the event was read. */
  private async check(types: TenantEventTypes, event: NewEvent, body: unknown): Promise<ValidEvent> {
    return { event, warnings: await this.validator.check(types, event, (body as { data: unknown }).data) };
  }

  private async accept({ event, warnings }: ValidEvent): Promise<PublishedEventResponse> {
    const acceptance = await this.intake.accept(event);
    switch (acceptance.kind) {
      case 'accepted':
        this.accepted.inc();
        return PublishedEventResponse.from(event, acceptance.eventId, event.clientEventId, false, warnings);
      case 'duplicate':
        return PublishedEventResponse.from(event, acceptance.eventId, acceptance.clientEventId, true, warnings);
      case 'key_reused': {
        const field = acceptance.key === 'event_id' ? 'event_id' : 'Idempotency-Key';
        throw new AppError(422, 'idempotency_mismatch', `${field}: was used before with another body`, {
          details: [{ field, message: 'was used before with another body' }],
        });
      }
    }
  }

  private contextOf(caller: Caller, types: TenantEventTypes): PublishContext {
    return {
      tenantId: caller.tenantId,
      projectId: caller.projectId,
      maxEventBytes: caller.limits.max_event_bytes ?? this.environment.maxEventBytes,
      eventTypeVersion: (type, wanted) => types.versionOf(type, wanted),
      nowMs: Date.now(),
    };
  }
}

/** What is wrong with one item of a batch concerns no other; what the service is to blame for concerns all. */
async function orRejection<T>(work: () => Promise<T>): Promise<T | RejectedItem> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AppError) || error.status >= 500) throw error;
    const { status: statusCode, code, message, details } = error;
    return { status: 'rejected', error: { statusCode, code, message, details } };
  }
}

function readItems(body: unknown, raw: Buffer): { parsed: unknown; raw: Buffer }[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalidRequest([{ field: 'body', message: 'must be a JSON object' }]);
  }
  const members = jsonMembers(raw);
  const unknown = members.filter((member) => member.key !== 'events');
  if (unknown.length > 0) {
    throw invalidRequest(
      unknown.map((member) => ({ field: member.key, message: 'is not a known field; allowed is events' })),
    );
  }
  const { events } = body as { events?: unknown };
  const [list, ...more] = members;
  if (
    !Array.isArray(events) ||
    list === undefined ||
    more.length > 0 ||
    events.length === 0 ||
    events.length > MAX_BATCH
  ) {
    throw invalidRequest([{ field: 'events', message: `must be given once, as a list of 1 to ${MAX_BATCH} events` }]);
  }
  return jsonItems(raw, list.start).map((item, index) => ({
    parsed: events[index] as unknown,
    raw: raw.subarray(item.start, item.end),
  }));
}
