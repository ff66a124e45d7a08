export interface PublishErrorOptions {
  details?: readonly { field: string; message: string }[];
  requestId?: string | null;
  cause?: unknown;
}

/** Why an event was not published. */
export class PublishError extends Error {
  /** What is wrong field by field; empty when it is not about fields. */
  readonly details: readonly { field: string; message: string }[];
  /** Names the request in the service's log; null when none was answered. */
  readonly requestId: string | null;

  /**
   * @param status of HTTP, null when no answer came: 400 wrong, 401 token, 403 not allowed, 413 too large, 422 the key was
   *   used for another body, 429 too fast, 503 could not be stored now.
   * @param code stable, for programs: that of the API's error, or `unreachable`, `timeout`, `unexpected_answer`.
   */
  constructor(
    readonly status: number | null,
    readonly code: string,
    message: string,
    options: PublishErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PublishError';
    this.details = options.details ?? [];
    this.requestId = options.requestId ?? null;
  }
}

/** The refusal of one field before anything was sent, in the form of the service's own. */
export function refusedField(field: string, message: string, cause?: unknown): PublishError {
  return new PublishError(400, 'invalid_request', `${field}: ${message}`, { details: [{ field, message }], cause });
}
