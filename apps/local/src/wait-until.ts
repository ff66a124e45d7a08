import { setTimeout as pause } from 'node:timers/promises';

/** Looks every `intervalMs` until `holds` is true; answers whether that came within `deadlineMs`. */
export async function waitUntil(
  holds: () => boolean | Promise<boolean>,
  { deadlineMs, intervalMs = 20 }: { deadlineMs: number; intervalMs?: number },
): Promise<boolean> {
  const endsAt = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() >= endsAt) return false;
    await pause(intervalMs);
  }
  return true;
}
