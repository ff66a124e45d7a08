import { isIP, type BlockList, type Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isPublicAddress } from '#delivery-client/special-ranges';
import { toBlockList } from '#kernel/cidrs';
import { clientIp, isTrusted, plainAddress } from '#kernel/client-address';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sent the request, as {@link clientIp} says. */
    readonly clientIp: string;
    /** Whom limits per address are counted for; null when that cannot be told, see {@link isHidden}. */
    readonly clientNetwork: string | null;
  }
}

const IPV6_HALF_GROUPS = 4;

/** Lets every request tell its `clientIp`. @param trustedProxies ranges whose `X-Forwarded-For` is believed. */
export function useClientIp(fastify: FastifyInstance, trustedProxies: readonly string[]): void {
  const trusted = toBlockList(trustedProxies);
  const direct = new WeakMap<Socket, { ip: string; network: string }>();
  /** Of a connection whose client speaks for itself: told once, not for each of its requests. */
  const directOf = (socket: Socket): { ip: string; network: string } => {
    let known = direct.get(socket);
    if (known === undefined) {
      const ip = clientIp(socket.remoteAddress, undefined, trusted);
      known = { ip, network: clientNetwork(ip) };
      if (socket.remoteAddress !== undefined) direct.set(socket, known);
    }
    return known;
  };
  fastify.decorateRequest('clientIp', {
    getter(this: FastifyRequest) {
      const forwardedFor = this.headers['x-forwarded-for'];
      if (forwardedFor === undefined) return directOf(this.raw.socket).ip;
      return clientIp(this.raw.socket.remoteAddress, forwardedFor, trusted);
    },
  });
  fastify.decorateRequest('clientNetwork', {
    getter(this: FastifyRequest) {
      const forwardedFor = this.headers['x-forwarded-for'];
      if (forwardedFor === undefined) return directOf(this.raw.socket).network;
      const isUnknown = isHidden(this.raw.socket.remoteAddress, forwardedFor, trusted);
      return isUnknown ? null : clientNetwork(this.clientIp);
    },
  });
}

/**
 * Whether the request seems to come from a proxy of ours that `TRUSTED_PROXIES` does not name: from within our network,
 * and on behalf of somebody. Limits per address would then count all clients as one.
 */
export function isHidden(
  remoteAddress: string | undefined,
  forwardedFor: string | string[] | undefined,
  trusted: BlockList,
): boolean {
  if (forwardedFor === undefined) return false;
  const address = plainAddress(remoteAddress ?? '');
  const family = isIP(address ?? '');
  if (address === null || (family !== 4 && family !== 6)) return true;
  return !isTrusted(address, trusted) && !isPublicAddress(address, family);
}

/** What counts as one client: an IPv4 address, or the /64 that one subscriber of IPv6 has for itself (RFC 6177). */
export function clientNetwork(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const end = tail === '' ? [] : tail.split(':');
    // An IPv4 address at the end stands for two groups.
    const length = end.length + (end.at(-1)?.includes('.') === true ? 1 : 0);
    groups.push(...Array<string>(Math.max(0, 8 - groups.length - length)).fill('0'), ...end);
  }
  return `${groups
    .slice(0, IPV6_HALF_GROUPS)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
