import type { Pool } from 'pg';
import { inTransaction } from '#database/in-transaction';
import { writeOutcomes, type Outcome } from '../deliver/recorder.queries';
import { leaveLines, lockLines, moveUp, type Ended } from './lines.queries';

/** Whether the outcome moves a line up: the delivery is one of a line, or of an event in one, and has ended. */
export function movesLine(outcome: Outcome): boolean {
  return endedOf(outcome) !== null;
}

/**
 * Writes outcomes and lets the next in their lines go, in one commit.
 * @returns the ids of those that still were this dispatcher's to write.
 */
export function writeOrderedOutcomes(pool: Pool, outcomes: Outcome[]): Promise<Set<string>> {
  return inTransaction(pool, async (client) => {
    const all = outcomes.flatMap((outcome) => endedOf(outcome) ?? []);
    await lockLines(client, all);
    const written = await writeOutcomes(client, outcomes);
    const ended = all.filter((delivery) => written.has(delivery.deliveryId));
    if (ended.length > 0) await leaveLines(client, ended);
    await moveUp(client, all);
    return written;
  });
}

function endedOf({ work, state }: Outcome): Ended | null {
  if (work.line === null || (state !== 'delivered' && state !== 'exhausted' && state !== 'cancelled')) return null;
  return { webhookId: work.webhookId, keyHash: work.line, deliveryId: work.id, eventId: work.event.id, state };
}
