import { malformed } from './body-refusal';

/** More fields than a form has for a reason. */
const MAX_FIELDS = 10_000;

/** Gathers fields: a name that comes several times has a list of its values. */
export class FieldCollector {
  private readonly fields = new Map<string, unknown[]>();
  private count = 0;

  /** @throws BodyRefusal when there are too many. */
  add(name: string, value: unknown): void {
    this.count += 1;
    if (this.count > MAX_FIELDS) throw malformed(`The body has more than ${MAX_FIELDS} fields`);
    const values = this.fields.get(name);
    if (values === undefined) this.fields.set(name, [value]);
    else values.push(value);
  }

  toObject(): Record<string, unknown> {
    return Object.fromEntries(
      [...this.fields].map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
    );
  }
}

/** Parses `application/x-www-form-urlencoded`. @throws BodyRefusal */
export function parseFormBody(text: string): Record<string, unknown> {
  const fields = new FieldCollector();
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = equals === -1 ? pair : pair.slice(0, equals);
    fields.add(decode(name), equals === -1 ? '' : decode(pair.slice(equals + 1)));
  }
  return fields.toObject();
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw malformed('The body is not URL-encoded UTF-8');
  }
}
