import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { Gauge, Registry } from 'prom-client';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { SERVICE_POOL } from '#database/database.module';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { DispatcherIdentity } from '../ownership/dispatcher-identity';
import { claimRuns, type DueEndpoint, type EndpointRoom } from './claim-runs.queries';
import { DueEndpoints } from './due-endpoints';
import type { ClaimedRun } from './inbound-work';
import { findOwnedRuns, releaseOrphanRuns } from './record-runs.queries';
import { RunAction } from './run-action';
import { RunSlots } from './run-slots';

const MAX_PER_ENDPOINT = 16;
/** Runs of one claim: their requests' bodies come along. */
const MAX_PER_CLAIM = 32;
/** Outcomes that wait for their commit; beyond it nothing begins. */
const MAX_UNRECORDED = 200;
/** After a round that claimed several, more may gather for the next; its cost is mostly fixed. */
const PAUSE_PER_DURATION = 0.5;
const MAX_PAUSE_MS = 10;
const SWEEP_MS = 250;
const ORPHAN_PATIENCE_MS = 1_000;

/**
 * Runs the actions of accepted requests. What waits stands in the database, with its due time. Rounds claim it, one at a
 * time: for the endpoints that a signal names, again for those that have more as their runs end, and, at wake-ups and
 * every second, for all of which something is due.
 */
@Injectable()
export class InboundActions {
  private readonly places: RunSlots;
  private readonly held = new Map<string, Promise<void>>();
  private readonly stopping = new AbortController();
  private readonly interrupting = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private upcoming: Promise<void> | null = null;
  private pauseMs = 0;
  private readonly due: DueEndpoints;
  private sweeping: NodeJS.Timeout | undefined;

  constructor(
    @Inject(ENVIRONMENT) environment: Environment,
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    private readonly identity: DispatcherIdentity,
    private readonly action: RunAction,
    registry: Registry,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.places = new RunSlots(environment.inboundMaxInFlight, MAX_PER_ENDPOINT);
    this.due = new DueEndpoints(pool);
    const inFlight = new Gauge({
      name: 'webhooks_inbound_actions_in_flight',
      help: 'Inbound actions under way in this dispatcher.',
      registers: [registry],
      collect: () => {
        inFlight.set(this.places.inFlight);
      },
    });
  }

  start(): void {
    this.sweeping = setInterval(() => {
      if (this.places.sweep(performance.now())) this.askForRound();
    }, SWEEP_MS);
  }

  /** Lets runs under way finish for up to `graceMs`, then interrupts them, and hands back what is not finished. */
  async stop(graceMs: number): Promise<void> {
    this.stopping.abort();
    clearInterval(this.sweeping);
    while (this.upcoming !== null) await this.upcoming.catch(() => undefined); // whoever asked for the round is told
    await this.running.catch(() => undefined);
    const finished = Promise.all(this.held.values());
    const patience = new AbortController();
    const deadline = delay(graceMs, undefined, { signal: patience.signal }).catch(() => undefined);
    await Promise.race([finished, deadline]);
    patience.abort();
    this.interrupting.abort();
    await finished;
  }

  /** Claims runs of these soon. */
  claimFor(endpoints: DueEndpoint[]): void {
    this.due.add(endpoints);
    this.askForRound();
  }

  /** Looks for due runs of every endpoint; resolves after one round. @throws what the database throws. */
  claimAll(): Promise<void> {
    this.due.wantLook();
    return this.nextRound();
  }

  private nextRound(): Promise<void> {
    this.upcoming ??= this.roundAfter(this.running);
    return this.upcoming;
  }

  /** Lets runs wait for anyone that the database shows as ours and that are not held: a broken connection left them. */
  async releaseOrphans(signal: AbortSignal): Promise<void> {
    const owner = this.identity.id;
    const orphans = async (): Promise<string[]> =>
      (await findOwnedRuns(this.pool, owner)).filter((runId) => !this.held.has(runId));
    const suspects = await orphans();
    if (suspects.length === 0) return;
    // Twice, since a claim commits before its runs are held, and a recording before they are let go; what a slow machine
    // is claiming just now is held once the round is over.
    await delay(ORPHAN_PATIENCE_MS, undefined, { signal }).catch(() => undefined);
    await this.running.catch(() => undefined);
    const still = (await orphans()).filter((runId) => suspects.includes(runId));
    if (still.length === 0) return;
    const released = await releaseOrphanRuns(this.pool, owner, still);
    if (released > 0)
      this.logger.warn({ released }, 'inbound actions that a broken connection left wait for anyone again');
  }

  private askForRound(): void {
    if (this.stopping.signal.aborted || !this.due.any) return;
    this.nextRound().catch(() => undefined); // the reconciler's round comes within a second
  }

  private async roundAfter(previous: Promise<void>): Promise<void> {
    await previous.catch(() => undefined);
    if (this.pauseMs > 0) await delay(this.pauseMs);
    this.upcoming = null;
    this.running = this.round();
    await this.running;
  }

  private async round(): Promise<void> {
    if (!this.mayBegin()) return;
    const beganAt = performance.now();
    const due = await this.due.take();
    const rooms = this.places.share(due, Math.random);
    const { count, exhausted } = await this.claim(rooms);
    this.pauseMs = count > 1 ? Math.min(MAX_PAUSE_MS, (performance.now() - beganAt) * PAUSE_PER_DURATION) : 0;
    this.due.add(due.filter(({ endpointId }) => !exhausted.has(endpointId)));
    if (rooms.length > 0 || this.due.wantsLook) this.askForRound();
  }

  private mayBegin(): boolean {
    const unrecorded = this.held.size - this.places.inFlight;
    return (
      !this.stopping.signal.aborted && this.identity.maySend() && this.places.free > 0 && unrecorded < MAX_UNRECORDED
    );
  }

  /** @returns how many were claimed, and the endpoints that have no more, since they were given less than they had room for. */
  private async claim(rooms: EndpointRoom[]): Promise<{ count: number; exhausted: Set<string> }> {
    let count = 0;
    const exhausted = new Set<string>();
    for (const part of parts(rooms, MAX_PER_CLAIM)) {
      if (!this.mayBegin()) break;
      try {
        const claimed = await claimRuns(this.pool, this.identity.id, part);
        for (const run of claimed) this.begin(run);
        count += claimed.length;
        for (const { endpointId, room } of part)
          if (claimed.filter(({ work }) => work.endpointId === endpointId).length < room) exhausted.add(endpointId);
      } catch (error) {
        // Whether it committed is unknown: what it claimed may be ours and not held.
        this.identity.suspectOrphans();
        throw error;
      }
    }
    return { count, exhausted };
  }

  // Who waits at the same endpoint does not wait for the commit of this one's outcome as well.
  private begin(run: ClaimedRun): void {
    const { work } = run;
    this.places.take(work, performance.now());
    const attempted = (): void => {
      this.places.release(work);
      this.askForRound();
    };
    const done = this.action.run(run, this.interrupting.signal, attempted).finally(() => {
      this.held.delete(work.runId);
      this.askForRound();
    });
    this.held.set(work.runId, done);
  }
}

/** Cuts rooms into parts of at most so many runs; a larger one comes alone. */
function parts(rooms: EndpointRoom[], maxRuns: number): EndpointRoom[][] {
  const cut: EndpointRoom[][] = [];
  let runs = Infinity;
  for (const room of rooms) {
    if (runs + room.room > maxRuns) {
      cut.push([]);
      runs = 0;
    }
    cut.at(-1)?.push(room);
    runs += room.room;
  }
  return cut;
}
