import type { ASTNode } from '@marcbachmann/cel-js';

/** Functions that take time linear in their text or list, and whose result is not larger. */
const LINEAR = [
  'startsWith',
  'endsWith',
  'contains',
  'matches',
  'lowerAscii',
  'upperAscii',
  'trim',
  'indexOf',
  'lastIndexOf',
  'substring',
];
const CHEAP = ['size', 'has', 'int', 'uint', 'double', 'string', 'bool', 'type', 'dyn', 'timestamp', 'duration'];
const TIME_PART = /^get[A-Z][A-Za-z]+$/;
/** Evaluate an expression for every item of a list. */
const MACROS = ['all', 'exists', 'exists_one', 'filter', 'map'];
const COMPARISONS = ['==', '!=', '<', '<=', '>', '>=', 'in', '+'];
/** An expression for every item of every item of every item is too much for a condition. */
const MAX_LOOP_DEPTH = 2;

/** What a cheap step takes, in the time of comparing 64 bytes. */
const STEP_UNITS = 8;
const BYTES_PER_UNIT = 64;
/** About a quarter of a second. */
const MAX_UNITS = 20_000_000;

/** How often the parts of an expression run: by how deep they are within loops over lists. */
export interface ConditionCost {
  readonly steps: readonly number[];
  /** Those steps that look through texts or lists which are not in the expression itself. */
  readonly linear: readonly number[];
}

/** What an expression may take, or why it is refused. */
export function conditionCost(ast: ASTNode): ConditionCost | string {
  const steps = Array.from({ length: MAX_LOOP_DEPTH + 1 }, () => 0);
  const linear = [...steps];
  const refusals: string[] = [];
  const visit = (node: ASTNode, depth: number): void => {
    if (depth > MAX_LOOP_DEPTH) {
      refusals.push(`must not have loops (${MACROS.join(', ')}) more than ${MAX_LOOP_DEPTH} deep in one another`);
      return;
    }
    steps[depth] = (steps[depth] ?? 0) + 1;
    if (isLinear(node)) linear[depth] = (linear[depth] ?? 0) + 1;
    const name = calledName(node);
    if (name !== null && !isAllowed(name)) {
      refusals.push(
        `must not call ${name}; there are ${[...CHEAP, ...LINEAR, ...MACROS].join(', ')} and the parts of a time`,
      );
    }
    const isMacro = node.op === 'rcall' && MACROS.includes(node.args[0]);
    childrenOf(node).forEach((child, index) => {
      visit(child, isMacro && index > 0 ? depth + 1 : depth);
    });
  };
  visit(ast, 0);
  return refusals[0] ?? { steps, linear };
}

/** Says whether evaluating could take too long on a request of this many values and bytes. */
export function isTooCostly({ steps, linear }: ConditionCost, values: number, bytes: number): boolean {
  const unitsAt = (depth: number): number =>
    ((steps[depth] ?? 0) * STEP_UNITS + ((linear[depth] ?? 0) * bytes) / BYTES_PER_UNIT) * values ** depth;
  return steps.reduce((sum, _, depth) => sum + unitsAt(depth), 0) > MAX_UNITS;
}

/** The parts of a node, in the order of the source; the receiver of a method comes first. */
export function childrenOf(node: ASTNode): ASTNode[] {
  return nodesIn(node.args);
}

function nodesIn(args: unknown): ASTNode[] {
  if (Array.isArray(args)) return args.flatMap(nodesIn);
  return typeof args === 'object' && args !== null && 'op' in args ? [args as ASTNode] : [];
}

function calledName(node: ASTNode): string | null {
  return node.op === 'rcall' || node.op === 'call' ? node.args[0] : null;
}

function isAllowed(name: string): boolean {
  return [...CHEAP, ...LINEAR, ...MACROS].includes(name) || TIME_PART.test(name);
}

/** What is compared with a literal takes no longer than the literal is long. */
function isLinear(node: ASTNode): boolean {
  if (node.op === 'rcall') return LINEAR.includes(node.args[0]);
  return COMPARISONS.includes(node.op) && !childrenOf(node).some(isLiteral);
}

function isLiteral(node: ASTNode): boolean {
  return node.op === 'value' || ((node.op === 'list' || node.op === '-_') && childrenOf(node).every(isLiteral));
}
