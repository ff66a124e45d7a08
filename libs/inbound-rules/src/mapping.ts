import type { ErrorDetail } from '#kernel/app-error';
import { isJsonObject } from '#event-schemas/json-schema';
import type { RequestContext } from './request-context';
import { compileTemplate, onlyPath, valueAt, type Template } from './template';

const MAX_DEPTH = 20;
const MAX_VALUES = 500;

export interface Mapped {
  readonly value: unknown;
  /** Paths at which the request has nothing; they became null, or empty within a text. */
  readonly missing: readonly string[];
}

/** Makes the JSON that is passed on of a request. */
export type Mapping = (context: RequestContext) => Mapped;

type Node = (context: RequestContext, missing: string[]) => unknown;

/**
 * Reads a mapping: any JSON in whose texts `{{path}}` stands for a value of the request. A text that is nothing but one
 * `{{path}}` becomes the value itself, a number or an object as well. Null, and a problem, when it is wrong.
 */
export function compileMapping(given: unknown, field: string, problems: ErrorDetail[]): Mapping | null {
  const before = problems.length;
  const compiler = new Compiler(problems);
  const node = compiler.node(given, field, 1);
  if (problems.length > before) return null;
  return (context) => {
    const missing: string[] = [];
    return { value: node(context, missing), missing };
  };
}

class Compiler {
  private values = 0;

  constructor(private readonly problems: ErrorDetail[]) {}

  node(given: unknown, field: string, depth: number): Node {
    this.values += 1;
    if (this.values === MAX_VALUES + 1)
      this.refuse(field, `is one value too many: a mapping has at most ${MAX_VALUES}`);
    if (depth > MAX_DEPTH) return this.refuse(field, `must not be nested more than ${MAX_DEPTH} levels deep`);
    if (this.values > MAX_VALUES) return () => null;
    if (typeof given === 'string') return this.text(given, field);
    if (Array.isArray(given)) {
      const items = given.map((item: unknown, index) => this.node(item, `${field}[${index}]`, depth + 1));
      return (context, missing) => items.map((item) => item(context, missing));
    }
    if (isJsonObject(given)) {
      const members = Object.entries(given).map(
        ([name, value]) => [name, this.node(value, `${field}.${name}`, depth + 1)] as const,
      );
      return (context, missing) => Object.fromEntries(members.map(([name, node]) => [name, node(context, missing)]));
    }
    if (given === undefined) return this.refuse(field, 'is required');
    return () => given;
  }

  private text(given: string, field: string): Node {
    if (given === '') return () => '';
    const template: Template | null = compileTemplate(given, field, this.problems);
    const path = onlyPath(given);
    if (template === null) return () => null;
    if (path !== null) {
      return (context, missing) => {
        const value = valueAt(context, path);
        if (value === undefined) missing.push(path);
        return value ?? null;
      };
    }
    return (context, missing) => {
      const rendered = template.render(context, (value) => value);
      missing.push(...rendered.missing);
      return rendered.text;
    };
  }

  private refuse(field: string, message: string): Node {
    this.problems.push({ field, message });
    return () => null;
  }
}
