import { setTimeout as delay } from 'node:timers/promises';
import type { AddressGuard } from '#delivery-client/address-guard';
import { invalidRequest } from '#kernel/app-error';

/** Name servers that do not answer keep nobody waiting longer; each attempt looks again anyway. */
const MAX_RESOLVE_MS = 2_000;
const FORBIDDEN = 'leads to an address that deliveries may not reach';

/**
 * Refuses a URL that no delivery may go to. A name that does not resolve is accepted: its receiver may be set up
 * later.
 * @throws AppError 400 naming `url`.
 */
export async function checkWebhookUrl(guard: AddressGuard, url: string): Promise<void> {
  const checked = guard.checkUrl(url);
  if (!checked.ok) throw invalidRequest([{ field: 'url', message: checked.reason }]);
  const waiting = new AbortController();
  try {
    const found = await Promise.race([
      guard.resolveAndCheck(url),
      delay(MAX_RESOLVE_MS, 'unresolvable' as const, { signal: waiting.signal }),
    ]);
    if (found === 'blocked') throw invalidRequest([{ field: 'url', message: FORBIDDEN }]);
  } finally {
    waiting.abort();
  }
}
