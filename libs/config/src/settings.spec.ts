import { readSettings } from './settings';

describe('readSettings', () => {
  it('takes URLs with names that are not ASCII, however often it is asked', () => {
    const settings = readSettings({ PUBLIC_URL: 'https://bücher.example/', OTHER: 'bücher.example' });
    for (let round = 0; round < 20_000; round += 1) settings.url('PUBLIC_URL', ['https:']);
    expect(() => settings.throwIfProblems()).not.toThrow();
    expect(settings.url('OTHER', ['https:'])).toBeNull();
    expect(() => settings.throwIfProblems()).toThrow('OTHER must be a URL beginning https://');
  });

  it('names the variable whose address ranges are wrong, and tells what is allowed', () => {
    const settings = readSettings({ GOOD: '10.0.0.0/8, ::1', NONE: 'none', BAD: '10.0.0.0/8,proxy.example' });
    expect(settings.cidrs('GOOD')).toEqual(['10.0.0.0/8', '::1']);
    expect(settings.cidrs('NONE')).toEqual([]);
    expect(settings.cidrs('UNSET')).toEqual([]);
    expect(settings.cidrs('BAD')).toEqual([]);
    expect(() => settings.throwIfProblems()).toThrow(
      'BAD must be address ranges such as 10.0.0.0/8,::1/128, or `none`',
    );
  });
});
