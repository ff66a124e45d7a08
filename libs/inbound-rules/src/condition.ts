import { Environment, type ASTNode, type ParseResult } from '@marcbachmann/cel-js';
import type { ErrorDetail } from '#kernel/app-error';
import { LinearPattern, PatternBudgetExceeded, resetPatternBudget } from '#event-schemas/linear-pattern';
import { countValues } from '#event-schemas/inspect-schema';
import { childrenOf, conditionCost, isTooCostly, type ConditionCost } from './condition-cost';
import type { RequestContext } from './request-context';

const MAX_LENGTH = 2_048;
const MAX_DEPTH = 32;
const MAX_NODES = 300;
/** The name under which an expression's `matches` runs on the linear engine. */
const LINEAR_MATCHES = 'matchesLinearly';

export interface ConditionResult {
  readonly isTrue: boolean;
  /** Why not, where that is not plain from the expression: a field that is missing, say. */
  readonly reason: string | null;
}

/** Says whether a request satisfies a condition. Never throws. */
export type Condition = (context: RequestContext) => ConditionResult;

const environment = makeEnvironment();

/**
 * Compiles a condition in the Common Expression Language over `payload`, `headers`, `query` and `metadata`; null, and a
 * problem, when it is none. There is no `eval` behind it, its regular expressions are linear, and what it may take is
 * bounded. What fails when it is evaluated, such as a missing field, is false with a reason.
 */
export function compileCondition(given: unknown, field: string, problems: ErrorDetail[]): Condition | null {
  const refuse = (message: string): null => {
    problems.push({ field, message });
    return null;
  };
  if (typeof given !== 'string' || given.trim() === '' || given.length > MAX_LENGTH) {
    return refuse(`must be an expression of 1 to ${MAX_LENGTH} characters, such as payload.confidence > 0.8`);
  }
  try {
    const { ast } = environment.parse(given);
    const cost = conditionCost(ast);
    if (typeof cost === 'string') return refuse(cost);
    const patternProblem = problemOfPatterns(ast);
    if (patternProblem !== null) return refuse(patternProblem);
    const program = environment.parse(withLinearMatches(given, ast));
    if (callsOf('matches', program.ast).length > 0) return refuse('must not have comments around matches');
    const checked = program.check();
    if (!checked.valid) return refuse(`is not a valid expression: ${firstLine(checked.error)}`);
    if (checked.type !== 'bool' && checked.type !== 'dyn') {
      return refuse(`must be true or false, and this is of the type ${checked.type ?? 'unknown'}`);
    }
    return (context) => evaluate(program, context, cost);
  } catch (error) {
    return refuse(`is not a valid expression: ${firstLine(error)}`);
  }
}

function evaluate(program: ParseResult, context: RequestContext, cost: ConditionCost): ConditionResult {
  // Strings are what is long; the sizes need not be exact.
  const values = cost.steps.slice(1).some((count) => count > 0) ? countValues(context.payload) : 0;
  const bytes = cost.linear.some((count) => count > 0) ? textLength(context.payload) : 0;
  if (isTooCostly(cost, values, bytes)) {
    return { isTrue: false, reason: 'The payload is too large for the loops of the condition' };
  }
  resetPatternBudget();
  try {
    const result: unknown = program({ ...context });
    if (typeof result === 'boolean') return { isTrue: result, reason: null };
    return { isTrue: false, reason: 'The result is neither true nor false' };
  } catch (error) {
    if (isCausedByBudget(error))
      return { isTrue: false, reason: "There is too much text for the condition's patterns" };
    return { isTrue: false, reason: firstLine(error) };
  }
}

/** Plain CEL has no arithmetic over `int` and `double`, and every number of a JSON payload is a `double`. */
function makeEnvironment(): Environment {
  const made = new Environment({
    homogeneousAggregateLiterals: false,
    limits: { maxAstNodes: MAX_NODES, maxDepth: MAX_DEPTH },
  });
  const arithmetic: Record<string, (a: number, b: number) => number> = {
    '+': (a, b) => a + b,
    '-': (a, b) => a - b,
    '*': (a, b) => a * b,
    '/': (a, b) => a / b,
    '%': (a, b) => a % b,
  };
  for (const [operator, compute] of Object.entries(arithmetic)) {
    const handler = (a: bigint | number, b: bigint | number): number => compute(Number(a), Number(b));
    made.registerOperator(`double ${operator} int`, handler);
    made.registerOperator(`int ${operator} double`, handler);
  }
  made.registerOperator('double % double', (a: number, b: number) => a % b);
  // The library's own runs on the engine's backtracking expressions.
  made.registerFunction(`string.${LINEAR_MATCHES}(string): bool`, (text: string, pattern: string) =>
    patternOf(pattern).test(text),
  );
  return made
    .registerVariable('payload', 'dyn')
    .registerVariable('headers', 'map<string, string>')
    .registerVariable('query', 'map<string, string>')
    .registerVariable('metadata', 'map<string, string>');
}

/** Only as many as live conditions use in a while: a pattern compiles within milliseconds. */
const patterns = new Map<string, LinearPattern>();
const MAX_PATTERNS = 1_000;

function patternOf(text: string): LinearPattern {
  const known = patterns.get(text);
  if (known !== undefined) return known;
  if (patterns.size >= MAX_PATTERNS) patterns.clear();
  const made = new LinearPattern(text);
  patterns.set(text, made);
  return made;
}

/** Patterns must stand in the expression itself, so that none is compiled that a request brings. */
function problemOfPatterns(ast: ASTNode): string | null {
  for (const { args } of callsOf('matches', ast)) {
    const [pattern, ...further] = args[2];
    if (pattern?.op !== 'value' || typeof pattern.args !== 'string' || further.length > 0) {
      return 'must give matches a pattern in quotes';
    }
    try {
      patternOf(pattern.args);
    } catch (error) {
      return `has a pattern that ${(error as Error).message}`;
    }
  }
  return null;
}

function callsOf(name: string, node: ASTNode): (ASTNode & { op: 'rcall' })[] {
  const own = node.op === 'rcall' && node.args[0] === name ? [node] : [];
  return [...own, ...childrenOf(node).flatMap((child) => callsOf(name, child))];
}

/** The expression with every call of `matches` renamed, from its end to its beginning, so that places stay right. */
function withLinearMatches(expression: string, ast: ASTNode): string {
  const places = callsOf('matches', ast).map(({ args: [, receiver, [pattern]] }) => {
    const from = receiver.range.end;
    return from + expression.slice(from, pattern?.range.start).lastIndexOf('matches');
  });
  return places
    .sort((a, b) => b - a)
    .reduce((text, at) => text.slice(0, at) + LINEAR_MATCHES + text.slice(at + 'matches'.length), expression);
}

function textLength(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  const members: unknown[] = Array.isArray(value) ? value : Object.values(value);
  return members.reduce<number>((sum, member) => sum + textLength(member), members.length);
}

function isCausedByBudget(error: unknown): boolean {
  return error instanceof PatternBudgetExceeded || (error instanceof Error && isCausedByBudget(error.cause));
}

/** The library's messages go on with a drawing of the place. */
function firstLine(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : 'unknown';
}
