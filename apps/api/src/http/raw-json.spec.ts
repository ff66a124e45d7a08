import { RawJson, serialize } from './raw-json';

describe('RawJson', () => {
  it.each([
    '{"a":1.0,"b":12345678901234567890}',
    '{"quote\\"":"\\\\","u":"\\u0000","line":"a\\nb"}',
    '[]',
    '"$& $1"',
    '1e400',
  ])('puts %s into an answer byte for byte', (json) => {
    expect(serialize({ before: 'x"', data: new RawJson(Buffer.from(json)), after: [1] })).toBe(
      `{"before":"x\\"","data":${json},"after":[1]}`,
    );
  });

  it('leaves other answers alone', () => {
    expect(serialize({ data: { a: 'RawJson' } })).toBe('{"data":{"a":"RawJson"}}');
  });
});
