import type { LookupAddress, LookupAllOptions, LookupOneOptions } from 'node:dns';
import { BLOCKED_ADDRESS_CODE, createAddressGuard, NAME_NOT_RESOLVED_CODE } from './address-guard';

const strict = createAddressGuard({ allowedCidrs: [], requireHttps: false });
const answering = (addresses: string[], allowedCidrs: string[] = []) =>
  createAddressGuard({ allowedCidrs, requireHttps: false, resolve: () => Promise.resolve(addresses) });

const FORBIDDEN_IPV4 = [
  ['0.0.0.0', 'unspecified'],
  ['0.255.255.255', 'this network'],
  ['10.0.0.0', 'private'],
  ['10.255.255.255', 'private'],
  ['100.64.0.1', 'carrier-grade NAT'],
  ['100.100.100.200', 'Alibaba metadata'],
  ['100.127.255.255', 'carrier-grade NAT'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.255', 'loopback'],
  ['168.63.129.16', 'Azure platform'],
  ['169.254.0.1', 'link-local'],
  ['169.254.169.254', 'cloud metadata'],
  ['169.254.170.2', 'container credentials'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.0.0.1', 'IETF assignments'],
  ['192.0.0.192', 'Oracle metadata'],
  ['192.0.2.1', 'documentation'],
  ['192.31.196.1', 'AS112'],
  ['192.52.193.1', 'AMT'],
  ['192.88.99.1', '6to4 relay'],
  ['192.168.0.1', 'private'],
  ['192.168.255.255', 'private'],
  ['192.175.48.1', 'AS112'],
  ['198.18.0.1', 'benchmarking'],
  ['198.19.255.255', 'benchmarking'],
  ['198.51.100.1', 'documentation'],
  ['203.0.113.1', 'documentation'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.255', 'multicast'],
  ['240.0.0.1', 'reserved'],
  ['255.255.255.255', 'broadcast'],
] as const;

const FORBIDDEN_IPV6 = [
  ['::', 'unspecified'],
  ['::1', 'loopback'],
  ['0:0:0:0:0:0:0:1', 'loopback, written out'],
  ['::ffff:127.0.0.1', 'IPv4-mapped loopback'],
  ['::ffff:7f00:1', 'IPv4-mapped loopback in hex'],
  ['::ffff:a9fe:a9fe', 'IPv4-mapped metadata'],
  ['::ffff:8.8.8.8', 'IPv4-mapped public'],
  ['::ffff:0:127.0.0.1', 'IPv4-translated'],
  ['::127.0.0.1', 'IPv4-compatible'],
  ['::8.8.8.8', 'IPv4-compatible public'],
  ['64:ff9b::127.0.0.1', 'NAT64 of loopback'],
  ['64:ff9b::10.1.2.3', 'NAT64 of private'],
  ['64:ff9b::a9fe:a9fe', 'NAT64 of metadata'],
  ['64:ff9b::0.0.0.0', 'NAT64 of unspecified'],
  ['64:ff9b::255.255.255.255', 'NAT64 of broadcast'],
  ['64:ff9b:1::8.8.8.8', 'local NAT64'],
  ['64:ff9b:1:ffff:ffff:ffff:ffff:ffff', 'local NAT64'],
  ['64:ff9b:0:0:1::8.8.8.8', 'beside the NAT64 prefix'],
  ['100::1', 'discard-only'],
  ['100:0:0:1::1', 'dummy prefix'],
  ['2001::1', 'Teredo'],
  ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'Teredo'],
  ['2001:2::1', 'benchmarking'],
  ['2001:4:112::1', 'AS112'],
  ['2001:10::1', 'ORCHID'],
  ['2001:20::1', 'ORCHIDv2'],
  ['2001:1ff:ffff::1', 'end of the IETF assignments'],
  ['2001:db8::1', 'documentation'],
  ['2002:7f00:1::', '6to4 of loopback'],
  ['2002:808:808::1', '6to4 of public'],
  ['2620:4f:8000::1', 'AS112'],
  ['3fff::1', 'documentation'],
  ['3fff:fff:ffff::1', 'documentation'],
  ['4000::1', 'unassigned'],
  ['5f00::1', 'SRv6'],
  ['fc00::1', 'unique local'],
  ['fd00:ec2::254', 'AWS metadata'],
  ['fe80::1', 'link-local'],
  ['fe80::1%eth0', 'link-local with a zone'],
  ['fec0::1', 'site-local'],
  ['ff02::1', 'multicast'],
  ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'the last address'],
] as const;

const PUBLIC = [
  ['1.0.0.0', 'above this network'],
  ['1.1.1.1', 'public'],
  ['9.255.255.255', 'below private'],
  ['11.0.0.0', 'above private'],
  ['100.63.255.255', 'below carrier-grade NAT'],
  ['100.128.0.0', 'above carrier-grade NAT'],
  ['126.255.255.255', 'below loopback'],
  ['128.0.0.0', 'above loopback'],
  ['168.63.129.15', 'beside Azure platform'],
  ['169.253.255.255', 'below link-local'],
  ['169.255.0.0', 'above link-local'],
  ['172.15.255.255', 'below private'],
  ['172.32.0.0', 'above private'],
  ['192.0.1.0', 'between special ranges'],
  ['192.167.255.255', 'below private'],
  ['192.169.0.0', 'above private'],
  ['198.17.255.255', 'below benchmarking'],
  ['198.20.0.0', 'above benchmarking'],
  ['223.255.255.255', 'below multicast'],
  ['2001:200::1', 'above the IETF assignments'],
  ['2001:4860:4860::8888', 'public'],
  ['2003::1', 'above 6to4'],
  ['2606:4700:4700::1111', 'public'],
  ['2a00:1450:4001:81b::200e', 'public'],
  ['3ffe::1', 'below documentation'],
  ['64:ff9b::8.8.8.8', 'NAT64 of public'],
] as const;

describe('the addresses that deliveries may reach', () => {
  it.each([...FORBIDDEN_IPV4, ...FORBIDDEN_IPV6])('do not include %s (%s)', (address) => {
    expect(strict.checkAddress(address)).toBe(false);
  });

  it.each(PUBLIC)('include %s (%s)', (address) => {
    expect(strict.checkAddress(address)).toBe(true);
  });

  it.each([
    '',
    'example.com',
    '2606:4700::1111%eth0',
    '1.2.3',
    '0x7f.0.0.1',
    '127.1',
    '[::1]',
    '1.1.1.1 ',
    '1.1.1.1/32',
  ])('do not include %j, which is no address', (text) => {
    expect(strict.checkAddress(text)).toBe(false);
  });

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
  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://127.0.0.1./',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0x7f.0.0.1/',
    'http://0177.0.0.1/',
    'http://017700000001/',
    'http://１２７.0.0.1/',
    'http://127。0。0。1/',
    'http://①②⑦.0.0.1/',
    'http://%31%32%37.0.0.1/',
    'http://0/',
    'http://[::1]/',
    'http://[0:0:0:0:0:0:0:1]:8080/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[fd00:ec2::254]/',
    'http://localhost/',
    'http://LOCALHOST:3000/',
    'http://localhost./',
    'http://db.localhost/',
    'http://ｌocalhost/',
  ])('refuses %s, which is one of our own addresses', (url) => {
    expect(strict.checkUrl(url)).toMatchObject({ ok: false, cause: 'blocked_address' });
  });

  it.each(['https://example.com/', 'https://8.8.8.8/', 'https://[2606:4700::1111]/', 'http://localhost.example.com/'])(
    'accepts %s',
    (url) => {
      expect(strict.checkUrl(url)).toMatchObject({ ok: true, url: new URL(url) });
    },
  );

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
