import { EventEmitter } from 'node:events';
import { Acquisitions } from './acquisitions';
import type { DeliveryWork } from './delivery-work';
import { sizeOf, type Lane } from './lane';
import { NO_LIMITS, Pace, type LaneLimits } from './pace';
import type { Slots } from './slots';
import { Turns } from './turns';
import { WorkQueue } from './work-queue';

export interface LanesOptions {
  slots: Slots;
  /** Requests under way at once to one webhook. */
  maxInFlightPerWebhook: number;
  /** Deliveries held for one webhook, waiting and under way. */
  laneCapacity: number;
  /** Payload bytes held over all lanes. */
  maxBytes: number;
}

/** What a lane learns from a request: any response, even an error, shows that the endpoint is reachable. */
export type LaneSignal = 'responded' | 'overloaded' | 'unreachable';

/** What {@link Lanes} tells its listeners, synchronously. */
interface LaneEvents {
  /** A delivery's turn has come: begin its attempt, which must end in {@link Lanes.finished}. */
  turn: [work: DeliveryWork];
  /** More of this webhook waits in the database and may be claimed now. */
  wanted: [webhook: { tenantId: string; webhookId: string }];
}

/** The limit of a new lane. Each response doubles it, so a working endpoint soon reaches its maximum. */
const START_LIMIT = 2;
/** Requests of a webhook begun and not recorded, as a multiple of those it may have under way; 1 while none are recorded. */
export const UNRECORDED_SHARE = 4;

/**
 * Deliveries held in memory: one lane for each webhook; tenants take turns and, within a tenant, its webhooks do.
 * What does not fit stays in the database and is claimed later.
 *
 * The states of a delivery here:
 *
 *     waiting -> in flight -> unrecorded -> gone
 *        |          |
 *        |          +- its turn ended without a request -> gone
 *        +- takeLane, takeAll -> gone
 *
 * - {@link push} adds it as waiting. Its lane is ready while it is below its limits and its pace allows a start.
 * - waiting -> in flight: the lane is ready, it is its tenant's turn, and a slot is free (event `turn`).
 * - in flight -> unrecorded: the request has ended ({@link requestEnded}); the lane may start its next one.
 * - unrecorded -> gone: the outcome is committed ({@link finished}), which frees the slot.
 *
 * A lane exists while it holds a delivery, while more of its webhook waits in the database (`backlogged`), while its limit
 * is reduced, and until its pace allows the next start. {@link pause} is final.
 */
export class Lanes {
  readonly events = new EventEmitter<LaneEvents>();
  /** Deliveries on their way into lanes. */
  readonly acquisitions = new Acquisitions();
  private readonly lanes = new Map<string, Lane>();
  private readonly turns = new Turns<Lane>();
  private readonly held = new Set<string>();
  private readonly idleListeners: (() => void)[] = [];
  private bytes = 0;
  private paused = false;
  private unrecordedShare = UNRECORDED_SHARE;

  private readonly slots: Slots;

  constructor(private readonly options: LanesOptions) {
    this.slots = options.slots;
  }

  /** Whether a delivery waits in a lane or is under way, until its outcome is committed. */
  holds(id: string): boolean {
    return this.held.has(id);
  }

  /** How many more deliveries a webhook's lane takes just now. */
  room(webhookId: string): number {
    if (this.paused || this.bytes >= this.options.maxBytes) return 0;
    const lane = this.lanes.get(webhookId);
    return lane === undefined ? this.options.laneCapacity : Math.max(0, this.options.laneCapacity - sizeOf(lane));
  }

  /** Sets what the webhook allows; from now on. */
  setLimits(tenantId: string, webhookId: string, limits: LaneLimits): void {
    if (limits.perSecond === null && limits.inFlight === null && !this.lanes.has(webhookId)) return;
    const lane = this.laneOf(tenantId, webhookId);
    lane.limits = limits;
    if (limits.perSecond === null) lane.pace = null;
    else if (lane.pace === null) lane.pace = new Pace(limits.perSecond, performance.now());
    else lane.pace.setRate(limits.perSecond);
  }

  /** Whether anything of the webhook is held here. */
  isBusy(webhookId: string): boolean {
    const lane = this.lanes.get(webhookId);
    return lane !== undefined && sizeOf(lane) > 0;
  }

  /** Whether older deliveries of the webhook wait in the database, which newer ones must not overtake. */
  isBacklogged(webhookId: string): boolean {
    return this.lanes.get(webhookId)?.backlogged ?? false;
  }

  /** Notes whether outcomes can be recorded: what is sent while they cannot be is sent again after a crash. */
  setRecording(isRecording: boolean): void {
    this.unrecordedShare = isRecording ? UNRECORDED_SHARE : 1;
  }

  /** Asks for more of a webhook to be claimed from the database, whatever its lane holds. */
  requestMore(webhook: { tenantId: string; webhookId: string }): void {
    this.events.emit('wanted', webhook);
  }

  /** Notes that more of the webhook waits in the database. */
  setBacklogged(tenantId: string, webhookId: string): void {
    this.laneOf(tenantId, webhookId).backlogged = true;
  }

  /** Notes that nothing of the webhook waits in the database any more. */
  clearBacklog(webhookId: string): void {
    const lane = this.lanes.get(webhookId);
    if (lane === undefined) return;
    lane.backlogged = false;
    this.dropIfEmpty(lane);
  }

  /** Takes deliveries that this dispatcher owns; they begin as turns come. */
  push(works: DeliveryWork[]): void {
    for (const work of works) {
      const lane = this.laneOf(work.tenantId, work.webhookId);
      lane.queue.push(work);
      this.held.add(work.id);
      this.bytes += work.event.data.length;
      this.makeReady(lane);
    }
    this.pump();
  }

