import { AppError } from '#kernel/app-error';
import { parseJson } from './body-parser';

const MAX_NESTING = 64;

function refusalOf(body: Buffer | string): string {
  try {
    parseJson(Buffer.from(body), MAX_NESTING);
  } catch (error) {
    if (error instanceof AppError) return `${error.status} ${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
}

describe('parseJson', () => {
  it('takes a body without any byte for {}', () => {
    expect(parseJson(Buffer.alloc(0), MAX_NESTING)).toEqual({});
  });

  it('keeps __proto__ an ordinary property and leaves all objects alone', () => {
    const value = parseJson(Buffer.from('{"__proto__":{"polluted":true}}'), MAX_NESTING) as object;
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect((value as { polluted?: boolean }).polluted).toBeUndefined();
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it.each([
    ['{"a": 1,\n  b}', 'line 2, column 3'],
    ['{"a":', 'it ends too early'],
    ['x', 'unexpected character "x"'],
    ['{"a":01}', 'line 1, column 7'],
    ['\ufeff{}', 'unexpected character'],
  ])('tells where %j is malformed, without the engine’s own words', (body, where) => {
    const refusal = refusalOf(body);
    expect(refusal).toContain('400 malformed_json: The body is not valid JSON: ');
    expect(refusal).toContain(where);
    expect(refusal).not.toMatch(/JSON\.parse|position|SyntaxError/);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(refusalOf(Buffer.from([0x22, 0xc3, 0x28, 0x22]))).toBe('400 malformed_json: The body is not valid UTF-8');
  });

  it(`takes ${MAX_NESTING} levels of nesting and refuses one more`, () => {
    const nested = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
    expect(refusalOf(nested(MAX_NESTING))).toBe('none');
    expect(refusalOf(nested(MAX_NESTING + 1))).toContain('nested deeper');
    expect(refusalOf('['.repeat(300_000) + ']'.repeat(300_000))).toContain('nested deeper');
  });
});
