/** One field of a refused request and what is allowed there. */
export interface ErrorDetail {
  field: string;
  message: string;
}

export interface AppErrorOptions {
  details?: ErrorDetail[];
  /** Seconds after which trying again makes sense; answered as `Retry-After`. */
  retryAfterSeconds?: number;
  /** Further response headers, for example `www-authenticate`. */
  headers?: Record<string, string>;
  cause?: unknown;
}

/**
 * An expected failure with a stable code. Its message is shown to the client as it stands, so it never
 * names anything internal.
 */
export class AppError extends Error {
  readonly details: ErrorDetail[];
  readonly retryAfterSeconds: number | undefined;
  readonly headers: Record<string, string>;

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    options: AppErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.details = options.details ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.headers = options.headers ?? {};
  }
}

/** 400: the request is malformed or a field is invalid; the message lists what is wrong where. */
export function invalidRequest(details: ErrorDetail[]): AppError {
  const message = details.map((detail) => `${detail.field}: ${detail.message}`).join('; ');
  return new AppError(400, 'invalid_request', message, { details });
}

/** 404, also for what belongs to another tenant. */
export function notFound(what: string): AppError {
  return new AppError(404, 'not_found', `${what} not found`);
}

/** 409: the request conflicts with the present state. */
export function conflict(code: string, message: string): AppError {
  return new AppError(409, code, message);
}

/** 503: a component the request needs is away; it can be tried again. */
export function unavailable(message: string, retryAfterSeconds: number, cause?: unknown): AppError {
  return new AppError(503, 'unavailable', message, { retryAfterSeconds, cause });
}
