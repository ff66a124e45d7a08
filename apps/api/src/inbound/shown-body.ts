import { isUtf8 } from 'node:buffer';
import { RawJson } from '../http/raw-json';

/**
 * A stored body as an answer shows it: the very JSON where it is JSON, else text or base64.
 * @param body undefined where it had no byte or is no longer kept.
 */
export function shownBody(
  { body_bytes: bytes }: { body_bytes: number },
  body: Buffer | undefined,
): { payload: unknown; encoding: 'json' | 'text' | 'base64' | 'empty' | 'gone' } {
  if (bytes === 0) return { payload: null, encoding: 'empty' };
  if (body === undefined) return { payload: null, encoding: 'gone' };
  if (!isUtf8(body)) return { payload: body.toString('base64'), encoding: 'base64' };
  const text = body.toString('utf8');
  return isJson(text) ? { payload: new RawJson(body), encoding: 'json' } : { payload: text, encoding: 'text' };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
