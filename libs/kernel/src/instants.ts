const FORM = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})$/i;

/** An instant (Unix ms) as ISO 8601 in UTC; whole seconds without a fraction, as the reference writes them. */
export function formatInstant(atMs: number): string {
  return new Date(atMs).toISOString().replace('.000Z', 'Z');
}

/** {@link formatInstant} of a column that may be empty. */
export function formatInstantOrNull(at: Date | null): string | null {
  return at === null ? null : formatInstant(at.getTime());
}

/**
 * The instant (Unix ms) of an ISO 8601 date and time with `Z` or an offset, or null when the text is not
 * one: dates that do not exist (30 February) and years before 1970 are none. Never throws.
 */
export function parseInstant(text: string): number | null {
  const parts = FORM.exec(text);
  if (parts === null) return null;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  // Date rolls 30 February over into March: the day must still be there.
  if (new Date(Date.UTC(year, month - 1, day)).getUTCDate() !== day) return null;
  const atMs = Date.parse(text.toUpperCase());
  return Number.isNaN(atMs) || atMs < 0 ? null : atMs;
}
