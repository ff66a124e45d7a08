import { readArguments, readJson, splitWords } from './command-words';

const texts = (command: string): string[] => splitWords(command).map(({ text }) => text);

describe('words of a command', () => {
  it.each([
    ['/webhook  create\talerts\n', ['/webhook', 'create', 'alerts']],
    [`a 'b c' "d e"`, ['a', 'b c', 'd e']],
    [`say "she said \\"no\\" \\\\ \\n"`, ['say', 'she said "no" \\ \\n']],
    [`'it''s' --t="x y"`, ['its', '--t=x y']],
    [`''`, ['']],
    ['', []],
    ['“curly words” ‘as well’', ['curly words', 'as well']],
  ])('of %j are %j', (command, words) => {
    expect(texts(command)).toEqual(words);
  });

  it.each([`test a '{"x":1}`, 'say "no'])('refuses a quote that is not closed: %s', (command) => {
    expect(() => splitWords(command)).toThrow(/is not closed/);
  });
});

describe('arguments of a command', () => {
  const read = (command: string) => {
    const { positional, options } = readArguments(splitWords(command), ['secret', 'if']);
    return [positional.map(({ text }) => text), Object.fromEntries(options)];
  };

  it('takes options from wherever they stand, also with the dash that chat clients make of two', () => {
    expect(read(`alerts --secret abc123`)).toEqual([['alerts'], { secret: 'abc123' }]);
    expect(read(`--secret=a=b alerts —if 'payload.x > 1'`)).toEqual([
      ['alerts'],
      { secret: 'a=b', if: 'payload.x > 1' },
    ]);
  });

  it.each([
    ['a --sekret b', /There is no option --sekret\. Options: --secret, --if/],
    ['a --secret', /--secret wants a value/],
  ])('refuses %j', (command, message) => {
    expect(() => read(command)).toThrow(message);
  });
});

describe('JSON in a command', () => {
  const json = (command: string): unknown => readJson(command, splitWords(command)[1]!);

  it.each([
    [`test '{"signal":"BUY"}'`],
    [`test {"signal":"BUY"}`],
    [`test { "signal" :\n "BUY" }  `],
    [`test “{\\"signal\\":\\"BUY\\"}”`],
    [`test ‘{“signal”:“BUY”}’`],
  ])('is read from %j', (command) => {
    expect(json(command)).toEqual({ signal: 'BUY' });
  });

  it('keeps curly quotes that belong to the text', () => {
    expect(json(`test '{"a":"“b”"}'`)).toEqual({ a: '“b”' });
  });

  it('says what is wrong with an example', () => {
    expect(() => json('test {signal: BUY}')).toThrow(/not valid JSON: \{signal: BUY\}\nExample/);
  });
});
