import type { Pool } from 'pg';
import { inTransaction } from '#database/in-transaction';
import type { Outcome } from './outcome';
import { writeOutcomes } from './record-outcomes.queries';
import { leaveQueues, lockQueues, advanceQueues, type Ended } from '#database/ordering-queues.queries';

/** Whether the outcome advances an ordering queue: the delivery is one of an ordering queue, or of an event in one, and has ended. */
export function advancesQueue(outcome: Outcome): boolean {
  return endedOf(outcome) !== null;
}

/**
 * Writes outcomes and lets the next in their queues go, in one commit.
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
    await lockQueues(client, all);
    const mine = await writeOutcomes(client, outcomes);
    const ended = all.filter((delivery) => mine.has(delivery.deliveryId));
    if (ended.length > 0) await leaveQueues(client, ended);
    return { written: mine, moved: await advanceQueues(client, all) };
  });
  for (const { work } of outcomes) {
    const { tenantId, webhookId } = work;
    if (moved.delete(webhookId)) onMoved({ tenantId, webhookId });
  }
  return written;
}

function endedOf({ work, state }: Outcome): Ended | null {
  if (work.keyHash === null || (state !== 'delivered' && state !== 'exhausted' && state !== 'cancelled')) return null;
  return { webhookId: work.webhookId, keyHash: work.keyHash, deliveryId: work.id, eventId: work.event.id, state };
}
