import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;

/** Waits until a condition holds. @throws Error naming what was waited for when it does not within the deadline. */
export async function waitFor(
  what: string,
  holds: () => Promise<boolean> | boolean,
  deadlineMs = 20_000,
): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`Waited ${deadlineMs} ms in vain for ${what}`);
    await delay(POLL_MS);
  }
}
