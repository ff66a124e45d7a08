import { jsonItems, jsonMembers } from './json-members';

const slices = (text: string): [string, string][] => {
  const json = Buffer.from(text);
  return jsonMembers(json).map((member) => [member.key, json.toString('utf8', member.start, member.end)]);
};

describe('jsonMembers', () => {
  it('finds every value byte for byte', () => {
    expect(slices(' { "a" : 1.0 , "b":{"c":[1,{"d":"}"}]},"e":"x\\"y\\\\","f":-1e5,"g":null,"h":[ ] } ')).toEqual([
      ['a', '1.0'],
      ['b', '{"c":[1,{"d":"}"}]}'],
      ['e', '"x\\"y\\\\"'],
      ['f', '-1e5'],
      ['g', 'null'],
      ['h', '[ ]'],
    ]);
  });

  it('unescapes keys and shows duplicates', () => {
    expect(slices('{"d\\u0061ta":1,"data":2,"":3}')).toEqual([
      ['data', '1'],
      ['data', '2'],
      ['', '3'],
    ]);
  });

  it('finds nothing in an empty object', () => {
    expect(slices('{ }')).toEqual([]);
  });

  it('agrees with JSON.parse on strings of every awkward kind', () => {
    const awkward = ['\\', '"', '\\"', '\\\\"', 'é', '\u2028', '💥', '{', '],', '\u0000'];
    for (const first of awkward) {
      for (const second of awkward) {
        const object = { [first]: second, [`${second}x`]: { [second]: [first, second] } };
        const json = Buffer.from(JSON.stringify(object));
        const rebuilt = Object.fromEntries(
          jsonMembers(json).map((member) => [member.key, JSON.parse(json.toString('utf8', member.start, member.end))]),
        );
        expect(rebuilt).toEqual(object);
      }
    }
  });
});

describe('jsonItems', () => {
  it('finds the items of a nested array', () => {
    const json = Buffer.from('{"events":[ {"a":[1]} , 2,"x,]" ]}');
    const events = jsonMembers(json)[0];
    const items = jsonItems(json, events?.start ?? 0).map((item) => json.toString('utf8', item.start, item.end));
    expect(items).toEqual(['{"a":[1]}', '2', '"x,]"']);
  });
});
