import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { Gauge, Registry } from 'prom-client';
import { SERVICE_POOL } from '#database/database.module';
import { QUEUE_BACKEND } from '#queues/queues.module';
import type { QueueBackend } from '#queues/queue-backend';
import { EVENT_QUEUE, INBOUND_QUEUE, WAKE_UP_QUEUE } from '#queues/queue-names';
import { Lanes } from './lanes/lanes';

/** Counting stops here, so that a scrape stays cheap however large the backlog is. */
const COUNT_LIMIT = 100_000;

interface Backlog {
  fan_outs: string;
  fan_outs_age: number;
  deliveries: string;
  deliveries_age: number;
  actions: string;
  actions_age: number;
}

/** Gauges of what waits; read from the database when Prometheus asks, and left out while it does not result. */
@Injectable()
export class BacklogMetrics {
  private reading: Promise<Backlog | null> | null = null;

  constructor(
    registry: Registry,
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    @Inject(QUEUE_BACKEND) queues: QueueBackend,
    lanes: Lanes,
  ) {
    const registers = [registry];
    const waiting = new Gauge({
      name: 'webhooks_backlog',
      help: `Batches of events to fan out, and deliveries and inbound actions that are due and held by no dispatcher; counted up to ${COUNT_LIMIT}.`,
      labelNames: ['kind'],
      registers,
      collect: async () => {
        const backlog = await this.current();
        waiting.reset();
        if (backlog === null) return;
        waiting.set({ kind: 'fan_out' }, Number(backlog.fan_outs));
        waiting.set({ kind: 'delivery' }, Number(backlog.deliveries));
        waiting.set({ kind: 'inbound_action' }, Number(backlog.actions));
      },
    });
    const age = new Gauge({
      name: 'webhooks_backlog_oldest_seconds',
      help: 'For how long the oldest of them has been due.',
      labelNames: ['kind'],
      registers,
      collect: async () => {
        const backlog = await this.current();
        age.reset();
        if (backlog === null) return;
        age.set({ kind: 'fan_out' }, backlog.fan_outs_age);
        age.set({ kind: 'delivery' }, backlog.deliveries_age);
        age.set({ kind: 'inbound_action' }, backlog.actions_age);
      },
    });
    const held = new Gauge({
      name: 'webhooks_deliveries_held',
      help: 'Deliveries in this dispatcher: under way, and waiting for their turn.',
      labelNames: ['where'],
      registers,
      collect: () => {
        const size = lanes.size();
        held.set({ where: 'in_flight' }, size.inFlight);
        held.set({ where: 'queued' }, size.queued);
      },
    });
    const depth = new Gauge({
      name: 'webhooks_queue_depth',
      help: 'Jobs in BullMQ that wait or are delayed.',
      labelNames: ['queue'],
      registers,
      collect: async () => {
        depth.reset();
        for (const queue of [EVENT_QUEUE, INBOUND_QUEUE, WAKE_UP_QUEUE]) {
          const jobs = await queues.depth(queue);
          if (jobs !== null) depth.set({ queue }, jobs);
        }
      },
    });
  }

  /** The gauges of one scrape share a reading. */
  private current(): Promise<Backlog | null> {
    this.reading ??= this.read()
      .catch(() => null)
      .finally(() => {
        this.reading = null;
      });
    return this.reading;
  }

  private async read(): Promise<Backlog | null> {
    const result = await this.pool.query<Backlog>({
      name: 'backlog',
      text: `
        WITH RECURSIVE oldest AS (
          (SELECT webhook_id, due_at FROM waiting_deliveries ORDER BY webhook_id, due_at LIMIT 1)
          UNION ALL
          SELECT next.webhook_id, next.due_at FROM oldest CROSS JOIN LATERAL (
            SELECT webhook_id, due_at FROM waiting_deliveries w WHERE w.webhook_id > oldest.webhook_id
            ORDER BY webhook_id, due_at LIMIT 1) next
        )
        SELECT
          (SELECT count(*) FROM (SELECT FROM event_batches WHERE owner IS NULL AND due_at <= now() LIMIT ${COUNT_LIMIT}) p) AS fan_outs,
          coalesce((SELECT greatest(0, extract(epoch FROM now() - min(due_at)))::float8 FROM event_batches WHERE owner IS NULL AND due_at <= now()), 0) AS fan_outs_age,
          (SELECT count(*) FROM (SELECT FROM waiting_deliveries WHERE due_at <= now() LIMIT ${COUNT_LIMIT}) w) AS deliveries,
          coalesce((SELECT greatest(0, extract(epoch FROM now() - min(due_at)))::float8 FROM oldest WHERE due_at <= now()), 0) AS deliveries_age,
          (SELECT count(*) FROM (SELECT FROM waiting_inbound_actions WHERE owner IS NULL AND due_at <= now() LIMIT ${COUNT_LIMIT}) a) AS actions,
          coalesce((SELECT greatest(0, extract(epoch FROM now() - min(due_at)))::float8 FROM waiting_inbound_actions
            WHERE owner IS NULL AND due_at <= now()), 0) AS actions_age`,
    });
    return result.rows[0] ?? null;
  }
}
