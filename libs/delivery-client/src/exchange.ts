import type { Dispatcher } from 'undici';
import { isSuccess, type AttemptOutcome, type ErrorClass } from '#webhook-rules/outcome';
import { parseRetryAfterMs } from '#webhook-rules/retry-after';
import type { Borrower, Connection, ConnectionPool } from './connection-pool';
import { classifyError, describeError, describeStatus } from './error-class';

/** What came of one attempt. */
export interface AttemptResult {
  readonly outcome: AttemptOutcome;
  /** From the start of the attempt until its result, connecting included. */
  readonly durationMs: number;
  /** Known as soon as the headers are in, so an attempt that failed later may have one too. */
  readonly statusCode: number | null;
  /** Only the headers of STORED_HEADERS, by lower-case name. */
  readonly responseHeaders: Readonly<Record<string, string>>;
  /** The first bytes of the body as they came, not decoded. */
  readonly responseBody: Buffer;
  /** True when the body was longer than what is stored, or broke off. */
  readonly responseTruncated: boolean;
  /** One short sentence for the webhook's owner; null for a delivery. */
  readonly error: string | null;
}

export interface ExchangeLimits {
  /** For waiting for a connection, connecting, headers and the whole body together. */
  readonly timeoutMs: number;
  readonly maxReadBytes: number;
  readonly maxStoredBytes: number;
}

const STORED_HEADERS = ['content-type', 'retry-after'] as const;
const STORED_HEADER_MAX_LENGTH = 256;
const NO_BODY = Buffer.alloc(0);

/** One request and its response under one deadline; calls `settle` exactly once. */
export class Exchange implements Dispatcher.DispatchHandler, Borrower {
  /** Where it stands among those in flight. */
  place = 0;
  private readonly startedAtMs = performance.now();
  private readonly deadline: NodeJS.Timeout;
  private connection: Connection | null = null;
  private isSettled = false;
  private hasStarted = false;
  private hasAnswered = false;
  private statusCode: number | null = null;
  private readonly headers: Record<string, string> = {};
  private readonly chunks: Buffer[] = [];
  private storedBytes = 0;
  private readBytes = 0;

  constructor(
    private readonly message: Dispatcher.DispatchOptions,
    private readonly limits: ExchangeLimits,
    private readonly pool: ConnectionPool,
    private readonly settle: (result: AttemptResult) => void,
  ) {
    this.deadline = setTimeout(() => {
      this.fail(this.hasStarted ? 'timeout' : 'connect_timeout', null);
    }, limits.timeoutMs);
  }

  get isWaiting(): boolean {
    return !this.isSettled;
  }

  /** Sends the request over a connection, which the exchange gives back to the pool by itself. */
  sendOver(connection: Connection): void {
    this.connection = connection;
    connection.client.dispatch(this.message, this);
  }

  /** Ends the exchange because the process is shutting down. */
  interrupt(): void {
    this.fail('interrupted', null);
  }

  onRequestStart(): void {
    this.hasStarted = true;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, statusCode: number, headers: IncomingHeaders): void {
    this.hasAnswered = true;
    if (statusCode < 200) return; // 102 and 103 announce a response and are none.
    this.statusCode = statusCode;
    for (const name of STORED_HEADERS) {
      const value = headers[name];
      const text = Array.isArray(value) ? value[0] : value;
      if (text !== undefined) this.headers[name] = text.slice(0, STORED_HEADER_MAX_LENGTH);
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.readBytes += chunk.length;
    const room = this.limits.maxStoredBytes - this.storedBytes;
    if (room > 0) {
      const part = chunk.subarray(0, room);
      this.chunks.push(part);
      this.storedBytes += part.length;
    }
    if (this.readBytes > this.limits.maxReadBytes) this.fail('response_too_large', null);
  }

  onResponseEnd(): void {
    if (this.statusCode === null) return;
    const retryAfter = this.headers['retry-after'];
    const outcome: AttemptOutcome = {
      kind: 'response',
      statusCode: this.statusCode,
      retryAfterMs: retryAfter === undefined ? null : parseRetryAfterMs(retryAfter, Date.now()),
    };
    this.finish(outcome, isSuccess(outcome) ? null : describeStatus(this.statusCode));
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.isSettled) return;
    const errorClass = this.withAnswer(classifyError(error));
    if (isBroken(errorClass) && this.connection?.isReused === true && !this.hasAnswered) {
      this.hasStarted = false;
      this.sendOver(this.pool.replace(this.connection));
      return;
    }
    this.fail(errorClass, error);
  }

  /** A connection that breaks in the middle of an answer is told apart from one that breaks before it. */
  private withAnswer(errorClass: ErrorClass): ErrorClass {
    return isBroken(errorClass) && this.statusCode !== null ? 'incomplete_response' : errorClass;
  }

  private fail(errorClass: ErrorClass, error: Error | null): void {
    this.finish({ kind: 'error', errorClass }, describeError(errorClass, error));
  }

  private finish(outcome: AttemptOutcome, error: string | null): void {
    if (this.isSettled) return;
    this.isSettled = true;
    clearTimeout(this.deadline);
    this.giveBack(outcome.kind === 'response');
    this.settle({
      outcome,
      durationMs: Math.round(performance.now() - this.startedAtMs),
      statusCode: this.statusCode,
      responseHeaders: this.headers,
      responseBody: this.storedBytes === 0 ? NO_BODY : Buffer.concat(this.chunks, this.storedBytes),
      responseTruncated: this.readBytes > this.storedBytes || (outcome.kind === 'error' && this.statusCode !== null),
      error,
    });
  }

  /** A connection on which a response may still come cannot be used again. */
  private giveBack(isReusable: boolean): void {
    const { connection, pool } = this;
    if (connection === null) return;
    // Not while undici's parser, which may have called us, is still at work on the connection.
    queueMicrotask(() => {
      if (isReusable) pool.release(connection);
      else pool.discard(connection);
    });
  }
}

function isBroken(errorClass: ErrorClass): boolean {
  return errorClass === 'connection_closed' || errorClass === 'connection_reset';
}

type IncomingHeaders = Readonly<Record<string, string | string[] | undefined>>;
