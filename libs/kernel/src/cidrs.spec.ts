import { parseCidrs, toBlockList } from './cidrs';

describe('a list of address ranges', () => {
  it.each([
    ['', []],
    ['  ', []],
    ['none', []],
    ['127.0.0.0/8,::1/128', ['127.0.0.0/8', '::1/128']],
    [' 10.0.0.5 , fd00::/8 ', ['10.0.0.5', 'fd00::/8']],
    ['0.0.0.0/0', ['0.0.0.0/0']],
  ])('reads %j', (text, expected) => {
    expect(parseCidrs(text)).toEqual(expected);
  });

  it.each([
    '10.0.0.0/33',
    '::1/129',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0/8',
    'localhost',
    'fe80::1%eth0/64',
    '10.0.0.0/8x',
    '/8',
  ])('names the entry %j, which is no range', (entry) => {
    expect(() => parseCidrs(`127.0.0.0/8,${entry}`)).toThrow(`"${entry}" is not an address range`);
  });

  it.each(['127.0.0.0/8,', ',', 'none,127.0.0.0/8'])('refuses %j', (text) => {
    expect(() => parseCidrs(text)).toThrow('is not an address range');
  });

  it('takes a single address as a range of one', () => {
    const list = toBlockList(['10.0.0.5', 'fd00::5']);
    expect(list.check('10.0.0.5')).toBe(true);
    expect(list.check('10.0.0.6')).toBe(false);
    expect(list.check('fd00::5', 'ipv6')).toBe(true);
    expect(list.check('fd00::6', 'ipv6')).toBe(false);
  });
});
