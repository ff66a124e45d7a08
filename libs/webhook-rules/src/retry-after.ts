const DELAY_SECONDS = /^\d{1,10}$/;
/** IMF-fixdate and its obsolete RFC 850 form; both end in GMT. */
const HTTP_DATE = /^[A-Z][a-z]{2,8}, \d{2}[ -][A-Z][a-z]{2}[ -]\d{2,4} \d{2}:\d{2}:\d{2} GMT$/;
/** The obsolete asctime form, which is UTC without saying so. */
const ASCTIME_DATE = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;

/**
 * The milliseconds that a Retry-After header asks to wait from `nowMs` on (RFC 9110, 10.2.3): seconds
 * or an HTTP date; 0 for a date that has passed, null for anything else. It is not capped.
 */
export function parseRetryAfterMs(value: string, nowMs: number): number | null {
  const text = value.trim();
  if (DELAY_SECONDS.test(text)) return Number(text) * 1000;
  const atMs = parseHttpDateMs(text);
  return atMs === null ? null : Math.max(0, atMs - nowMs);
}

function parseHttpDateMs(text: string): number | null {
  if (!HTTP_DATE.test(text) && !ASCTIME_DATE.test(text)) return null;
  const atMs = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(atMs) ? null : atMs;
}
