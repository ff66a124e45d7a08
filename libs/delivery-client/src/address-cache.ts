import type { ResolveHost } from './host-resolver';

export interface AddressCacheOptions {
  /** Milliseconds on any clock that never goes back. */
  readonly nowMs?: () => number;
  readonly successTtlMs?: number;
  readonly failureTtlMs?: number;
  readonly maxEntries?: number;
}

interface Entry {
  readonly addresses: Promise<string[]>;
  /** Infinity while the answer is awaited, so that all who ask meanwhile share it. */
  expiresAtMs: number;
}

/**
 * Remembers what a resolver answered: addresses for 30 s, failures for 5 s, at most 10,000 names (the
 * oldest answers go first). Those who ask for the same name at the same time share one question.
 */
export function cacheAddresses(resolve: ResolveHost, options: AddressCacheOptions = {}): ResolveHost {
  const { nowMs = () => performance.now(), successTtlMs = 30_000, failureTtlMs = 5_000, maxEntries = 10_000 } = options;
  const entries = new Map<string, Entry>();

  return (hostname) => {
    const known = entries.get(hostname);
    if (known !== undefined && known.expiresAtMs > nowMs()) return known.addresses;

    const addresses = resolve(hostname);
    const entry: Entry = { addresses, expiresAtMs: Infinity };
    addresses.then(
      () => (entry.expiresAtMs = nowMs() + successTtlMs),
      () => (entry.expiresAtMs = nowMs() + failureTtlMs),
    );
    entries.delete(hostname);
    entries.set(hostname, entry);
    if (entries.size > maxEntries) {
      const [oldest] = entries.keys();
      if (oldest !== undefined) entries.delete(oldest);
    }
    return addresses;
  };
}
