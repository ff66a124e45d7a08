import { randomBytes } from 'node:crypto';
import { invalidRequest } from '#kernel/app-error';
import { generateSecret, SECRET_BYTES } from '#webhook-rules/signature';
import { secretProblems, type StoredSecret } from './endpoint-definition';

const MAX_OVERLAP_SECONDS = 30 * 86_400;

export function newSecret(): string {
  return generateSecret(randomBytes(SECRET_BYTES));
}

/**
 * A new secret before those that stay valid until the overlap ends, or ended earlier by an overlap before.
 * @throws AppError 400.
 */
export function rotated(
  secrets: readonly StoredSecret[],
  { secret, overlapSeconds }: { secret: string | undefined; overlapSeconds: number },
  nowMs: number,
): StoredSecret[] {
  const problems = secret === undefined ? [] : secretProblems(secret, 'secret');
  if (!Number.isInteger(overlapSeconds) || overlapSeconds < 0 || overlapSeconds > MAX_OVERLAP_SECONDS) {
    problems.push({ field: 'overlapSeconds', message: `must be a whole number from 0 to ${MAX_OVERLAP_SECONDS}` });
  }
  if (problems.length > 0) throw invalidRequest(problems);
  const untilMs = nowMs + overlapSeconds * 1_000;
  const fresh = { secret: secret ?? newSecret(), valid_until: null };
  const older = secrets
    .filter((old) => overlapSeconds > 0 && old.secret !== fresh.secret)
    .map((old) => ({ secret: old.secret, valid_until: Math.min(old.valid_until ?? untilMs, untilMs) }));
  return [fresh, ...older];
}
