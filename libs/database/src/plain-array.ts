/**
 * An array parameter as the text that PostgreSQL reads, for values that need no quotes: ids, numbers, instants, and words
 * of ours that are neither empty nor `null`. `pg` would quote and escape each, which costs it ten times as much, and
 * PostgreSQL more to read.
 */
export function plainArray(values: readonly (string | number | boolean | null)[]): string {
  let text = '{';
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? null;
    text += index === 0 ? value : `,${value}`;
  }
  return `${text}}`;
}

/** {@link plainArray} of one property of each item. */
export function plainColumn<T>(items: readonly T[], value: (item: T) => string | number | boolean | null): string {
  return plainArray(items.map(value));
}
