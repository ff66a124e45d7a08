const MAX_REMEMBERED = 10_000;

/** Channels whose provider said when to come again: until then nothing is sent there from this process. */
export class ChannelPauses {
  /** Monotonic ms until which a channel is left alone. */
  private readonly until = new Map<string, number>();

  pause(channelId: string, forMs: number): void {
    if (this.until.size >= MAX_REMEMBERED) this.until.clear();
    this.until.set(channelId, Math.max(this.until.get(channelId) ?? 0, performance.now() + forMs));
  }

  /** 0 when the channel may be sent to. */
  leftMs(channelId: string): number {
    const left = Math.ceil((this.until.get(channelId) ?? 0) - performance.now());
    if (left > 0) return left;
    this.until.delete(channelId);
    return 0;
  }
}
