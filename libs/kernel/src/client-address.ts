import { isIP, type BlockList } from 'node:net';

const IPV4_MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
const WITH_PORT = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/;

/**
 * The address that a request came from. A proxy adds on the right whom it heard, so the header is read from there, for
 * as long as it was a trusted proxy that wrote: what stands further left may be the client's invention.
 *
 * @param remoteAddress of the connection
 * @param forwardedFor the header `X-Forwarded-For`
 * @returns an address in Node's text form, IPv4 also where it came within IPv6; `unknown` once the client has gone
 */
export function clientIp(
  remoteAddress: string | undefined,
  forwardedFor: string | string[] | undefined,
  trusted: BlockList,
): string {
  let address = plainAddress(remoteAddress ?? '') ?? 'unknown';
  if (forwardedFor === undefined) return address;
  const hops = String(forwardedFor).split(',');
  while (hops.length > 0 && isTrusted(address, trusted)) {
    const before = plainAddress(hops.pop() ?? '');
    if (before === null) break; // what a trusted proxy cannot have written well: nobody knows who came before it
    address = before;
  }
  return address;
}

/** Whether an address is in the ranges. */
export function isTrusted(address: string, trusted: BlockList): boolean {
  const family = isIP(address);
  return family !== 0 && trusted.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** An address without port, brackets and zone; null for what is none. */
export function plainAddress(text: string): string | null {
  const given = text.trim();
  const [, bracketed, bare] = (isIP(given) === 0 ? WITH_PORT.exec(given) : null) ?? [];
  const [address = ''] = (bracketed ?? bare ?? given).split('%');
  if (isIP(address) === 0) return null;
  return IPV4_MAPPED.exec(address)?.[1] ?? address.toLowerCase();
}
