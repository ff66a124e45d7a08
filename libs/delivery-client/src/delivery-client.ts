import { buildConnector, type Dispatcher } from 'undici';
import type { ErrorClass } from '#webhook-rules/outcome';
import type { AddressGuard } from './address-guard';
import { ConnectionPool } from './connection-pool';
import { describeError } from './error-class';
import { Exchange, type AttemptResult } from './exchange';

const CONNECT_TIMEOUT_MS = 10_000;

export interface DeliveryClientOptions {
  readonly guard: AddressGuard;
  /**
   * Connections to one origin, over all webhooks there; what exceeds it waits within its deadline. It
   * is the last bound, above the caller's own per webhook: were it small, webhooks that hang would
   * take the connections of their neighbours on the same host.
   */
  readonly connectionsPerOrigin?: number;
  /** Idle connections over all origins; beyond it the one that was idle longest is closed. */
  readonly maxIdleConnections?: number;
  /** How long an idle connection is kept, unless the receiver names a shorter time. */
  readonly keepAliveMs?: number;
  /** In steps of half a second or so; a shorter deadline of the request ends connecting, too. */
  readonly connectTimeoutMs?: number;
  /** A longer response is cut off and the attempt has failed. */
  readonly maxReadBytes?: number;
  readonly maxStoredResponseBytes?: number;
  /** PEM of the certificate authorities to trust instead of Node's. */
  readonly ca?: string;
}

export interface DeliveryRequest {
  readonly url: string;
  /** POST unless given. */
  readonly method?: 'POST' | 'PUT' | 'PATCH';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly timeoutMs: number;
  /** Special ranges that this request may reach, beside those of the guard. */
  readonly allowedCidrs?: readonly string[];
}

export interface DeliveryClient {
  /** Sends once and tells what came of it; never rejects. */
  send(request: DeliveryRequest): Promise<AttemptResult>;
  /** Waits up to `graceMs` for the attempts in flight, interrupts the rest and closes all connections. */
  close(graceMs: number): Promise<void>;
}

/**
 * Makes the HTTP client of deliveries: pooled keep-alive connections, vetted addresses, one deadline
 * over connecting, headers and body, no redirects, no decoding, and a limit on what is read.
 *
 * A keep-alive connection may be closed by the receiver just as we write. When that happens before
 * any response, the request is sent once more at once over a connection of its own, within the same
 * attempt and deadline. The receiver may thus see it twice, as delivery is at least once anyway.
 */
export function createDeliveryClient(options: DeliveryClientOptions): DeliveryClient {
  const { guard, maxReadBytes = 1024 * 1024, maxStoredResponseBytes: maxStoredBytes = 16 * 1024 } = options;
  const pool = new ConnectionPool(
    {
      pipelining: 1,
      keepAliveTimeout: options.keepAliveMs ?? 30_000,
      keepAliveMaxTimeout: options.keepAliveMs ?? 30_000,
      // The deadline of the exchange covers both.
      headersTimeout: 0,
      bodyTimeout: 0,
    },
    { perOrigin: options.connectionsPerOrigin ?? 1024, idle: options.maxIdleConnections ?? 2_000 },
  );
  const connectTimeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  // One for all connections under the same rules, so that they share the cache of TLS sessions.
  const connectors = new WeakMap<AddressGuard, buildConnector.connector>();
  // Not a Set: one that changes thousands of times a second leaves old tables behind, each of which keeps alive what it
  // held and the next table, until the whole heap is collected (60 MiB at 2,800 deliveries/s).
  const inFlight: Exchange[] = [];
  let whenDrained: (() => void) | null = null;
  let isClosed = false;

  function connectorOf(vetting: AddressGuard): buildConnector.connector {
    const connector =
      connectors.get(vetting) ??
      buildConnector({
        lookup: vetting.lookup,
        timeout: connectTimeoutMs,
        // Of a host with several addresses Node gives each but the last a quarter of a second, which a receiver whose
        // queue is full for a moment, or that is far away, does not make.
        autoSelectFamilyAttemptTimeout: Math.ceil(connectTimeoutMs / 3),
        minVersion: 'TLSv1.2',
        rejectUnauthorized: true,
        ...(options.ca !== undefined && { ca: options.ca }),
      });
    connectors.set(vetting, connector);
    return connector;
  }

  function forget(exchange: Exchange): void {
    const last = inFlight.pop();
    if (last === undefined || last === exchange) return;
    inFlight[exchange.place] = last;
    last.place = exchange.place;
  }

  async function send(request: DeliveryRequest): Promise<AttemptResult> {
    if (isClosed) return notSent('interrupted');
    // Literal addresses never pass through lookup, so each attempt checks the whole URL again.
    const allowed = request.allowedCidrs ?? [];
    const vetting = guard.allowing(allowed);
    const checked = vetting.checkUrl(request.url);
    if (!checked.ok) return notSent(checked.cause === 'invalid_url' ? 'invalid_request' : checked.cause);
    const { origin, path } = checked;
    const message: Dispatcher.DispatchOptions = {
      origin,
      path,
      method: request.method ?? 'POST',
      headers: { 'accept-encoding': 'identity', ...request.headers },
      body: request.body,
    };
    return new Promise((resolve) => {
      const limits = { timeoutMs: request.timeoutMs, maxReadBytes, maxStoredBytes };
      const exchange = new Exchange(message, limits, pool, (result) => {
        forget(exchange);
        if (inFlight.length === 0) whenDrained?.();
        resolve(result);
      });
      exchange.place = inFlight.push(exchange) - 1;
      pool.lend(
        { origin, allowed: allowed.length === 0 ? '' : [...allowed].sort().join(), connect: connectorOf(vetting) },
        exchange,
      );
    });
  }

  async function close(graceMs: number): Promise<void> {
    isClosed = true;
    if (inFlight.length > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        whenDrained = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    for (const exchange of [...inFlight]) exchange.interrupt();
    await pool.destroy();
  }

  return { send, close };
}

function notSent(errorClass: ErrorClass): AttemptResult {
  return {
    outcome: { kind: 'error', errorClass },
    durationMs: 0,
    statusCode: null,
    responseHeaders: {},
    responseBody: Buffer.alloc(0),
    responseTruncated: false,
    error: describeError(errorClass, null),
  };
}
