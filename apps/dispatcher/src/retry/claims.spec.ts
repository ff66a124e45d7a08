import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Attempt } from '../attempt/attempt';
import type { Lanes } from '../lanes/lanes';
import type { WebhookDirectory } from '../webhooks/webhook-directory';
import type { DispatcherIdentity } from '../ownership/dispatcher-identity';
import type { Admission } from './admission';
import { Claims } from './claims';

const WEBHOOK = { tenantId: 'tenant', webhookId: 'webhook' };

describe('Claims', () => {
  let isBacklogged: boolean;
  let rounds: number;

  /** Its lane asks for more whenever it was looked at. */
  function claims(): Claims {
    isBacklogged = true;
    rounds = 0;
    const made = new Claims(
      {
        query: async () => {
          rounds += 1;
          await nextTurn();
          return { rows: [] };
        },
      } as unknown as Pool,
      {} as Lanes,
      {} as Attempt,
      {} as WebhookDirectory,
      { maySend: () => true } as DispatcherIdentity,
      {
        roomsFor: async () => {
          await nextTurn();
          if (isBacklogged) made.wantMore(WEBHOOK);
          return [];
        },
      } as unknown as Admission,
    );
    return made;
  }

  it('does not keep the reconciler waiting while a backlog lasts', async () => {
    const made = claims();
    made.wantMore(WEBHOOK);
    await made.claimAll();
    expect(rounds).toBeLessThanOrEqual(2);
    await made.claimAll();
    isBacklogged = false;
    await made.untilIdle();
  });

  it('looks again for whoever asks while a round is under way', async () => {
    const made = claims();
    isBacklogged = false;
    const first = made.claimAll();
    while (rounds === 0) await nextTurn();
    await made.claimAll();
    expect(rounds).toBe(2);
    await first;
  });
});
