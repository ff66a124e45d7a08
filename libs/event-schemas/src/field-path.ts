const PLAIN = /^[A-Za-z_$][A-Za-z0-9_$-]*$/;
const INDEX = /^\d{1,10}$/;
const MAX_LENGTH = 512;

/** A place within JSON as errors name it, for example `data.items[0].price` or `data["odd key"]`. */
export function fieldPath(root: string, segments: readonly string[]): string {
  let path = root;
  for (const segment of segments) {
    if (INDEX.test(segment)) path += `[${segment}]`;
    else path += PLAIN.test(segment) ? `.${segment}` : `[${JSON.stringify(segment)}]`;
    if (path.length > MAX_LENGTH) return `${path.slice(0, MAX_LENGTH)}…`;
  }
  return path;
}

/** The segments of a JSON Pointer (RFC 6901), for example of `/items/0/a~1b`. */
export function pointerSegments(pointer: string): string[] {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}
