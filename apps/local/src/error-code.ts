/** Whether `error` is a system error with one of the given codes, such as `ENOENT`. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  // Not by instanceof: under Jest the errors of Node's own modules are of another realm.
  return typeof error === 'object' && error !== null && 'code' in error && codes.some((code) => code === error.code);
}
