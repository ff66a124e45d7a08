import { setTimeout as pause } from 'node:timers/promises';

const INTERVAL_MS = 50;

/**
 * Looks again and again until there is something.
 * @throws the signal's reason once it is aborted.
 */
export async function waitUntil<T>(
  look: () => Promise<T | undefined> | T | undefined,
  signal: AbortSignal,
): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    const found = await look();
    if (found !== undefined) return found;
    // Aborted while it waits, it is told so at the next turn.
    await pause(INTERVAL_MS, undefined, { signal }).catch(() => undefined);
  }
}
