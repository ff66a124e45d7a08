import type { Pool } from 'pg';
import pino from 'pino';
import { acceptEvents, type AcceptedBatch } from '#accept/accept-events';
import type { Queryable } from '#accept/insert-events.queries';
import { EventIntake } from '#accept/event-intake';
import type { Acceptance, NewEvent } from '#accept/new-event';
import { PublishBudget } from '#accept/publish-budget';
import { readPublishRequest } from '#accept/publish-request';
import { isDatabaseAway } from '#database/database-errors';
import { AppError, type ErrorDetail } from '#kernel/app-error';
import { systemClock, type Clock } from '#kernel/clock';
import { formatId, parseId, uuidTimeMs } from '#kernel/ids';
import { formatInstant } from '#kernel/instants';
import { createQueueBackend, type QueueBackend, type QueueBackendOptions } from '#queues/queue-backend';
import { Signals } from '#queues/signals';
import { PublishError } from './publish-error';
import { publishRequestBody } from './publish-request-body';
import type { EventToPublish, PublishedEvent, Publisher } from './publisher';
import type { TenantAllowance } from './tenant-allowance.queries';
import { TenantKnowledge } from './tenant-knowledge';

export interface DirectEventPublisherOptions {
  /**
   * The service's database, connected as role `webhooks_service` or as a member of it that inherits its rights; row-level
   * security hides the tables from everyone else. Needs a connection beside those that the caller's own transactions
   * hold: a tenant's events per second are counted outside of them.
   */
  pool: Pool;
  /** Where BullMQ's jobs go, as for the apps: Redis, or the service's database by a direct connection. */
  queue: { redisUrl: string; prefix?: string } | { databaseUrl: string };
  /** Largest `data` in bytes of tenants without a limit of their own; 262,144 unless given, as for the API. */
  maxEventBytes?: number;
  /** Told when signals cannot be sent; silent unless given. */
  logger?: QueueBackendOptions['logger'];
  clock?: Clock;
}

/** Publishes within a transaction of the caller. */
export interface TransactionPublisher extends Publisher {
  /**
   * Tells the dispatchers of what was published, and is to be called once the transaction is committed: told earlier,
   * they would not find it. When it is forgotten the reconciler finds the events, a little later. Never throws.
   */
  afterCommit(): void;
}

const MAX_EVENT_BYTES = 262_144;
const QUEUE_PREFIX = 'trae';

/**
 * Publishes without HTTP, for services inside the platform: commits events to PostgreSQL by the API's own validation
 * (event types and schemas of the tenant's own included), idempotency and limits, and then adds the BullMQ job that has them delivered. One for a process; close it at the end.
 */
export class DirectEventPublisher {
  private readonly backend: QueueBackend;
  private readonly signals: Signals;
  private readonly intake: EventIntake;
  private readonly budget: PublishBudget;
  private readonly clock: Clock;
  private readonly tenants: TenantKnowledge;

  constructor(private readonly options: DirectEventPublisherOptions) {
    const { queue, pool } = options;
    const logger = options.logger ?? pino({ level: 'silent' });
    const overRedis = 'redisUrl' in queue;
    this.clock = options.clock ?? systemClock;
    this.backend = createQueueBackend({
      redisUrl: overRedis ? queue.redisUrl : null,
      databaseUrl: overRedis ? '' : queue.databaseUrl,
      prefix: (overRedis ? queue.prefix : undefined) ?? QUEUE_PREFIX,
      databaseReady: () => Promise.resolve(),
      databaseProblem: () => Promise.resolve(null),
      logger,
    });
    this.signals = new Signals(this.backend, logger);
    this.intake = new EventIntake(pool, this.signals, this.clock);
    this.budget = new PublishBudget(pool);
    this.tenants = new TenantKnowledge(this.clock);
    void this.signals.untilOpen();
  }

  /**
   * Publishes events of a tenant, each committed when `publish` resolves; calls at the same time share a commit.
   * @param tenantId `tenant_…`
   */
  forTenant(tenantId: string): Publisher {
    return {
      publish: (event) =>
        this.accept(tenantId, event, this.options.pool, async (newEvent) => this.intake.accept(newEvent)),
    };
  }

