import { plainArray, plainColumn } from './plain-array';

describe('plainArray', () => {
  it('writes what PostgreSQL reads as an array', () => {
    expect(plainArray(['a', 'b'])).toBe('{a,b}');
    expect(plainArray([1, null, true])).toBe('{1,null,true}');
    expect(plainArray([null])).toBe('{null}');
    expect(plainArray([])).toBe('{}');
  });

  it('takes a property of each item', () => {
    expect(plainColumn([{ id: 1 }, { id: 2 }], ({ id }) => id)).toBe('{1,2}');
  });
});