  /** Notes the end of a request, so that the lane may start the next. The slot stays taken until {@link finished}. */
  requestEnded(work: DeliveryWork, signal: LaneSignal): void {
    const lane = this.laneOf(work.tenantId, work.webhookId);
    lane.inFlight -= 1;
    lane.unrecorded += 1;
    if (signal === 'responded') lane.limit = Math.min(lane.limit * 2, this.options.maxInFlightPerWebhook);
    if (signal === 'unreachable' || signal === 'overloaded') lane.limit = Math.max(1, Math.floor(lane.limit / 2));
    this.makeReady(lane);
    this.pump();
  }

  /**
   * Frees a delivery's slot after its outcome is recorded.
   * @param hasRequestEnded whether {@link requestEnded} was called; not where the turn ended without a request.
   */
  finished(work: DeliveryWork, hasRequestEnded: boolean): void {
    const lane = this.laneOf(work.tenantId, work.webhookId);
    this.held.delete(work.id);
    if (hasRequestEnded) lane.unrecorded -= 1;
    else lane.inFlight -= 1;
    this.slots.release(work.id);
    this.bytes -= work.event.data.length;
    this.makeReady(lane);
    this.turns.reconsider(lane.tenantId);
    if (lane.backlogged && sizeOf(lane) <= this.options.laneCapacity / 2)
      this.requestMore({ tenantId: lane.tenantId, webhookId: lane.webhookId });
    this.dropIfEmpty(lane);
    if (this.slots.inFlight === 0) for (const resolve of this.idleListeners.splice(0)) resolve();
    this.pump();
  }

  /** Frees the slots of requests that have become slow; to be called a few times a second. */
  sweep(): void {
    if (this.slots.sweep(performance.now()) === 0) return;
    this.turns.reconsiderAll();
    this.pump();
  }

  /** Stops starting attempts and taking deliveries. */
  pause(): void {
    this.paused = true;
  }

  /** Takes every delivery that has not started out of its lane. */
  takeAll(): DeliveryWork[] {
    return [...this.lanes.keys()].flatMap((webhookId) => this.takeLane(webhookId));
  }

  /** {@link takeAll} of one webhook. */
  takeLane(webhookId: string): DeliveryWork[] {
    const lane = this.lanes.get(webhookId);
    if (lane === undefined) return [];
    const left = lane.queue.takeAll();
    for (const work of left) {
      this.bytes -= work.event.data.length;
      this.held.delete(work.id);
    }
    this.dropIfEmpty(lane);
    return left;
  }

  /** Resolves once nothing is under way. */
  untilIdle(): Promise<void> {
    if (this.slots.inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.idleListeners.push(resolve));
  }

  /** Figures for metrics and for the stop. */
  size(): { inFlight: number; slow: number; queued: number; bytes: number; lanes: number } {
    let queued = 0;
    for (const lane of this.lanes.values()) queued += lane.queue.length;
    return {
      inFlight: this.slots.inFlight,
      slow: this.slots.slowCount,
      queued,
      bytes: this.bytes,
      lanes: this.lanes.size,
    };
  }

  private pump(): void {
    while (!this.paused && this.slots.hasFree()) {
      const lane = this.turns.next((tenantId) => this.slots.hasFreeFor(tenantId));
      if (lane === null) return;
      this.startNext(lane);
    }
  }

  private startNext(lane: Lane): void {
    lane.ready = false;
    const work = lane.queue.shift();
    if (work === undefined) return;
    lane.inFlight += 1;
    lane.pace?.start(performance.now());
    this.slots.take(lane.tenantId, work.id, performance.now());
    this.makeReady(lane);
    this.events.emit('turn', work);
  }

  private makeReady(lane: Lane): void {
    if (lane.ready || lane.queue.length === 0) return;
    const limit = Math.min(lane.limit, lane.limits.inFlight ?? lane.limit);
    if (lane.inFlight >= limit || lane.inFlight + lane.unrecorded >= limit * this.unrecordedShare) return;
    if (this.waitsForPace(lane)) return;
    lane.ready = true;
    this.turns.add(lane);
  }

  /** Whether the lane has to wait for its pace; if so, a timer continues it. */
  private waitsForPace(lane: Lane): boolean {
    const waitMs = lane.pace?.waitMs(performance.now()) ?? 0;
    if (waitMs === 0) return false;
    lane.timer ??= setTimeout(() => {
      lane.timer = null;
      this.makeReady(lane);
      this.dropIfEmpty(lane);
      this.pump();
    }, waitMs).unref();
    return true;
  }

  private laneOf(tenantId: string, webhookId: string): Lane {
    let lane = this.lanes.get(webhookId);
    if (lane === undefined) {
      const limit = Math.min(START_LIMIT, this.options.maxInFlightPerWebhook);
      lane = {
        ...{ tenantId, webhookId, queue: new WorkQueue(), inFlight: 0, unrecorded: 0, limit },
        ...{ backlogged: false, ready: false, limits: NO_LIMITS, pace: null, timer: null },
      };
      this.lanes.set(webhookId, lane);
    }
    return lane;
  }

  /** Deletes a lane that holds nothing, so that memory grows with the work and not with the number of webhooks. */
  private dropIfEmpty(lane: Lane): void {
    if (sizeOf(lane) > 0 || lane.backlogged || lane.limit < START_LIMIT) return;
    // Its pace must outlive its work, or the next delivery would come too soon.
    if (this.waitsForPace(lane)) return;
    this.lanes.delete(lane.webhookId);
  }
}