  /**
   * Publishes events of a tenant in the caller's own transaction, so that they exist exactly if it is committed.
   * A `publish` that the database fails leaves the transaction aborted, as any failed statement does; one that is refused
   * does not.
   * @param tenantId `tenant_…`
   * @param client a connected `pg` client in a transaction, of a role as told at {@link DirectEventPublisherOptions.pool}.
   */
  inTransaction(tenantId: string, client: Queryable): TransactionPublisher {
    const batches: AcceptedBatch[] = [];
    return {
      publish: (event) =>
        this.accept(tenantId, event, client, async (newEvent) => {
          const batch = await acceptEvents(client, [newEvent], this.clock.nowMs());
          batches.push(batch);
          return batch.acceptances[0] as Acceptance;
        }),
      afterCommit: () => this.signal(batches.splice(0)),
    };
  }

  /** Resolves once jobs can be sent; until then events are stored and wait for the reconciler. */
  async untilReady(): Promise<void> {
    await this.signals.untilOpen();
  }

  /** Closes the queues; the pool is the caller's. */
  async close(): Promise<void> {
    await this.backend.close();
  }

  private async accept(
    tenantId: string,
    event: EventToPublish,
    queryable: Queryable,
    store: (newEvent: NewEvent) => Promise<Acceptance>,
  ): Promise<PublishedEvent> {
    const raw = publishRequestBody(event);
    try {
      const tenantUuid = parseId('tenant', tenantId);
      const allowance = tenantUuid === null ? null : await this.tenants.allowanceOf(tenantUuid, queryable);
      if (tenantUuid === null || allowance === null) throw new AppError(403, 'forbidden', 'There is no such tenant');
      if (allowance.suspended) throw new AppError(403, 'tenant_suspended', 'The tenant is suspended');
      const types = await this.tenants.typesOf(tenantUuid, allowance.eventTypesVersion, queryable);
      const body = JSON.parse(raw.toString('utf8')) as { data: unknown };
      const newEvent = readPublishRequest(body, raw, event.idempotencyKey ?? null, {
        tenantId: tenantUuid,
        projectId: null,
        maxEventBytes: allowance.maxEventBytes ?? this.options.maxEventBytes ?? MAX_EVENT_BYTES,
        eventTypeVersion: (type, wanted) => types.versionOf(type, wanted),
        nowMs: this.clock.nowMs(),
      });
      await this.admit(tenantUuid, allowance);
      const warnings = await this.tenants.checkData(types, newEvent, body.data, queryable);
      return publishedEvent(newEvent, await store(newEvent), warnings);
    } catch (error) {
      throw asPublishError(error);
    }
  }

  /** @throws AppError 429 when the tenant has published as much as it may in this second. */
  private async admit(tenantId: string, { eventsPerSecond }: TenantAllowance): Promise<void> {
    if (eventsPerSecond === null) return;
    const { granted } = await this.budget.take(tenantId, eventsPerSecond, 1);
    if (granted === 0) {
      throw new AppError(429, 'rate_limited', `At most ${eventsPerSecond} events per second are allowed`);
    }
  }

  private signal(batches: AcceptedBatch[]): void {
    const batchIds = batches.flatMap((batch) => batch.batchIds);
    if (batchIds.length > 0) this.signals.eventsAccepted(batchIds);
    for (const atMs of batches.flatMap((batch) => batch.scheduledAtMs)) this.signals.wakeUpAt(atMs, this.clock.nowMs());
  }
}

function publishedEvent(event: NewEvent, acceptance: Acceptance, warnings: readonly ErrorDetail[]): PublishedEvent {
  if (acceptance.kind === 'key_reused') {
    const field = acceptance.key === 'event_id' ? 'event_id' : 'Idempotency-Key';
    const message = 'was used before with another body';
    throw new AppError(422, 'idempotency_mismatch', `${field}: ${message}`, { details: [{ field, message }] });
  }
  const clientEventId = acceptance.kind === 'duplicate' ? acceptance.clientEventId : event.clientEventId;
  return {
    eventId: clientEventId ?? formatId('event', acceptance.eventId),
    event: event.type,
    status: 'accepted',
    createdAt: formatInstant(uuidTimeMs(acceptance.eventId)),
    duplicate: acceptance.kind === 'duplicate',
    warnings,
  };
}

/** What can be expected in the form that all publishers share; anything else as it is. */
function asPublishError(error: unknown): unknown {
  if (error instanceof AppError) {
    return new PublishError(error.status, error.code, error.message, { details: error.details, cause: error });
  }
  if (!isDatabaseAway(error)) return error;
  return new PublishError(503, 'unavailable', 'The database is not available at the moment', { cause: error });
}
