import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '#observability/logger';

/** Work that is done again and again, never twice at a time, until stopped; a failed round is logged once and tried again. */
export class Periodic {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private failing = false;

  constructor(
    private readonly name: string,
    private readonly everyMs: number,
    private readonly work: (signal: AbortSignal) => Promise<void>,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.running = this.loop();
  }

  /** Waits for the round under way. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async loop(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.work(signal);
        if (this.failing) this.logger.info(`${this.name} works again`);
        this.failing = false;
      } catch (error) {
        if (!this.failing) this.logger.warn({ error: String(error) }, `${this.name} failed; trying again`);
        this.failing = true;
      }
      await delay(this.everyMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
