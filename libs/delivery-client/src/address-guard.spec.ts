import type { LookupAddress, LookupAllOptions, LookupOneOptions } from 'node:dns';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BLOCKED_ADDRESS_CODE, createAddressGuard, NAME_NOT_RESOLVED_CODE } from './address-guard';

const strict = createAddressGuard({ allowedCidrs: [], requireHttps: false });
const answering = (addresses: string[], allowedCidrs: string[] = []) =>
  createAddressGuard({ allowedCidrs, requireHttps: false, resolve: () => Promise.resolve(addresses) });

/** The cases stand in the documentation, by the titles of their sections. */
const TABLE = readFileSync(join(__dirname, '../../../docs/address-table.md'), 'utf8');
const CASES = new Map(
  TABLE.split(/^## /m)
    .slice(1)
    .map((section) => [
      section.slice(0, section.indexOf('\n')),
      [...section.matchAll(/^\| `(.+?)` +\| (.+?) +\|$/gm)].map(([, given = '', what = '']) => [given, what] as const),
    ]),
);
const casesOf = (title: string): (readonly [string, string])[] => {
  const cases = CASES.get(title);
  if (cases === undefined || cases.length === 0) throw new Error(`docs/address-table.md has no cases of "${title}"`);
  return cases;
};

it('the table in the documentation is read whole and names nothing twice', () => {
  const given = [...CASES.values()].flat().map(([text]) => text);
  expect(given.length).toBeGreaterThanOrEqual(80);
  // Every line of a table below its head is one.
  expect(given).toHaveLength(TABLE.match(/^\| `/gm)?.length ?? 0);
  expect(CASES.size * 2 + given.length).toBe(TABLE.match(/^\|/gm)?.length);
  expect(new Set(CASES.values()).size).toBe(6);
  for (const cases of CASES.values()) expect(new Set(cases.map(([text]) => text)).size).toBe(cases.length);
});

describe('the addresses that deliveries may reach', () => {
  it.each([...casesOf('Refused: IPv4'), ...casesOf('Refused: IPv6')])('do not include %s (%s)', (address) => {
    expect(strict.checkAddress(address)).toBe(false);
  });

  it.each(casesOf('Reached: public addresses'))('include %s (%s)', (address) => {
    expect(strict.checkAddress(address)).toBe(true);
  });

  it.each(['', '1.1.1.1 ', ...casesOf('Refused: no addresses').map(([text]) => text)])(
    'do not include %j, which is no address',
    (text) => {
      expect(strict.checkAddress(text)).toBe(false);
    },
  );

  it('include special ranges that are allowed, and nothing beside them', () => {
    const guard = createAddressGuard({ allowedCidrs: ['127.0.0.0/8', 'fd00:1::/32'], requireHttps: false });
    expect(guard.checkAddress('127.1.2.3')).toBe(true);
    expect(guard.checkAddress('::ffff:127.0.0.1')).toBe(true);
    expect(guard.checkAddress('fd00:1::5')).toBe(true);
    expect(guard.checkAddress('fd00:2::5')).toBe(false);
    expect(guard.checkAddress('10.0.0.1')).toBe(false);
    expect(guard.checkAddress('::1')).toBe(false);
  });

  it('do not include an address with a zone, even in an allowed range', () => {
    const guard = createAddressGuard({ allowedCidrs: ['fe80::/10'], requireHttps: false });
    expect(guard.checkAddress('fe80::1')).toBe(true);
    expect(guard.checkAddress('fe80::1%eth0')).toBe(false);
  });

  it('refuses to be made with a range that is none', () => {
    expect(() => createAddressGuard({ allowedCidrs: ['10.0.0.0/40'], requireHttps: false })).toThrow('10.0.0.0/40');
  });
});

describe('checking a URL', () => {
  it.each(casesOf('Refused: notations in URLs'))('refuses %s (%s)', (url) => {
    expect(strict.checkUrl(url)).toMatchObject({ ok: false, cause: 'blocked_address' });
  });

  it.each(casesOf('Reached: URLs'))('accepts %s', (url) => {
    expect(strict.checkUrl(url)).toMatchObject({ ok: true, url: new URL(url) });
  });

  it('tells a URL that is none apart from one that leads to the wrong place', () => {
    expect(strict.checkUrl('ftp://example.com')).toMatchObject({ ok: false, cause: 'invalid_url' });
  });

  it('accepts our own addresses where they are allowed', () => {
    const guard = createAddressGuard({ allowedCidrs: ['127.0.0.0/8'], requireHttps: false });
    for (const url of ['http://127.0.0.1:8080/', 'http://localhost:8080/', 'http://app.localhost/']) {
      expect(guard.checkUrl(url).ok).toBe(true);
    }
    expect(guard.checkUrl('http://[::1]/').ok).toBe(false);
  });

  it('insists on https where that is required', () => {
    const guard = createAddressGuard({ allowedCidrs: [], requireHttps: true });
    expect(guard.checkUrl('http://example.com/')).toMatchObject({ ok: false, cause: 'invalid_url' });
    expect(guard.checkUrl('https://example.com/').ok).toBe(true);
  });
});

describe('resolving a URL', () => {
  it.each([
    [['8.8.8.8'], 'ok'],
    [['8.8.8.8', '2606:4700::1111'], 'ok'],
    [['127.0.0.1'], 'blocked'],
    [['8.8.8.8', '10.0.0.1'], 'blocked'],
    [['8.8.8.8', '::1'], 'blocked'],
    [[], 'unresolvable'],
  ])('with the answer %j is %s', async (addresses, expected) => {
    expect(await answering(addresses).resolveAndCheck('https://example.com/')).toBe(expected);
  });

  it('is unresolvable when the resolver fails or the URL is none', async () => {
    const resolve = () => Promise.reject(new Error('no such name'));
    const guard = createAddressGuard({ allowedCidrs: [], requireHttps: false, resolve });
    expect(await guard.resolveAndCheck('https://example.com/')).toBe('unresolvable');
    expect(await guard.resolveAndCheck('nonsense')).toBe('unresolvable');
  });

  it('asks no resolver about addresses and localhost', async () => {
    const resolve = jest.fn(() => Promise.resolve(['8.8.8.8']));
    const guard = createAddressGuard({ allowedCidrs: ['::1'], requireHttps: false, resolve });
    expect(await guard.resolveAndCheck('https://8.8.8.8/')).toBe('ok');
    expect(await guard.resolveAndCheck('https://10.0.0.1/')).toBe('blocked');
    expect(await guard.resolveAndCheck('https://localhost/')).toBe('ok');
    expect(resolve).not.toHaveBeenCalled();
  });
});

describe('looking up a host for a connection', () => {
  interface Answer {
    error: NodeJS.ErrnoException | null;
    address: string | LookupAddress[];
    family: number | undefined;
  }
  const lookUp = (
    guard: ReturnType<typeof answering>,
    host: string,
    options: LookupOneOptions | LookupAllOptions,
  ): Promise<Answer> =>
    new Promise((resolve) => {
      guard.lookup(host, options, (error, address, family) => resolve({ error, address, family }));
    });

  it('gives all addresses, or the first, or those of one family', async () => {
    const guard = answering(['8.8.8.8', '2606:4700::1111']);
    const both = [
      { address: '8.8.8.8', family: 4 },
      { address: '2606:4700::1111', family: 6 },
    ];
    expect((await lookUp(guard, 'example.com', { all: true })).address).toEqual(both);
    expect(await lookUp(guard, 'example.com', {})).toMatchObject({ address: '8.8.8.8', family: 4 });
    expect(await lookUp(guard, 'example.com', { family: 6 })).toMatchObject({ address: '2606:4700::1111', family: 6 });
    expect((await lookUp(guard, 'example.com', { family: 4, all: true })).address).toEqual(both.slice(0, 1));
  });

  it('refuses all addresses when one is forbidden', async () => {
    const { error } = await lookUp(answering(['8.8.8.8', '169.254.169.254']), 'example.com', { all: true });
    expect(error?.code).toBe(BLOCKED_ADDRESS_CODE);
  });

  it('fails when there is no address, or none of the family', async () => {
    expect((await lookUp(answering([]), 'example.com', {})).error?.code).toBe(NAME_NOT_RESOLVED_CODE);
    expect((await lookUp(answering(['8.8.8.8']), 'example.com', { family: 6 })).error?.code).toBe(
      NAME_NOT_RESOLVED_CODE,
    );
  });

  it('leads localhost to the allowed loopback addresses only, whatever the resolver says', async () => {
    const guard = answering(['8.8.8.8'], ['127.0.0.0/8']);
    expect((await lookUp(guard, 'localhost', { all: true })).address).toEqual([{ address: '127.0.0.1', family: 4 }]);
    expect((await lookUp(answering(['8.8.8.8']), 'localhost', {})).error?.code).toBe(BLOCKED_ADDRESS_CODE);
  });
});
