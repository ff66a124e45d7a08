import { lookup, Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

/** Finds all addresses of a host name; rejects when there is none. */
export type ResolveHost = (hostname: string) => Promise<string[]>;

export interface HostResolverOptions {
  readonly hostsFile?: string;
  /** DNS servers as `address` or `address:port`; by default those of the system. */
  readonly servers?: readonly string[];
  /** For one question to one server; each is asked twice. */
  readonly timeoutMs?: number;
}

/** How long the system's list of DNS servers is used before it is read again. */
const RESOLVER_LIFETIME_MS = 30_000;

/**
 * Makes the resolver that deliveries use: the hosts file, then DNS without a thread, then the system.
 *
 * `dns.lookup` alone would do the same, but runs in libuv's pool, where two lookups at a time may
 * wait: a handful of webhooks whose name servers are dead would stop the lookups of all others.
 * Here a name whose servers do not answer costs no thread and fails on its own.
 */
export function createHostResolver(options: HostResolverOptions = {}): ResolveHost {
  const { hostsFile = '/etc/hosts', servers, timeoutMs = 2_500 } = options;
  let resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
  let madeAtMs = -Infinity;

  function currentResolver(): Resolver {
    const nowMs = performance.now();
    if (nowMs - madeAtMs > RESOLVER_LIFETIME_MS) {
      resolver = new Resolver({ timeout: timeoutMs, tries: 2 });
      if (servers !== undefined) resolver.setServers(servers);
      madeAtMs = nowMs;
    }
    return resolver;
  }

  return async (hostname) => {
    const fromFile = await readHostsFile(hostsFile, hostname);
    if (fromFile.length > 0) return fromFile;
    const dns = currentResolver();
    const [ipv4, ipv6] = await Promise.allSettled([dns.resolve4(hostname), dns.resolve6(hostname)]);
    const addresses = [ipv4, ipv6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (addresses.length > 0) return addresses;
    for (const answer of [ipv4, ipv6]) {
      if (answer.status === 'rejected' && !mayAskSystemAfter(answer.reason)) throw answer.reason;
    }
    return (await lookup(hostname, { all: true })).map(({ address }) => address);
  };
}

/** The addresses that a hosts file gives a name; none when there is no such file. */
async function readHostsFile(path: string, hostname: string): Promise<string[]> {
  const wanted = hostname.toLowerCase().replace(/\.$/, '');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/);
    return isIP(address) !== 0 && names.includes(wanted) ? [address] : [];
  });
}

/** After these answers the system may know more: search domains, mDNS; or there is no DNS server at all. */
function mayAskSystemAfter(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  return error.code === 'ENOTFOUND' || error.code === 'ENODATA' || error.code === 'ECONNREFUSED';
}
