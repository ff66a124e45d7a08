import type { Pool } from 'pg';
import { recordAudit, type AuditEntry } from '#database/audit-log.queries';
import { inTransaction } from '#database/in-transaction';
import { withPartitions } from '#database/with-partitions';
import { formatId } from '#kernel/ids';
import type { Logger } from '#observability/logger';
import { Recently } from '../audit-trail/recently';
import type { TokenHolder } from '../caller/caller';
import { clientNetwork } from '../http/client-ip';
import { noteTokenUses } from './token-watch.queries';

/** Where a request comes from. */
export interface Origin {
  readonly clientIp: string;
  /** Whom limits per address are counted for; null where that cannot be told. */
  readonly network: string | null;
  readonly requestId: string;
}

const WRITE_AFTER_MS = 2_000;
const MAX_REMEMBERED = 50_000;
const MAX_UNWRITTEN = 10_000;
const USED_FOR_MS = 24 * 3_600_000;
/** A client that keeps presenting a revoked token stands once an hour in the audit trail. */
const SAME_REFUSAL_MS = 3_600_000;

/**
 * Notes tokens that are used from where they never were, and tokens presented that are no longer good, for the audit
 * trail of their tenants: many in one transaction, never in a request.
 */
export class TokenWatch {
  private readonly uses = new Recently(MAX_REMEMBERED, USED_FOR_MS);
  private readonly refusals = new Recently(MAX_REMEMBERED, SAME_REFUSAL_MS);
  private unwrittenUses: { holder: TokenHolder; network: string; origin: Origin }[] = [];
  private unwrittenRefusals: AuditEntry[] = [];
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly pool: Pool,
    private readonly logger: Logger,
  ) {}

  /** Whether the token with this hash was let in from this network within a day, by this instance. */
  wasUsed(hash: string, network: string, nowMs: number): boolean {
    return this.uses.has(`${hash} ${network}`, nowMs);
  }

  /** @param nowMs of a monotonic clock. */
  used(hash: string, holder: TokenHolder, origin: Origin, nowMs: number): void {
    const network = clientNetwork(origin.clientIp);
    if (this.wasUsed(hash, network, nowMs)) return;
    this.uses.note(`${hash} ${network}`, nowMs);
    if (this.unwrittenUses.length < MAX_UNWRITTEN) this.unwrittenUses.push({ holder, network, origin });
    this.writeSoon();
  }

  refused(token: { tokenId: string; tenantId: string }, reason: string, origin: Origin, nowMs: number): void {
    const { tokenId, tenantId } = token;
    const key = `${tokenId} ${reason} ${clientNetwork(origin.clientIp)}`;
    if (this.refusals.has(key, nowMs) || this.unwrittenRefusals.length >= MAX_UNWRITTEN) return;
    this.refusals.note(key, nowMs);
    this.unwrittenRefusals.push({
      tenantId,
      actor: actorOf(tokenId, null, origin),
      action: 'token.refused',
      resource: { type: 'token', id: formatId('tok', tokenId) },
      details: { reason },
    });
    this.writeSoon();
  }

  /** Writes what was noted. Never rejects; what cannot be written now is tried again. */
  async write(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const [uses, refusals] = [this.unwrittenUses, this.unwrittenRefusals];
    if (uses.length === 0 && refusals.length === 0) return;
    [this.unwrittenUses, this.unwrittenRefusals] = [[], []];
    try {
      await withPartitions(this.pool, () =>
        inTransaction(this.pool, async (client) => {
          const fresh = await noteTokenUses(
            client,
            uses.map(({ holder, network }) => ({ tokenId: holder.tokenId, tenantId: holder.tenantId, network })),
          );
          const entries = uses.flatMap((use) => {
            const index = fresh.findIndex(
              ({ token_id, network }) => token_id === use.holder.tokenId && network === use.network,
            );
            const [noted] = index < 0 ? [] : fresh.splice(index, 1);
            if (noted === undefined) return [];
            for (const other of fresh) if (other.token_id === noted.token_id) other.is_first = false;
            return [entryOf(use, noted.is_first)];
          });
          await recordAudit(client, [...entries, ...refusals]);
        }),
      );
    } catch (error) {
      this.logger.warn({ error: String(error) }, 'uses of tokens could not be noted in the audit trail; trying again');
      this.unwrittenUses.unshift(...uses);
      this.unwrittenRefusals.unshift(...refusals);
      this.writeSoon();
    }
  }

  private writeSoon(): void {
    this.timer ??= setTimeout(() => void this.write(), WRITE_AFTER_MS).unref();
  }
}

function entryOf(
  { holder, network, origin }: { holder: TokenHolder; network: string; origin: Origin },
  isFirst: boolean,
): AuditEntry {
  const { tenantId, tokenId, userId, projectId } = holder;
  return {
    tenantId,
    projectId,
    actor: actorOf(tokenId, userId, origin),
    action: 'token.used_from_new_address',
    resource: { type: 'token', id: formatId('tok', tokenId) },
    details: { network, is_first_use: isFirst },
  };
}

function actorOf(tokenId: string, userId: string | null, { clientIp, requestId }: Origin): AuditEntry['actor'] {
  return { kind: 'token', tokenId, userId, clientIp, requestId };
}
