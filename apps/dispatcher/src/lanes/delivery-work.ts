import { formatId } from '#kernel/ids';
import { formatInstant } from '#kernel/instants';
import type { WebhookTarget } from '#database/webhook-target';
import type { DeliveryContent } from '#webhook-rules/delivery-request';

/** An event as fan-out and attempts need it. */
export interface EventRecord {
  id: string;
  tenantId: string;
  projectId: string | null;
  type: string;
  clientEventId: string | null;
  occurredAtMs: number;
  version: string;
  /** 1 high, 0 normal, -1 low. */
  priority: number;
  data: Buffer;
}

/** One delivery that this dispatcher holds. */
export interface DeliveryWork {
  id: string;
  /** The dispatcher id under which it was claimed. */
  owner: string;
  /** Which claim this is (1 = first). */
  epoch: number;
  tenantId: string;
  webhookId: string;
  event: EventRecord;
  /** Attempts made before, and how many of them were probes, which do not count against `max_attempts`. */
  attempts: number;
  probes: number;
  /** Of the ordering key, where the event stands in an ordering queue of the webhook; see `ordering/ordering queues.queries.ts`. */
  keyHash: Buffer | null;
  /** The open batch that stands for it until it has a row. */
  batch: OpenBatch | null;
}

/**
 * An event batch that this dispatcher has taken and whose deliveries it sends before they have rows: most end within
 * milliseconds and are then written once, with their outcome. Until each has its row, the batch stays in `event_batches`
 * under this dispatcher's id, so that whoever takes over fans it out again. Only `OpenBatches` changes it.
 */
export interface OpenBatch {
  readonly batchId: string;
  /** Monotonic ms. */
  readonly openedAt: number;
  /** Deliveries that have no row, and whose outcome is not being written. */
  readonly unwritten: Set<DeliveryWork>;
  /** Outcomes that are being committed. */
  recording: number;
  /** Set while rows are being written for deliveries that take long; never rejects. */
  writingRows: Promise<void> | null;
  /** Whether the database rejected an outcome, so that the batch has to be fanned out again. */
  isBroken: boolean;
}

/** What the receiver is told; the public id of an event is its publisher's own where one was given. */
export function deliveryContent(work: DeliveryWork, target: WebhookTarget): DeliveryContent {
  return {
    eventType: work.event.type,
    timestamp: formatInstant(work.event.occurredAtMs),
    webhookId: target.publicId,
    deliveryId: formatId('del', work.id),
    eventId: work.event.clientEventId ?? formatId('event', work.event.id),
    version: work.event.version,
    data: work.event.data,
  };
}
