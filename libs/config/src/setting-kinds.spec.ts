import { boolean, cidrs, integer, keys, onOrOff, oneOf, origins, url } from './setting-kinds';

const KEY = Buffer.alloc(32, 1);

describe('kinds of settings', () => {
  it.each([
    ['1', integer(1, 10), 1],
    ['11', integer(1, 10), undefined],
    ['1.5', integer(1, 10), undefined],
    ['TRUE', boolean, true],
    ['0', boolean, false],
    ['yes', boolean, undefined],
    ['on', onOrOff, true],
    ['true', onOrOff, undefined],
    ['b', oneOf('a', 'b'), 'b'],
    ['c', oneOf('a', 'b'), undefined],
    ['10.0.0.0/8, ::1', cidrs, ['10.0.0.0/8', '::1']],
    ['none', cidrs, []],
    ['10.0.0.0/8,proxy.example', cidrs, undefined],
    ['https://a.example, https://b.example', origins, ['https://a.example', 'https://b.example']],
    ['none', origins, []],
    ['https://a.example/', origins, undefined],
    [`${KEY.toString('base64')}, ${KEY.toString('base64')}`, keys(32), [KEY, KEY]],
    [KEY.subarray(1).toString('base64'), keys(32), undefined],
    [',', keys(32), undefined],
  ])('reads %s', (given, kind: { parse(text: string): unknown }, expected) => {
    expect(kind.parse(given)).toEqual(expected);
  });

  it('accepts URLs whose names are not ASCII, however often they are read', () => {
    const https = url('https');

    const results = Array.from({ length: 20_000 }, () => https.parse('https://bücher.example/'));

    expect(new Set(results)).toEqual(new Set(['https://bücher.example/']));
    expect(https.parse('bücher.example')).toBeUndefined();
  });
});
