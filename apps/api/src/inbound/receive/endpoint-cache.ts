import { Inject, Injectable } from '@nestjs/common';
import { Pool } from 'pg';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { SERVICE_POOL, SECRET_BOX } from '#database/database.module';
import type { SecretBox } from '#database/secret-box';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { TokenFreshness } from '../../authentication/token-freshness';
import { BatchedLookup } from './batched-lookup';
import {
  findEndpointsByHookIds,
  findEndpointsByKeys,
  readEndpointChanges,
  type EndpointChange,
  type EndpointRow,
} from './endpoint-lookup.queries';
import { toReceivingEndpoint, type ReceivingEndpoint } from './receiving-endpoint';

/** What a URL names an endpoint by. */
export type EndpointAddress = { key: string } | { hookId: string };

interface Entry {
  /** Null: there is none. */
  endpoint: ReceivingEndpoint | null;
  keepUntilMs: number;
}

const MAX_ENDPOINTS = 10_000;
const MAX_UNKNOWN = 10_000;
/** Only a backstop, changes are looked for all the time. */
const KEEP_MS = 60_000;
/** Soon, since an endpoint that is made now must be found, and keys cannot be guessed anyway. */
const KEEP_UNKNOWN_MS = 500;

/**
 * Endpoints in memory by their address. Changes made elsewhere evict them within a second; and whatever is accepted by
 * an endpoint that changed since is refused by the accepting statement and judged again, so that no secret, rule or
 * action that is out of date ever accepts anything.
 */
@Injectable()
export class EndpointCache {
  private readonly known = new Map<string, Entry>();
  private readonly unknown = new Map<string, Entry>();
  private readonly byKey: BatchedLookup<EndpointRow>;
  private readonly byHookId: BatchedLookup<EndpointRow>;
  private readonly freshness: TokenFreshness;
  private seenChanges = new Set<string>();
  private forgotAtMs = -Infinity;

  constructor(
    @Inject(SERVICE_POOL) pool: Pool,
    @Inject(SECRET_BOX) private readonly box: SecretBox,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {
    this.byKey = new BatchedLookup(
      (keys) => findEndpointsByKeys(pool, keys),
      ({ url_key, previous_url_key }) => [url_key, ...(previous_url_key === null ? [] : [previous_url_key])],
    );
    this.byHookId = new BatchedLookup(
      (ids) => findEndpointsByHookIds(pool, ids),
      ({ hook_id }) => (hook_id === null ? [] : [hook_id]),
    );
    this.freshness = new TokenFreshness(
      async () => {
        this.evict(await readEndpointChanges(pool));
      },
      () => {
        this.known.clear();
      },
    );
  }

  /**
   * The endpoint at an address, at once when it is in memory; null when there is none.
   * @throws what the driver throws when it has to be looked up while the database is away.
   */
  find(address: EndpointAddress): ReceivingEndpoint | null | Promise<ReceivingEndpoint | null> {
    const waiting = this.freshness.ensure(performance.now());
    return waiting === null ? this.rememberedOrLoaded(address) : waiting.then(() => this.rememberedOrLoaded(address));
  }

  /** As {@link find}, and never from memory: for an endpoint that was found to be out of date. */
  reload(address: EndpointAddress): Promise<ReceivingEndpoint | null> {
    this.known.delete(nameOf(address));
    return this.load(address);
  }

  /** Makes a change that this instance made effective at once. */
  forget(endpointId: string): void {
    this.forgotAtMs = performance.now();
    this.drop((endpoint) => endpoint.id === endpointId);
    this.unknown.clear();
  }

  private rememberedOrLoaded(address: EndpointAddress): ReceivingEndpoint | null | Promise<ReceivingEndpoint | null> {
    const entry = this.remembered(address);
    return entry === null ? this.load(address) : entry.endpoint;
  }

  private remembered(address: EndpointAddress): Entry | null {
    const name = nameOf(address);
    const room = this.known.has(name) ? this.known : this.unknown;
    const entry = room.get(name);
    if (entry === undefined) return null;
    room.delete(name);
    if (entry.keepUntilMs <= performance.now()) return null;
    // Put in again, it is the last to go: a Map keeps the order of insertion.
    room.set(name, entry);
    return entry;
  }

  private async load(address: EndpointAddress): Promise<ReceivingEndpoint | null> {
    const askedAtMs = performance.now();
    const row = await ('key' in address ? this.byKey.find(address.key) : this.byHookId.find(address.hookId));
    const endpoint = row === undefined ? null : this.open(row);
    // What was read before the end of a look may be older than a change which that look saw and no later one tells of.
    if (askedAtMs >= Math.max(this.freshness.endedAtMs, this.forgotAtMs)) this.remember(nameOf(address), endpoint);
    return endpoint;
  }

  /** An endpoint that cannot be read is as if it were not there, and said to the operator. */
  private open(row: EndpointRow): ReceivingEndpoint | null {
    try {
      return toReceivingEndpoint(row, this.box, this.environment.inboundMaxBodyBytes);
    } catch (error) {
      this.logger.error({ endpoint: row.id, error: String(error) }, 'an inbound endpoint cannot be read');
      return null;
    }
  }

  private remember(name: string, endpoint: ReceivingEndpoint | null): void {
    const [room, size, keepMs] =
      endpoint === null ? [this.unknown, MAX_UNKNOWN, KEEP_UNKNOWN_MS] : [this.known, MAX_ENDPOINTS, KEEP_MS];
    room.set(name, { endpoint, keepUntilMs: performance.now() + keepMs });
    if (room.size > size) {
      const oldest = room.keys().next();
      if (oldest.done !== true) room.delete(oldest.value);
    }
  }

  /** A change stays in sight for a while; it counts when it is seen first. */
  private evict(changes: EndpointChange[]): void {
    const keyOf = ({ id, at }: EndpointChange): string => `${id} ${at.getTime()}`;
    const unseen = changes.filter((change) => !this.seenChanges.has(keyOf(change)));
    this.seenChanges = new Set(changes.map(keyOf));
    if (unseen.length === 0) return;
    const ids = new Set(unseen.map(({ id }) => id));
    this.drop((endpoint) => ids.has(endpoint.id) || ids.has(endpoint.tenantId));
  }

  private drop(isMeant: (endpoint: ReceivingEndpoint) => boolean): void {
    for (const [name, { endpoint }] of this.known) {
      if (endpoint !== null && isMeant(endpoint)) this.known.delete(name);
    }
  }
}

function nameOf(address: EndpointAddress): string {
  return 'key' in address ? `key:${address.key}` : `hook:${address.hookId}`;
}
