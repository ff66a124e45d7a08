import { toBlockList } from '#kernel/cidrs';
import { clientIp } from '#kernel/client-address';
import { clientNetwork, isHidden } from './client-ip';

const TRUSTED = toBlockList(['10.0.0.0/8', 'fd00::/8', '127.0.0.1']);

describe('clientIp', () => {
  it.each([
    ['nobody forwards', '203.0.113.9', undefined, '203.0.113.9'],
    ['IPv4 within IPv6', '::ffff:203.0.113.9', undefined, '203.0.113.9'],
    ['an untrusted client says what it likes', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['one proxy', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['a proxy on IPv6 sockets', '::ffff:10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['two proxies', '10.0.0.1', '198.51.100.1, 10.9.9.9', '198.51.100.1'],
    ['what the client itself wrote is not believed', '10.0.0.1', '127.0.0.1, 8.8.8.8, 198.51.100.1', '198.51.100.1'],
    ['a trusted address that the client invented', '10.0.0.1', '10.1.1.1,198.51.100.1,10.2.2.2', '198.51.100.1'],
    ['proxies only', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['a proxy that names nobody', '10.0.0.1', '', '10.0.0.1'],
    ['a proxy without the header', '10.0.0.1', undefined, '10.0.0.1'],
    ['nonsense stops the reading', '10.0.0.1', '198.51.100.1, unknown', '10.0.0.1'],
    ['nonsense behind another proxy', '10.0.0.1', '198.51.100.1, <script>, 10.0.0.2', '10.0.0.2'],
    ['ports', '10.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
    ['IPv6', 'fd00::1', '2001:DB8::1', '2001:db8::1'],
    ['IPv6 with port', 'fd00::1', '[2001:db8::1]:443', '2001:db8::1'],
    ['IPv6 with zone', '10.0.0.1', 'fe80::1%eth0', 'fe80::1'],
    ['several headers', '10.0.0.1', ['198.51.100.1', '198.51.100.2'], '198.51.100.2'],
    ['a connection that has gone', undefined, '198.51.100.1', 'unknown'],
  ])('%s', (_name, remote, forwarded, expected) => {
    expect(clientIp(remote, forwarded, TRUSTED)).toBe(expected);
  });

  it('believes nobody when no proxy is trusted', () => {
    expect(clientIp('127.0.0.1', '198.51.100.1', toBlockList([]))).toBe('127.0.0.1');
  });
});

describe('isHidden', () => {
  it.each([
    ['a client of its own', '203.0.113.9', undefined, false],
    ['a client that pretends to be a proxy', '8.8.8.8', '198.51.100.1', false],
    ['a trusted proxy', '10.0.0.1', '198.51.100.1', false],
    ['a client within our network', '192.168.0.7', undefined, false],
    ['a proxy within our network that is not trusted', '192.168.0.7', '198.51.100.1', true],
    ['the same on an IPv6 socket', '::ffff:192.168.0.7', '198.51.100.1', true],
    ['a connection that has gone', undefined, '198.51.100.1', true],
  ])('%s', (_name, remote, forwarded, expected) => {
    expect(isHidden(remote, forwarded, TRUSTED)).toBe(expected);
  });
});

describe('clientNetwork', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['2001:0db8:0:0::6', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['1:2:3:4:5::', '1:2:3:4::/64'],
    ['unknown', 'unknown'],
  ])('%s counts as %s', (address, network) => {
    expect(clientNetwork(address)).toBe(network);
  });
});
