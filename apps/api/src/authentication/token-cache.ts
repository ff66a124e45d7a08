import type { TokenHolder } from '../caller/caller';

/** Why a token is refused. */
export type Refusal = 'unknown' | 'revoked' | 'suspended';

/** A token that exists, or the reason for which it is refused. */
export type CachedToken = AcceptedToken | { refusal: Refusal; tokenId: string | null; tenantId: string | null };

export interface AcceptedToken {
  refusal: null;
  caller: TokenHolder;
  /** Unix ms; null: never. */
  expiresAtMs: number | null;
}

interface Entry {
  token: CachedToken;
  keepUntilMs: number;
}

/**
 * Tokens by their hash: the least recently used go first when it is full. Refusals have a room of their own and go
 * soon, so that guessing neither costs a lookup each nor pushes real tokens out.
 */
export class TokenCache {
  private readonly accepted = new Map<string, Entry>();
  private readonly refused = new Map<string, Entry>();

  constructor(
    private readonly size: number,
    private readonly keepAcceptedMs: number,
    private readonly keepRefusedMs: number,
  ) {}

  get(key: string, nowMs: number): CachedToken | null {
    const room = this.accepted.has(key) ? this.accepted : this.refused;
    const entry = room.get(key);
    if (entry === undefined) return null;
    room.delete(key);
    if (entry.keepUntilMs <= nowMs) return null;
    // Put in again, it is the last to go: a Map keeps the order of insertion.
    room.set(key, entry);
    return entry.token;
  }

  put(key: string, token: CachedToken, nowMs: number): void {
    const isAccepted = token.refusal === null;
    const room = isAccepted ? this.accepted : this.refused;
    (isAccepted ? this.refused : this.accepted).delete(key);
    room.set(key, { token, keepUntilMs: nowMs + (isAccepted ? this.keepAcceptedMs : this.keepRefusedMs) });
    if (room.size > this.size) {
      const oldest = room.keys().next();
      if (oldest.done !== true) room.delete(oldest.value);
    }
  }

  /** Forgets the tokens with these ids and those of these tenants. */
  forget(tokenIds: readonly string[], tenantIds: readonly string[]): void {
    if (tokenIds.length === 0 && tenantIds.length === 0) return;
    const [tokens, tenants] = [new Set<string | null>(tokenIds), new Set<string | null>(tenantIds)];
    for (const room of [this.accepted, this.refused]) {
      for (const [key, { token }] of room) {
        const { tokenId, tenantId } = token.refusal === null ? token.caller : token;
        if (tokens.has(tokenId) || tenants.has(tenantId)) room.delete(key);
      }
    }
  }

  clear(): void {
    this.accepted.clear();
    this.refused.clear();
  }
}
