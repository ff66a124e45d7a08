import type { ErrorDetail } from '#kernel/app-error';
import { resolvePath } from './resolve-path';
import type { RequestContext } from './request-context';

const MAX_LENGTH = 10_000;
const MAX_PLACES = 100;
/** Of what one template becomes, in characters: every channel takes less. */
const MAX_RENDERED_LENGTH = 262_144;
const PLACE = /\{\{([^{}]*)\}\}/g;
const ROOTS = ['payload', 'headers', 'query', 'metadata'] as const;
/** How other template languages begin what is no plain value. */
const FOREIGN = /^[#/>!^&.$-]|^(if|range|with|else|end)\b/;

export interface Rendered {
  readonly text: string;
  /** Paths at which the request has nothing; they became empty. */
  readonly missing: readonly string[];
}

/** A text with `{{path}}` in it, checked. */
export interface Template {
  readonly source: string;
  /** @param escape makes a value harmless in the markup of what the text is for; never applied to the text itself. */
  render(context: RequestContext, escape: (value: string) => string): Rendered;
}

/** Reads a template; null, and a problem, when it is none. */
export function compileTemplate(given: unknown, field: string, problems: ErrorDetail[]): Template | null {
  const problem = problemOf(given);
  if (problem === null) return templateOf(given as string);
  problems.push({ field, message: problem });
  return null;
}

/**
 * The value at a place: `headers.…`, `query.…` and `metadata.…` say where; anything else, and `payload.…`, is in the
 * payload. What a sender puts into the payload can therefore never pass for metadata. Undefined when nothing is there.
 */
export function valueAt(context: RequestContext, path: string): unknown {
  const [head = '', ...rest] = path.split('.');
  const root = ROOTS.find((name) => name === head);
  if (root === undefined) return resolvePath(context.payload, path);
  if (rest.length === 0) return context[root];
  const name = rest.join('.');
  return resolvePath(context[root], root === 'headers' ? name.toLowerCase() : name);
}

/** The path when a text is one placeholder and nothing else. */
export function onlyPath(source: string): string | null {
  const whole = /^\{\{([^{}]*)\}\}$/.exec(source);
  return whole?.[1]?.trim() ?? null;
}

function problemOf(given: unknown): string | null {
  if (typeof given !== 'string' || given === '' || given.length > MAX_LENGTH) {
    return `must be a text of 1 to ${MAX_LENGTH} characters, such as New signal: {{action}} {{symbol}}`;
  }
  const paths = [...given.matchAll(PLACE)].map(([, path = '']) => path.trim());
  if (paths.length > MAX_PLACES) return `must not have more than ${MAX_PLACES} places`;
  const rest = given.replace(PLACE, '');
  if (rest.includes('{{') || rest.includes('}}')) return 'has {{ and }} that do not belong together';
  const foreign = paths.find((path) => path === '' || FOREIGN.test(path));
  if (foreign !== undefined) {
    return `has {{${foreign}}}: in the braces stands a path only, such as order.items.0.name or headers.x-github-event`;
  }
  return null;
}

function templateOf(source: string): Template {
  // Texts and paths alternate, since the expression has one group.
  const pieces = source.split(PLACE).map((piece, index) => (index % 2 === 0 ? piece : piece.trim()));
  return {
    source,
    render(context, escape) {
      const missing: string[] = [];
      let text = '';
      pieces.forEach((piece, index) => {
        if (index % 2 === 0) {
          text += piece;
          return;
        }
        const value = valueAt(context, piece);
        if (value === undefined) missing.push(piece);
        const room = Math.max(0, MAX_RENDERED_LENGTH - text.length);
        text += escape(textOf(value).slice(0, room));
      });
      return { text, missing };
    },
  };
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
