import type { VerdictCode } from '../verdict';

/** Nothing that a service sends for a reason is deeper. */
export const MAX_DEPTH = 100;

/** Why a body is not read; its message may be shown to the sender. */
export class BodyRefusal extends Error {
  constructor(
    readonly status: 400 | 415 | 422,
    readonly code: VerdictCode,
    message: string,
  ) {
    super(message);
    this.name = 'BodyRefusal';
  }
}

export function malformed(message: string): BodyRefusal {
  return new BodyRefusal(400, 'malformed_body', message);
}

export function unsupported(message: string): BodyRefusal {
  return new BodyRefusal(415, 'unsupported_media_type', message);
}

export function tooDeep(): BodyRefusal {
  return new BodyRefusal(422, 'body_too_deep', `The body is nested more than ${MAX_DEPTH} levels deep`);
}
