import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { cacheAddresses } from './address-cache';
import { toBlockList } from '#kernel/cidrs';
import { createHostResolver, type ResolveHost } from './host-resolver';
import { isPublicAddress } from './special-ranges';
import { parseDeliveryUrl } from './delivery-url';

/** `error.code` when a host leads to an address that deliveries may not reach. */
export const BLOCKED_ADDRESS_CODE = 'ERR_BLOCKED_ADDRESS';
/** `error.code` when a host has no address, or its name servers do not answer. */
export const NAME_NOT_RESOLVED_CODE = 'ERR_NAME_NOT_RESOLVED';

export interface AddressGuardOptions {
  /** Special ranges that deliveries may reach all the same, such as `127.0.0.0/8`. */
  readonly allowedCidrs: readonly string[];
  readonly requireHttps: boolean;
  /** By default the hosts file, DNS and the system, cached. */
  readonly resolve?: ResolveHost;
}

/** A URL that may be delivered to, or why not; `reason` is a sentence that goes on from "The URL …". */
export type UrlCheck =
  | { readonly ok: true; readonly url: URL; readonly origin: string; readonly path: string }
  | { readonly ok: false; readonly cause: 'invalid_url' | 'blocked_address'; readonly reason: string };

export interface AddressGuard {
  /** Checks all of a URL that can be known without asking DNS. */
  checkUrl(url: string): UrlCheck;
  /** Says whether deliveries may reach an IP address. */
  checkAddress(address: string): boolean;
  /** Asks DNS too; for telling whoever enters a URL at once, since `lookup` checks again at each connection. */
  resolveAndCheck(url: string): Promise<'ok' | 'unresolvable' | 'blocked'>;
  /** The same guard with more special ranges allowed; equal lists in any order give the same guard, none gives this one. */
  allowing(cidrs: readonly string[]): AddressGuard;
  /** For `connect.lookup`: gives only vetted addresses, so the address that was vetted is the one dialled. */
  readonly lookup: LookupFunction;
}

/** Guards with other allow lists that are remembered: one for each list in use. */
const MAX_WIDER_GUARDS = 1_000;

/** Of 2,048 characters at most. */
const MAX_CHECKED_URLS = 10_000;

const LOOPBACK: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

/**
 * Makes the guard that keeps deliveries away from addresses that only we can reach.
 *
 * @throws Error when an allowed range is no range
 */
export function createAddressGuard(options: AddressGuardOptions): AddressGuard {
  const allowed = toBlockList(options.allowedCidrs);
  const resolve = options.resolve ?? cacheAddresses(createHostResolver());

  function checkAddress(address: string): boolean {
    const family = isIP(address);
    // A zone id names one of our own interfaces.
    if ((family !== 4 && family !== 6) || address.includes('%')) return false;
    return allowed.check(address, family === 4 ? 'ipv4' : 'ipv6') || isPublicAddress(address, family);
  }

  /** The same for each delivery of a webhook: what it depends on never changes. */
  const checkedUrls = new Map<string, UrlCheck>();
  function checkUrl(text: string): UrlCheck {
    const known = checkedUrls.get(text);
    if (known !== undefined) return known;
    const check = checkAnew(text);
    if (!check.ok) return check;
    if (checkedUrls.size >= MAX_CHECKED_URLS) checkedUrls.clear();
    checkedUrls.set(text, check);
    return check;
  }

  function checkAnew(text: string): UrlCheck {
    const parsed = parseDeliveryUrl(text, options.requireHttps);
    if (!parsed.ok) return { ok: false, cause: 'invalid_url', reason: parsed.reason };
    const host = hostOf(parsed.url);
    if (isIP(host) !== 0 && !checkAddress(host)) {
      return { ok: false, cause: 'blocked_address', reason: 'leads to an address that deliveries may not reach' };
    }
    if (isLocalhost(host) && allowedLoopback().length === 0) {
      return { ok: false, cause: 'blocked_address', reason: 'leads to the machine of the service itself' };
    }
    const { origin, pathname, search } = parsed.url;
    return { ok: true, url: parsed.url, origin, path: pathname + search };
  }

  function allowedLoopback(): LookupAddress[] {
    return LOOPBACK.filter(({ address }) => checkAddress(address));
  }

  /** One forbidden address condemns all: whoever mixes them wants one dialled that was not meant to be. */
  async function resolveVetted(host: string): Promise<LookupAddress[]> {
    if (isLocalhost(host)) return blockedIfEmpty(allowedLoopback());
    let addresses: string[];
    try {
      addresses = await resolve(host);
    } catch (cause) {
      throw new CodedError(NAME_NOT_RESOLVED_CODE, 'the host name could not be resolved', cause);
    }
    if (addresses.length === 0) throw new CodedError(NAME_NOT_RESOLVED_CODE, 'the host name has no address');
    return blockedIfEmpty(
      addresses.every(checkAddress) ? addresses.map((address) => ({ address, family: isIP(address) })) : [],
    );
  }

  async function resolveAndCheck(text: string): Promise<'ok' | 'unresolvable' | 'blocked'> {
    const checked = checkUrl(text);
    if (!checked.ok) return checked.cause === 'blocked_address' ? 'blocked' : 'unresolvable';
    const host = hostOf(checked.url);
    if (isIP(host) !== 0) return 'ok';
    try {
      await resolveVetted(host);
      return 'ok';
    } catch (error) {
      return error instanceof CodedError && error.code === BLOCKED_ADDRESS_CODE ? 'blocked' : 'unresolvable';
    }
  }

  const lookup: LookupFunction = (host, { all, family }, callback) => {
    resolveVetted(host).then(
      (vetted) => {
        const fitting = family === 4 || family === 6 ? vetted.filter((entry) => entry.family === family) : vetted;
        const [first] = fitting;
        if (first === undefined)
          callback(new CodedError(NAME_NOT_RESOLVED_CODE, 'no address of the wanted family'), '');
        else if (all === true) callback(null, fitting);
        else callback(null, first.address, first.family);
      },
      (error: Error) => callback(error, ''),
    );
  };

  const wider = new Map<string, AddressGuard>();
  function allowing(cidrs: readonly string[]): AddressGuard {
    if (cidrs.length === 0) return guard;
    const key = [...cidrs].sort().join();
    const known = wider.get(key);
    if (known !== undefined) return known;
    if (wider.size >= MAX_WIDER_GUARDS) wider.clear();
    const made = createAddressGuard({ ...options, resolve, allowedCidrs: [...options.allowedCidrs, ...cidrs] });
    wider.set(key, made);
    return made;
  }

  const guard: AddressGuard = { checkUrl, checkAddress, resolveAndCheck, allowing, lookup };
  return guard;
}

/** The host as an address or a name, IPv6 without its brackets. */
function hostOf(url: URL): string {
  return url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
}

/** RFC 6761, 6.3: these names are loopback, whatever a resolver says. */
function isLocalhost(host: string): boolean {
  return /^(?:.+\.)?localhost\.?$/i.test(host);
}

class CodedError extends Error {
  constructor(
    readonly code: string,
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

function blockedIfEmpty(addresses: LookupAddress[]): LookupAddress[] {
  if (addresses.length > 0) return addresses;
  throw new CodedError(BLOCKED_ADDRESS_CODE, 'the host leads to an address that deliveries may not reach');
}
