import type { Pool } from 'pg';
import type { AppProcess } from './app-process';

/** What is measured: the product, or the yardstick beside it. */
export interface Pipeline {
  readonly name: 'product' | 'bare';
  /** Where events are published. */
  readonly api: AppProcess;
  /** Those that deliver. */
  readonly dispatchers: AppProcess[];
  /** To its database, as superuser. */
  readonly pool: Pool;
  /** What its history has as delivered with one successful attempt: the webhook's path and the event's id. */
  recorded(): Promise<string[]>;
  /** Deliveries and batches of events that are still to be worked off, those that hang left out. */
  unfinished(): Promise<number>;
  addDispatcher(): Promise<AppProcess>;
  stop(): Promise<void>;
}
