import { Pool } from 'pg';
import { newUuid } from '#kernel/ids';
import { findDueWebhooks, findNewlyDueWebhooks } from '../../apps/dispatcher/src/retry/claim.queries';
import { createTestDatabase, type TestDatabase } from '../support/postgres';

describe('webhooks with deliveries that are due', () => {
  let database: TestDatabase;
  let pool: Pool;
  const tenant = newUuid(Date.now());
  const [longDue, justDue, notDue] = Array.from({ length: 3 }, () => newUuid(Date.now())) as [string, string, string];

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = new Pool({ connectionString: database.url });
    await pool.query(
      `INSERT INTO waiting_deliveries (delivery_id, tenant_id, webhook_id, due_at, priority)
       SELECT gen_random_uuid(), $1, webhook, now() + due * interval '1 second', 0
       FROM unnest($2::uuid[], $3::integer[]) AS w(webhook, due), generate_series(1, 3)`,
      [tenant, [longDue, justDue, notDue], [-60, -1, 60]],
    );
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  it('are all found by the look at everything, a page at a time', async () => {
    const first = await findDueWebhooks(pool, null, 1);
    const second = await findDueWebhooks(pool, first[0]!.webhookId, 1);
    expect([...first, ...second].map(({ webhookId }) => webhookId).sort()).toEqual([longDue, justDue].sort());
    expect(await findDueWebhooks(pool, second[0]!.webhookId, 1)).toEqual([]);
  });

  it('are found by the look for what has just fallen due, each once, also when its commit came late', async () => {
    const { webhooks, at } = await findNewlyDueWebhooks(pool, null, 100);
    expect(webhooks).toEqual([{ tenantId: tenant, webhookId: justDue }]);
    expect((await findNewlyDueWebhooks(pool, at, 100)).webhooks).toEqual(webhooks);
    expect((await findNewlyDueWebhooks(pool, new Date(at.getTime() + 5_000), 100)).webhooks).toEqual([]);
    const sinceLongAgo = await findNewlyDueWebhooks(pool, new Date(at.getTime() - 120_000), 100);
    expect(sinceLongAgo.webhooks.map(({ webhookId }) => webhookId).sort()).toEqual([longDue, justDue].sort());
  });
});
