import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { AppError } from '#kernel/app-error';

/**
 * Replaces Fastify's parsers: JSON only, as UTF-8 (RFC 8259), with the received bytes kept as `request.rawBody`.
 * A body without any byte counts as `{}`, since many clients announce JSON and send none.
 */
export function useJsonBodyParser(fastify: FastifyInstance, maxDepth: number): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    request.rawBody = body;
    try {
      done(null, parseJson(body, maxDepth));
    } catch (error) {
      done(error as AppError);
    }
  });
}

/**
 * The value of a JSON text. Keys such as `__proto__` become ordinary properties.
 * @throws AppError 400 when the bytes are not UTF-8 or not JSON, or the value is nested deeper than `maxDepth`: of no use
 * to anybody, and dear to everyone who walks it.
 */
export function parseJson(body: Buffer, maxDepth: number): unknown {
  if (body.length === 0) return {};
  if (!isUtf8(body)) throw new AppError(400, 'malformed_json', 'The body is not valid UTF-8');
  const value = parse(body.toString('utf8'));
  if (isDeeperThan(value, maxDepth)) {
    throw new AppError(400, 'malformed_json', `The body is nested deeper than ${maxDepth} levels`);
  }
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AppError(400, 'malformed_json', `The body is not valid JSON${whereOf((error as Error).message, text)}`);
  }
}

/** The engine's message in our words: where it stopped, or what it did not expect. */
function whereOf(message: string, text: string): string {
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position !== undefined) {
    const lines = text.slice(0, Number(position)).split('\n');
    return `: line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
  }
  if (message.startsWith('Unexpected end')) return ': it ends too early';
  const token = /^Unexpected token '(.)'/su.exec(message)?.[1];
  return token === undefined ? '' : `: unexpected character ${JSON.stringify(token)}`;
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  for (const member of Array.isArray(value) ? (value as unknown[]) : Object.values(value)) {
    if (isDeeperThan(member, levels - 1)) return true;
  }
  return false;
}
