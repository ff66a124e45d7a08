import type { Pool } from 'pg';
import type { Logger } from '#observability/logger';
import { markTokensUsed } from './token-lookup.queries';

/** A token's last use is noted at most this often. */
const NOTE_EVERY_MS = 60_000;
const WRITE_AFTER_MS = 2_000;
const MAX_REMEMBERED = 10_000;

/** Notes when tokens were last used: at most once a minute per token, many in one statement, never in a request. */
export class TokenUsage {
  private notedAtMs = new Map<string, number>();
  private readonly unwritten = new Set<string>();
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly pool: Pool,
    private readonly logger: Logger,
  ) {}

  /** @param nowMs of a monotonic clock. */
  note(tokenId: string, nowMs: number): void {
    const notedAtMs = this.notedAtMs.get(tokenId);
    if (notedAtMs !== undefined && nowMs - notedAtMs < NOTE_EVERY_MS) return;
    // Forgetting costs one statement that changes nothing, since the statement asks for the minute too.
    if (this.notedAtMs.size >= MAX_REMEMBERED) this.notedAtMs = new Map();
    this.notedAtMs.set(tokenId, nowMs);
    this.unwritten.add(tokenId);
    this.timer ??= setTimeout(() => void this.write(), WRITE_AFTER_MS).unref();
  }

  /** Writes what was noted. Never rejects: a last use that is lost harms nobody. */
  async write(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.unwritten.size === 0) return;
    const tokenIds = [...this.unwritten];
    this.unwritten.clear();
    try {
      await markTokensUsed(this.pool, tokenIds);
    } catch (error) {
      this.logger.debug({ error: String(error) }, 'the last use of tokens was not noted');
    }
  }
}
