import { formatInstant, parseInstant } from './instants';

describe('parseInstant', () => {
  it.each([
    ['2024-01-01T12:00:00Z', Date.UTC(2024, 0, 1, 12)],
    ['2024-01-01T12:00Z', Date.UTC(2024, 0, 1, 12)],
    ['2024-02-29T23:59:59.123Z', Date.UTC(2024, 1, 29, 23, 59, 59, 123)],
    ['2024-01-01T12:00:00+08:00', Date.UTC(2024, 0, 1, 4)],
    ['2024-01-01t12:00:00z', Date.UTC(2024, 0, 1, 12)],
    ['9999-12-31T23:59:59Z', Date.UTC(9999, 11, 31, 23, 59, 59)],
  ])('reads %s', (text, atMs) => {
    expect(parseInstant(text)).toBe(atMs);
  });

  it.each([
    '2024-01-01',
    '2024-01-01T12:00:00',
    '2023-02-29T00:00:00Z',
    '2024-13-01T00:00:00Z',
    '2024-01-01T25:00:00Z',
    '1969-12-31T23:59:59Z',
    'now',
    '',
    '2024-00-10T00:00:00Z',
  ])('refuses %p', (text) => {
    expect(parseInstant(text)).toBeNull();
  });
});

describe('formatInstant', () => {
  it('leaves out a fraction of zero only', () => {
    expect(formatInstant(Date.UTC(2024, 0, 1, 12))).toBe('2024-01-01T12:00:00Z');
    expect(formatInstant(Date.UTC(2024, 0, 1, 12, 0, 0, 50))).toBe('2024-01-01T12:00:00.050Z');
  });
});
