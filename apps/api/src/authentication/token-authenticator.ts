import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Pool } from 'pg';
import { SERVICE_POOL } from '#database/database.module';
import { AppError } from '#kernel/app-error';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import type { TokenHolder } from '../caller/caller';
import { unauthorized } from './unauthorized';
import { FailedLogins } from './failed-logins';
import { TokenCache, type CachedToken, type Refusal } from './token-cache';
import { TokenFreshness } from './token-freshness';
import { TokenLoader } from './token-loader';
import { readTokenChanges, type TokenChange } from './token-lookup.queries';
import { MAX_TOKEN_LENGTH, MIN_TOKEN_LENGTH, tokenKey } from './token-text';
import { TokenUsage } from './token-usage';
import { TokenWatch, type Origin } from './token-watch';

const CACHE_SIZE = 10_000;
/** Only a backstop, changes are looked for all the time. */
const KEEP_ACCEPTED_MS = 60_000;
const KEEP_REFUSED_MS = 1_500;

/** Tells who presents a token, from memory; changes made elsewhere are effective within a second. */
@Injectable()
export class TokenAuthenticator implements BeforeApplicationShutdown {
  private readonly cache = new TokenCache(CACHE_SIZE, KEEP_ACCEPTED_MS, KEEP_REFUSED_MS);
  private readonly loader: TokenLoader;
  private readonly freshness: TokenFreshness;
  private readonly usage: TokenUsage;
  private readonly watch: TokenWatch;
  private forgotAtMs = -Infinity;
  private seenChanges = new Set<string>();

  constructor(
    @Inject(SERVICE_POOL) pool: Pool,
    @Inject(LOGGER) logger: Logger,
    @Inject(FailedLogins) private readonly failedLogins: FailedLogins,
  ) {
    this.watch = new TokenWatch(pool, logger);
    this.loader = new TokenLoader(pool);
    this.usage = new TokenUsage(pool, logger);
    this.freshness = new TokenFreshness(
      async () => {
        this.evict(await readTokenChanges(pool));
      },
      () => {
        this.cache.clear();
      },
    );
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.usage.write(), this.watch.write()]);
  }

  /**
   * Whom a token stands for: at once when it is known, after a lookup otherwise.
   * @throws AppError 401 for an unknown, revoked or expired token, 403 for a suspended tenant, 429 after too many of
   * those; what the driver throws when a lookup is needed while the database is away.
   */
  authenticate(token: string, origin: Origin): TokenHolder | Promise<TokenHolder> {
    const nowMs = performance.now();
    if (token.length < MIN_TOKEN_LENGTH || token.length > MAX_TOKEN_LENGTH) {
      this.failedLogins.refuseSlowed(origin.network, nowMs);
      throw this.refuse('unknown', null, origin, nowMs);
    }
    const key = tokenKey(token);
    // Whoever was let in from there before shares the address with the one who guesses.
    if (origin.network === null || !this.watch.wasUsed(key, origin.network, nowMs)) {
      this.failedLogins.refuseSlowed(origin.network, nowMs);
    }
    return this.holderOf(key, origin);
  }

  /** Whom a stored token stands for that somebody acts with who does not present it. @throws as {@link authenticate}. */
  async authenticateStored(hash: Buffer, origin: Origin): Promise<TokenHolder> {
    return this.holderOf(hash.toString('base64'), origin);
  }

  /** Makes a change that this instance made effective at once. */
  forget(changed: { tokenIds?: string[]; tenantIds?: string[] }): void {
    this.forgotAtMs = performance.now();
    this.cache.forget(changed.tokenIds ?? [], changed.tenantIds ?? []);
  }

  /** A change stays in sight for a while; it counts when it is seen first. */
  private evict(changes: TokenChange[]): void {
    const keyOf = ({ id, at }: TokenChange): string => `${id} ${at.getTime()}`;
    const unseen = changes.filter((change) => !this.seenChanges.has(keyOf(change)));
    this.seenChanges = new Set(changes.map(keyOf));
    const idsOf = (kind: string): string[] => unseen.filter((change) => change.kind === kind).map(({ id }) => id);
    this.cache.forget(idsOf('token'), idsOf('tenant'));
  }

  /** @param key the token's hash in base64. */
  private holderOf(key: string, origin: Origin): TokenHolder | Promise<TokenHolder> {
    const waiting = this.freshness.ensure(performance.now());
    if (waiting !== null) return waiting.then(() => this.known(key, origin) ?? this.load(key, origin));
    return this.known(key, origin) ?? this.load(key, origin);
  }

  private known(key: string, origin: Origin): TokenHolder | null {
    const token = this.cache.get(key, performance.now());
    return token === null ? null : this.admit(key, token, origin);
  }

  private async load(key: string, origin: Origin): Promise<TokenHolder> {
    const askedAtMs = performance.now();
    const token = await this.loader.load(key, Buffer.from(key, 'base64'));
    // What was read before the end of a look may be older than a change which that look saw and no later one tells of.
    if (askedAtMs >= Math.max(this.freshness.endedAtMs, this.forgotAtMs)) this.cache.put(key, token, performance.now());
    return this.admit(key, token, origin);
  }

  private admit(key: string, token: CachedToken, origin: Origin): TokenHolder {
    const nowMs = performance.now();
    if (token.refusal !== null) throw this.refuse(token.refusal, token, origin, nowMs);
    const { caller } = token;
    if (token.expiresAtMs !== null && token.expiresAtMs <= Date.now()) {
      throw this.refuse('expired', caller, origin, nowMs);
    }
    this.usage.note(caller.tokenId, nowMs);
    this.watch.used(key, caller, origin, nowMs);
    return caller;
  }

  private refuse(
    reason: RefusalReason,
    token: { tokenId: string | null; tenantId: string | null } | null,
    origin: Origin,
    nowMs: number,
  ): AppError {
    this.failedLogins.note(origin.network, reason, nowMs);
    const { tokenId = null, tenantId = null } = token ?? {};
    if (tokenId !== null && tenantId !== null) this.watch.refused({ tokenId, tenantId }, reason, origin, nowMs);
    return refused(reason);
  }
}

type RefusalReason = Refusal | 'expired';

function refused(reason: RefusalReason): AppError {
  switch (reason) {
    case 'unknown':
      return unauthorized('invalid_token', 'The token is not valid', 'invalid_token');
    case 'revoked':
      return unauthorized('revoked_token', 'The token was revoked', 'invalid_token');
    case 'expired':
      return unauthorized('expired_token', 'The token has expired', 'invalid_token');
    case 'suspended':
      return new AppError(403, 'tenant_suspended', 'The tenant is suspended');
  }
}
