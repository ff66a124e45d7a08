import { RE2JS } from 're2js';

const MAX_PATTERN_LENGTH = 256;
/** Of one pattern, counting what `{n,m}` repeats; keeps compiling within a few milliseconds. */
const MAX_WEIGHT = 1_000;
/**
 * Characters times instructions that the patterns of one validation may take. Measured: RE2JS makes at worst 13,000
 * such steps in a millisecond, on patterns made to be slow, and millions on ordinary ones.
 */
const MAX_STEPS = 4_000_000;
/** What a test costs beside its characters. */
const STEPS_PER_TEST = 8;

let stepsLeft = 0;

/** Thrown by {@link LinearPattern.test} when a validation takes more steps than it may. */
export class PatternBudgetExceeded extends Error {
  override readonly name = 'PatternBudgetExceeded';
}

/** Lets one validation, which runs to its end without interruption, begin with all the steps it may take. */
export function resetPatternBudget(): void {
  stepsLeft = MAX_STEPS;
}

/**
 * A regular expression of a tenant. It runs on RE2JS, in time linear in the text, so that no pattern can hang the
 * service; therefore there are no look-arounds and back-references.
 */
export class LinearPattern {
  private readonly compiled: RE2JS;
  private readonly size: number;
  /** How large it is once its counted repetitions are written out, or more; compiling takes time in proportion. */
  readonly weight: number;

  /** @throws Error that says what is wrong with the pattern. */
  constructor(private readonly pattern: string) {
    if (pattern.length > MAX_PATTERN_LENGTH) throw new Error(`has more than ${MAX_PATTERN_LENGTH} characters`);
    this.weight = weightOf(pattern);
    if (this.weight > MAX_WEIGHT)
      throw new Error(`repeats too much: written out it has more than ${MAX_WEIGHT} characters`);
    try {
      this.compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
    } catch (error) {
      throw new Error(reasonOf(error), { cause: error });
    }
    this.size = this.compiled.programSize();
  }

  /** @throws PatternBudgetExceeded */
  test(text: string): boolean {
    stepsLeft -= (text.length + STEPS_PER_TEST) * this.size;
    if (stepsLeft < 0) throw new PatternBudgetExceeded();
    return this.compiled.test(text);
  }

  /** Ajv takes patterns of the same text for the same. */
  toString(): string {
    return this.pattern;
  }
}

/** Written-out repetitions add up, and those of groups multiply everything else, so that nesting is never underrated. */
function weightOf(pattern: string): number {
  let sum = pattern.length;
  let product = 1;
  for (const [, group, min, max] of pattern.matchAll(/(\)?)\{(\d+)(?:,(\d*))?\}/g)) {
    const times = Math.max(Number(min), Number(max ?? 0), 1);
    if (group === ')') product *= times;
    else sum += times;
  }
  return sum * product;
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : '';
  return message === '' ? 'is not a regular expression' : `is not a regular expression of RE2 syntax: ${message}`;
}
