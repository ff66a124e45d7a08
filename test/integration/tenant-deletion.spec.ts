import { formatId } from '#kernel/ids';
import { ADMIN_TOKEN, BOOTSTRAP_TOKEN, startApi, type TestApi } from '../support/api';
import { startService, type TestService } from '../support/apps-in-process';
import { POSTGRES_BACKEND } from '../support/backends';
import { makeTenant, makeToken, type TestTenant } from '../support/factories';
import { uuidOf, writeDelivery } from '../support/history';
import { startReceiver, type Receiver } from '../support/receiver';
import { retain } from '../support/retention';
import { waitFor } from '../support/wait-for';

interface Deletion {
  status: string;
  step: string;
  rows_deleted: number;
  requested_at: string;
  finished_at: string | null;
}

describe('deleting a tenant', () => {
  let service: TestService;
  let receiver: Receiver;
  let api: TestApi;

  beforeAll(async () => {
    service = await startService(POSTGRES_BACKEND);
    api = service.api;
    receiver = await startReceiver();
  });

  afterAll(async () => {
    await service.stop();
    await receiver.stop();
  });

  const admin = () => api.as(ADMIN_TOKEN);
  const tenantTables = async (): Promise<string[]> =>
    (
      await service.rows<{ name: string }>(`
        SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace AND NOT a.attisdropped
        ORDER BY 1`)
    ).map(({ name }) => name);
  /** By table how many rows a tenant has, all as of one instant. */
  const rowsOf = async (tenant: TestTenant): Promise<Map<string, number>> => {
    const counts = (await tenantTables()).map(
      (table) => `SELECT '${table}' AS name, count(*)::integer AS count FROM ${table} WHERE tenant_id = $1`,
    );
    const rows = await service.rows<{ name: string; count: number }>(counts.join(' UNION ALL '), [
      uuidOf('tenant', tenant.tenantId),
    ]);
    return new Map(rows.map(({ name, count }) => [name, count]));
  };

  /** A row in every table there is, by use where that is easy, and else by hand. */
  const live = async (tenant: TestTenant): Promise<void> => {
    const webhook = await service.webhook({ tenant, url: receiver.origin });
    const as = api.as(tenant.token);
    await makeToken(api, tenant, ['*']);
    await as
      .post('/api/event-types')
      .send({ name: `own.type`, description: 'Own', schema: { type: 'object' } })
      .expect(201);
    await as.post(`/api/webhooks/${webhook.publicId}/test`).send({ event_type: 'build.completed' });
    await service.publish({ event_id: `of-${tenant.tenantId}` }, tenant.token);
    await service.publish({ deliver_at: new Date(Date.now() + 3_600_000).toISOString() }, tenant.token);
    await writeDelivery(service.pool, {
      tenantId: tenant.tenantId,
      webhookId: webhook.publicId,
      atMs: Date.now(),
      state: 'retrying',
      dueAtMs: Date.now() + 3_600_000,
    });
    await as.post(`/api/webhooks/${webhook.publicId}/deliveries/redeliver`).send({ filter: { status: 'success' } });
    await waitFor('statistics', async () => {
      const rows = await service.rows('SELECT FROM webhook_totals WHERE webhook_id = $1', [webhook.id]);
      return rows.length > 0;
    });
    const id = uuidOf('tenant', tenant.tenantId);
    await waitFor('the redelivery to end', async () => {
      const rows = await service.rows('SELECT FROM redelivery_jobs WHERE tenant_id = $1 AND finished_at IS NULL', [id]);
      return rows.length === 0;
    });
    const isEmpty = async (table: string): Promise<boolean> =>
      (await service.rows(`SELECT FROM ${table} WHERE tenant_id = $1 LIMIT 1`, [id])).length === 0;
    // What refers to a table that is empty as well works out when that one has its row.
    for (let pass = 0; pass <= 4; pass += 1) {
      const problems: string[] = [];
      for (const table of await tenantTables()) {
        if (!(await isEmpty(table))) continue;
        await service.rows(await insertAny(table), [id]).catch((error: unknown) => {
          problems.push(`${table}: ${String(error)}`);
        });
      }
      if (problems.length === 0) return;
      if (pass === 4) throw new Error(problems.join('\n'));
    }
  };

  /** An insert of some row: every column that has no default gets some value of its type; references are not checked. */
  const insertAny = async (table: string): Promise<string> => {
    const columns = await service.rows<{ name: string; type: string; check: string | null; reference: string | null }>(
      `SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type,
         (SELECT substring(pg_get_constraintdef(k.oid) FROM '''([^'']+)''') FROM pg_constraint k
          WHERE k.conrelid = a.attrelid AND k.contype = 'c' AND k.conkey = ARRAY[a.attnum] LIMIT 1) AS check,
         (SELECT confrelid::regclass::text FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'f'
          AND a.attnum = ANY (k.conkey) LIMIT 1) AS reference
       FROM pg_attribute a WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND a.attnotnull AND NOT a.atthasdef
         AND a.attidentity = '' AND NOT a.attisdropped`,
      [table],
    );
    const valueOf: Record<string, string> = {
      uuid: `(left(uuid_floor(now())::text, 24) || lpad(to_hex((random() * 1e9)::bigint), 12, '0'))::uuid`,
      text: 'md5($1::text)',
      bytea: `decode(md5($1::text), 'hex')`,
      'text[]': `'{}'`,
      jsonb: `'{}'`,
      boolean: 'false',
      'timestamp with time zone': 'now()',
      inet: `'127.0.0.1'`,
    };
    const values = columns.map(({ name, type, check, reference }) => {
      if (name === 'tenant_id') return '$1::uuid';
      // Not yet, or a dispatcher does it.
      if (name === 'due_at' || name === 'expires_at') return `now() + interval '1 hour'`;
      if (reference !== null && type === 'uuid') return `(SELECT id FROM ${reference} WHERE tenant_id = $1 LIMIT 1)`;
      return check !== null ? `'${check}'` : (valueOf[type] ?? '1');
    });
    return `INSERT INTO ${table} (${columns.map(({ name }) => name).join(', ')}) VALUES (${values.join(', ')})`;
  };

  it('stops it at once and then leaves no row of it in any table, and all rows of its neighbour', async () => {
    const [doomed, neighbour] = [await makeTenant(api, 'Doomed'), await makeTenant(api, 'Neighbour')];
    for (const tenant of [doomed, neighbour]) await live(tenant);
    // Deltas are folded into other tables every few seconds.
    const empty = [...(await rowsOf(doomed)).entries()].filter(
      ([table, count]) => count === 0 && !table.endsWith('_deltas'),
    );
    expect(empty).toEqual([]);
    await admin().get(`/api/admin/tenants/${doomed.tenantId}/deletion`).expect(404);

    await admin().delete(`/api/admin/tenants/${doomed.tenantId}`).expect(200);
    await api.as(doomed.token).get('/api/webhooks').expect(401);
    await api.as(doomed.token).post('/api/events').send({ event: 'build.completed', data: {} }).expect(401);
    await admin().get(`/api/admin/tenants/${doomed.tenantId}`).expect(404);
    const progress = async (): Promise<Deletion> =>
      (await admin().get(`/api/admin/tenants/${doomed.tenantId}/deletion`).expect(200)).body as Deletion;
    expect(await progress()).toMatchObject({ status: 'waiting', rows_deleted: 0, finished_at: null });

    // Only then do the neighbour's rows stay as they are.
    let before = new Map<string, number>();
    await waitFor('all deltas of the neighbour to be folded', async () => {
      before = await rowsOf(neighbour);
      return [...before].every(([table, count]) => !table.endsWith('_deltas') || count === 0);
    });
    await waitFor('the turn', async () => (await retain(service.databaseUrl, Date.now()))?.tenantsDeleted === 1);
    expect([...(await rowsOf(doomed)).entries()].filter(([, count]) => count > 0)).toEqual([]);
    expect(await service.rows('SELECT FROM tenants WHERE id = $1', [uuidOf('tenant', doomed.tenantId)])).toEqual([]);
    expect(await rowsOf(neighbour)).toEqual(before);
    const done = await progress();
    expect(done).toMatchObject({ status: 'done', step: 'done' });
    expect(done.rows_deleted).toBeGreaterThan(before.size - 1);
    await api.as(neighbour.token).get('/api/webhooks').expect(200);
  });

  it('is not undone by BOOTSTRAP_TOKEN at the next start', async () => {
    const [first] = await service.rows<{ id: string; token: string }>(
      `SELECT t.id FROM tenants t JOIN tokens k ON k.tenant_id = t.id AND k.name = 'BOOTSTRAP_TOKEN'`,
    );
    await admin()
      .delete(`/api/admin/tenants/${formatId('tenant', String(first?.id))}`)
      .expect(200);
    await waitFor('the turn', async () => (await retain(service.databaseUrl, Date.now()))?.tenantsDeleted === 1);
    const again = await startApi({ databaseUrl: service.databaseUrl, env: service.env });
    await again.as(BOOTSTRAP_TOKEN).get('/api/webhooks').expect(401);
    await again.stop();
    expect(await service.rows('SELECT FROM tenants WHERE id = $1', [first?.id])).toEqual([]);
  });
});
