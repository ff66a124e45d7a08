import type { ErrorDetail } from '#kernel/app-error';
import { toBlockList } from '#kernel/cidrs';

const MAX_ENTRIES = 256;

/** Ranges of addresses, IPv4 and IPv6; a single address is a range of one, `/32` or `/128`. */
export class AddressList {
  private readonly ranges: ReturnType<typeof toBlockList>;

  /** @throws Error naming the entry that is neither an address nor a range in CIDR notation. */
  constructor(readonly entries: readonly string[]) {
    this.ranges = toBlockList(entries);
  }

  /** Says whether an address is in one of the ranges; `::ffff:10.0.0.1` is the same as `10.0.0.1`. Never throws. */
  includes(address: string): boolean {
    const [plain = ''] = address.split('%');
    try {
      return this.ranges.check(plain, plain.includes(':') ? 'ipv6' : 'ipv4');
    } catch {
      // What is no address is in no range.
      return false;
    }
  }
}

/** Reads a list of addresses and CIDR ranges; an empty list or none at all is null: every address. */
export function readAddressList(given: unknown, field: string, problems: ErrorDetail[]): AddressList | null {
  if (given === undefined || given === null) return null;
  if (!Array.isArray(given) || given.some((entry) => typeof entry !== 'string')) {
    problems.push({ field, message: 'must be a list of addresses or ranges, such as 10.0.0.1 or 2001:db8::/32' });
    return null;
  }
  const entries = given as string[];
  if (entries.length > MAX_ENTRIES) problems.push({ field, message: `must have at most ${MAX_ENTRIES} entries` });
  else if (entries.length > 0) return listOf(entries, field, problems);
  return null;
}

function listOf(entries: readonly string[], field: string, problems: ErrorDetail[]): AddressList | null {
  const isRange = (entry: string): boolean => {
    try {
      return toBlockList([entry]).rules.length > 0;
    } catch {
      return false;
    }
  };
  const wrong = entries.flatMap((entry, index) => (isRange(entry) ? [] : [index]));
  for (const index of wrong) {
    problems.push({
      field: `${field}[${index}]`,
      message: 'must be an IPv4 or IPv6 address or a CIDR range, such as 192.168.0.0/24, 10.0.0.1 or 2001:db8::/32',
    });
  }
  return wrong.length > 0 ? null : new AddressList(entries);
}
