import type { Pool } from 'pg';
import type { CachedToken } from './token-cache';
import { findTokens, type TokenRow } from './token-lookup.queries';

interface Wanted {
  hash: Buffer;
  found: Promise<CachedToken>;
  resolve: (token: CachedToken) => void;
  reject: (error: unknown) => void;
}

/**
 * Looks tokens up with at most one statement under way: what is asked for meanwhile goes into the next one, so that a
 * flood of unknown tokens costs one connection, and requests with the same token share one lookup.
 */
export class TokenLoader {
  private waiting = new Map<string, Wanted>();
  private underWay = new Map<string, Wanted>();

  constructor(private readonly pool: Pool) {}

  /** @throws what the driver throws when the database is away. */
  load(key: string, hash: Buffer): Promise<CachedToken> {
    // A lookup under way may have read before a change that its caller knows of; it is shared only before it begins.
    const wanted = this.waiting.get(key) ?? newWanted(hash);
    this.waiting.set(key, wanted);
    if (this.underWay.size === 0) void this.run();
    return wanted.found;
  }

  private async run(): Promise<void> {
    while (this.waiting.size > 0) {
      this.underWay = this.waiting;
      this.waiting = new Map();
      const wanted = [...this.underWay.values()];
      try {
        const rows = await findTokens(
          this.pool,
          wanted.map(({ hash }) => hash),
        );
        const rowOf = new Map(rows.map((row) => [row.hash.toString('base64'), row]));
        for (const [key, { resolve }] of this.underWay) resolve(cachedToken(rowOf.get(key)));
      } catch (error) {
        for (const { reject } of wanted) reject(error);
      }
    }
    this.underWay = new Map();
  }
}

function newWanted(hash: Buffer): Wanted {
  const { promise, resolve, reject } = withResolvers<CachedToken>();
  return { hash, found: promise, resolve, reject };
}

/** Promise.withResolvers, which Node 20 does not have. */
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  return { promise, resolve, reject };
}

function cachedToken(row: TokenRow | undefined): CachedToken {
  if (row === undefined) return { refusal: 'unknown', tokenId: null, tenantId: null };
  if (row.revoked_at !== null) return { refusal: 'revoked', tokenId: row.id, tenantId: row.tenant_id };
  if (row.suspended) return { refusal: 'suspended', tokenId: row.id, tenantId: row.tenant_id };
  return {
    refusal: null,
    expiresAtMs: row.expires_at?.getTime() ?? null,
    caller: {
      tenantId: row.tenant_id,
      userId: row.user_id,
      tokenId: row.id,
      projectId: row.project_id,
      scopes: row.scopes,
      limits: row.limits,
      eventTypesVersion: BigInt(row.event_types_version),
    },
  };
}
