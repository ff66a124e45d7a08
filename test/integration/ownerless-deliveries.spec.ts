import { type Pool } from 'pg';
import { newUuid } from '#kernel/ids';
import { releaseOwnerless } from '../../apps/dispatcher/src/reconcile/reconcile.queries';
import { startService, type TestService } from '../support/apps-in-process';
import { POSTGRES_BACKEND } from '../support/backends';
import { startReceiver, type Receiver } from '../support/receiver';
import { waitFor } from '../support/wait-for';

describe('deliveries whose owner has no row', () => {
  let service: TestService;
  let receiver: Receiver;

  beforeAll(async () => {
    service = await startService(POSTGRES_BACKEND, { dispatchers: 0 });
    receiver = await startReceiver();
  });
  afterAll(async () => {
    await receiver.stop();
    await service.stop();
  });

  it('are found by jumping from owner to owner, and delivered by whoever lives', async () => {
    const pool: Pool = service.pool;
    await service.webhook({ url: receiver.origin });
    await service.publish({ event_id: 'lost' });
    const dispatcher = await service.addDispatcher();
    await receiver.waitFor(1);
    const recorded = async (): Promise<boolean> =>
      (await service.rows(`SELECT FROM deliveries WHERE status = 'success'`)).length === 1;
    await waitFor('its record', recorded);
    const living = newUuid(Date.now());
    await pool.query(`INSERT INTO dispatchers (id, host, pid) VALUES ($1, 'elsewhere', 1)`, [living]);
    // As if two owners held it one after the other: one that lives, one that was forgotten.
    const own = (owner: string): Promise<unknown> =>
      pool.query(`UPDATE deliveries SET status = 'pending', state = 'in_flight', owner = $1`, [owner]);
    await own(living);
    expect(await releaseOwnerless(pool)).toBe(0);
    await own(newUuid(Date.now()));
    expect(await releaseOwnerless(pool)).toBe(1);
    await receiver.waitFor(2);
    await dispatcher.stop();
  });
});
