import { BlockList } from 'node:net';

/**
 * IPv4 ranges that are not ordinary public unicast (IANA IPv4 Special-Purpose Address Registry, and
 * the one cloud metadata address that lies outside of it).
 */
const SPECIAL_IPV4: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8], // this network, unspecified
  ['10.0.0.0', 8], // private
  ['100.64.0.0', 10], // carrier-grade NAT, Alibaba metadata
  ['127.0.0.0', 8], // loopback
  ['168.63.129.16', 32], // Azure's platform address
  ['169.254.0.0', 16], // link-local, metadata of most clouds
  ['172.16.0.0', 12], // private
  ['192.0.0.0', 24], // IETF protocol assignments, Oracle metadata
  ['192.0.2.0', 24], // documentation
  ['192.31.196.0', 24], // AS112
  ['192.52.193.0', 24], // automatic multicast tunnelling
  ['192.88.99.0', 24], // 6to4 relays
  ['192.168.0.0', 16], // private
  ['192.175.48.0', 24], // AS112
  ['198.18.0.0', 15], // benchmarking
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, broadcast
];

/** Special ranges inside 2000::/3 (IANA IPv6 Special-Purpose Address Registry). */
const SPECIAL_GLOBAL_IPV6: readonly (readonly [network: string, prefix: number])[] = [
  ['2001::', 23], // IETF protocol assignments: Teredo, benchmarking, ORCHID, ORCHIDv2, AS112
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4, which carries an IPv4 address
  ['2620:4f:8000::', 48], // AS112
  ['3fff::', 20], // documentation
];

/** Where a translator puts the IPv4 address into the last 32 bits (RFC 6052). */
const NAT64_NETWORK = '64:ff9b::';
const NAT64_PREFIX = 96;

/**
 * All of public IPv6 lies in 2000::/3, so what is outside of it needs no list: unspecified, loopback,
 * IPv4-mapped and -compatible, local NAT64 (64:ff9b:1::/48, where the place of the IPv4 address is the
 * operator's choice), discard-only, dummy prefix, SRv6, ULA, link-local, site-local, multicast.
 */
const publicIpv6 = new BlockList();
publicIpv6.addSubnet('2000::', 3, 'ipv6');
publicIpv6.addSubnet(NAT64_NETWORK, NAT64_PREFIX, 'ipv6');

const special = new BlockList();
for (const [network, prefix] of SPECIAL_IPV4) {
  special.addSubnet(network, prefix, 'ipv4');
  special.addSubnet(NAT64_NETWORK + network, NAT64_PREFIX + prefix, 'ipv6');
}
for (const [network, prefix] of SPECIAL_GLOBAL_IPV6) special.addSubnet(network, prefix, 'ipv6');

/** Says whether an address in canonical text form is ordinary public unicast. */
export function isPublicAddress(address: string, family: 4 | 6): boolean {
  if (family === 4) return !special.check(address, 'ipv4');
  return publicIpv6.check(address, 'ipv6') && !special.check(address, 'ipv6');
}
