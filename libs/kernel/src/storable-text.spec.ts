import { STORABLE_TEXT } from './storable-text';

describe('text that the database can hold', () => {
  it.each(['', 'two\nlines\t', '\u0001', 'größer', '😀', '𠮷野家'])('is %j', (text) => {
    expect(text).toMatch(STORABLE_TEXT);
  });

  it.each(['\0', 'a\0b', 'line\n\0', '\ud83d', 'a\ude00', '\ude00\ud83d'])('is not %j', (text) => {
    expect(text).not.toMatch(STORABLE_TEXT);
  });
});
