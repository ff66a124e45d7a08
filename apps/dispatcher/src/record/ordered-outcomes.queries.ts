import type { Pool } from 'pg';
import { inTransaction } from '#database/in-transaction';
import type { Outcome } from './outcome';
import { writeOutcomes } from './record-outcomes.queries';
import { leaveLines, lockLines, moveUp, type Ended } from '#database/lines.queries';

/** Whether the outcome moves a line up: the delivery is one of a line, or of an event in one, and has ended. */
export function movesLine(outcome: Outcome): boolean {
  return endedOf(outcome) !== null;
}

/**
 * Writes outcomes and lets the next in their lines go, in one commit.
 * @param onMoved told after the commit of the webhooks of which one waits now.
 * @returns the ids of those that still were this dispatcher's to write.
 */
export async function writeOrderedOutcomes(
  pool: Pool,
  outcomes: Outcome[],
  onMoved: (webhook: { tenantId: string; webhookId: string }) => void,
): Promise<Set<string>> {
  const { written, moved } = await inTransaction(pool, async (client) => {
    const all = outcomes.flatMap((outcome) => endedOf(outcome) ?? []);
    await lockLines(client, all);
    const mine = await writeOutcomes(client, outcomes);
    const ended = all.filter((delivery) => mine.has(delivery.deliveryId));
    if (ended.length > 0) await leaveLines(client, ended);
    return { written: mine, moved: await moveUp(client, all) };
  });
  for (const { work } of outcomes) {
    const { tenantId, webhookId } = work;
    if (moved.delete(webhookId)) onMoved({ tenantId, webhookId });
  }
  return written;
}

function endedOf({ work, state }: Outcome): Ended | null {
  if (work.line === null || (state !== 'delivered' && state !== 'exhausted' && state !== 'cancelled')) return null;
  return { webhookId: work.webhookId, keyHash: work.line, deliveryId: work.id, eventId: work.event.id, state };
}
