import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';

/** Marks a raw text within a serialised answer; nobody outside the process can know it. */
const MARK = randomBytes(16).toString('hex');
const MARKED = new RegExp(`"${MARK}((?:[^"\\\\]|\\\\.)*)"`, 'g');

/**
 * JSON that goes into an answer byte for byte, as it was published: parsing and writing it again would turn
 * 1.0 into 1 and round 19-digit integers.
 */
export class RawJson {
  private readonly text: string;

  constructor(json: Buffer) {
    this.text = json.toString('utf8');
  }

  toJSON(): string {
    return MARK + this.text;
  }
}

/** Lets answers hold {@link RawJson}. */
export function useRawJson(fastify: FastifyInstance): void {
  fastify.setReplySerializer(serialize);
}

/** {@link JSON.stringify}, with every {@link RawJson} as it stands. */
export function serialize(payload: unknown): string {
  const text = JSON.stringify(payload);
  if (!text.includes(MARK)) return text;
  return text.replace(MARKED, (_match, raw: string) => JSON.parse(`"${raw}"`) as string);
}
