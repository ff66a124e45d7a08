const MAX_RESULT_LENGTH = 64 * 1024;
const PREVIEW_LENGTH = 4 * 1024;

/** Of functions and of undefined itself there is no JSON. */
const toJson: (value: unknown) => string | undefined = JSON.stringify;

/** A result as JSON text to be kept: null for nothing, and only the beginning of what is too long. */
export function storableResult(result: unknown): string {
  let text: string | undefined;
  try {
    text = toJson(result);
  } catch (error) {
    return JSON.stringify({ unreadable: error instanceof Error ? error.message : 'the result is not JSON' });
  }
  if (text === undefined) return 'null';
  if (text.length <= MAX_RESULT_LENGTH) return text;
  return JSON.stringify({ truncated: true, length: text.length, beginning: text.slice(0, PREVIEW_LENGTH) });
}
