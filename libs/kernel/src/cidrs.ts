import { BlockList, isIP } from 'node:net';

const NONE = 'none';
const PREFIX_LENGTH = /^\d{1,3}$/;

/**
 * Reads a comma-separated list of address ranges, such as `127.0.0.0/8,::1/128`; a single address is
 * a range of one, `none` and the empty text are no range at all.
 *
 * @throws Error naming the entry that is no range
 */
export function parseCidrs(text: string): string[] {
  const entries = text.split(',').map((entry) => entry.trim());
  if (entries.length === 1 && (entries[0] === '' || entries[0] === NONE)) return [];
  for (const entry of entries) splitCidr(entry);
  return entries;
}

/**
 * The ranges as something that addresses can be looked up in.
 *
 * @throws Error naming the entry that is no range
 */
export function toBlockList(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const { network, prefix, family } = splitCidr(cidr);
    list.addSubnet(network, prefix, family === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

/** Whether a text is an address range, or a single address. */
export function isCidr(text: string): boolean {
  try {
    splitCidr(text);
    return true;
  } catch {
    return false;
  }
}

function splitCidr(cidr: string): { network: string; prefix: number; family: 4 | 6 } {
  const [network = '', prefixText, ...rest] = cidr.split('/');
  const family = network.includes('%') ? 0 : isIP(network);
  const widest = family === 6 ? 128 : 32;
  const prefix = prefixText === undefined ? widest : PREFIX_LENGTH.test(prefixText) ? Number(prefixText) : -1;
  if ((family !== 4 && family !== 6) || prefix < 0 || prefix > widest || rest.length > 0) {
    throw new Error(`"${cidr}" is not an address range such as 10.0.0.0/8 or ::1/128`);
  }
  return { network, prefix, family };
}
