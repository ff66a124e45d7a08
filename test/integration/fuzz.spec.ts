import fc from 'fast-check';
import { Pool as HttpPool } from 'undici';
import { Pool } from 'pg';
import { formatId } from '#kernel/ids';
import { ADMIN_TOKEN, startApi, type TestApi } from '../support/api';
import { OPERATIONS, type DescribedOperation } from '../support/api-description';
import { makeTenant, makeToken, type TestTenant } from '../support/factories';
import { writeDelivery } from '../support/history';
import { hostileRequests, type WireRequest } from '../support/hostile-requests';
import { createTestDatabase, type TestDatabase } from '../support/postgres';
import { startReceiver, TEST_SECRET, type Receiver } from '../support/receiver';
import { ResponseSchemas } from '../support/response-schemas';

/** Requests of one run over all operations; tens of thousands with FUZZ_RUNS=50000, others with FUZZ_SEED=$RANDOM. */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 3_000);
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_240_101);
/** What ends resources comes last, so that the others find them. */
const IN_ORDER = [
  ...OPERATIONS.filter(({ method }) => method !== 'delete'),
  ...OPERATIONS.filter(({ method }) => method === 'delete'),
];
const RUNS_EACH = Math.max(1, Math.ceil(RUNS / OPERATIONS.length));
const RESOURCES = 5;
/** What a request takes at most on a machine that is busy with other tests. */
const MS_PER_RUN = 50;

interface WireAnswer {
  status: number;
  type: string;
  text: string;
}

describe(`requests that nobody should send (seed ${SEED})`, () => {
  const schemas = new ResponseSchemas();
  const resources: Record<string, string>[] = [];
  let database: TestDatabase;
  let pool: Pool;
  let api: TestApi;
  let receiver: Receiver;
  let http: HttpPool;
  let tenant: TestTenant;
  let token: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = new Pool({ connectionString: database.url, max: 2 });
    // Small times, since invented webhooks are tested too; nothing but loopback is reached.
    api = await startApi({ databaseUrl: database.url, env: { DELIVERY_ALLOWED_CIDRS: '127.0.0.0/8' } });
    receiver = await startReceiver();
    http = new HttpPool(api.url, { connections: 4 });
    tenant = await makeTenant(api);
    // Not the tenant's own, which a request may revoke.
    token = (await makeToken(api, tenant, ['*'], { user_id: tenant.userId })).token;
    await makeResources();
  });

  afterAll(async () => {
    await http.close();
    await receiver.stop();
    await api.stop();
    await pool.end();
    await database.drop();
  });

  /** Several of each, since requests delete them. */
  async function makeResources(): Promise<void> {
    const made = async (path: string, body: object, field: string): Promise<string> => {
      const response = await api.as(tenant.token).post(path).send(body);
      return (response.body as Record<string, string>)[field] ?? '';
    };
    for (let count = 0; count < RESOURCES; count += 1) {
      const hook = { url: receiver.origin, events: ['*'], name: `Fuzzed ${count}`, secret: TEST_SECRET };
      const webhook_id = await made('/api/webhooks', hook, 'webhook_id');
      const past = { tenantId: tenant.tenantId, webhookId: webhook_id, atMs: Date.now() };
      const event = { event: 'build.completed', data: {}, deliver_at: new Date(Date.now() + 3_600_000).toISOString() };
      const endpoint = await made('/api/inbound', { name: `fuzzed-${count}` }, 'name');
      const channel = { name: `fuzzed-${count}`, kind: 'http', settings: { url: receiver.origin } };
      resources.push({
        webhook_id,
        endpoint,
        request_id: await made(`/api/inbound/${endpoint}/test`, {}, 'request_id'),
        action_id: await made(
          `/api/inbound/${endpoint}/actions`,
          { type: 'log', settings: { table: 'fuzzed' } },
          'action_id',
        ),
        table: 'fuzzed',
        channel: await made('/api/inbound/channels', channel, 'name'),
        job_id: await made(`/api/webhooks/${webhook_id}/deliveries/redeliver`, { filter: {} }, 'job_id'),
        delivery_id: formatId('del', (await writeDelivery(pool, past)).id),
        event_id: await made('/api/events', event, 'event_id'),
        name: await made('/api/event-types', { name: `fuzzed.type${count}` }, 'name'),
        token_id: (await makeToken(api, tenant, ['events:read'])).tokenId,
        user_id: await made('/api/users', { name: 'Fuzzed' }, 'user_id'),
        tenant_id: (await makeTenant(api, 'Fuzzed')).tenantId,
      });
    }
  }

  async function send(operation: DescribedOperation, wire: WireRequest): Promise<WireAnswer> {
    const { statusCode, headers, body } = await http.request({
      method: operation.method.toUpperCase(),
      path: wire.path,
      headers: {
        authorization: `Bearer ${operation.isOperators ? ADMIN_TOKEN : token}`,
        ...(wire.contentType !== null && { 'content-type': wire.contentType }),
      },
      body: wire.body,
    });
    return { status: statusCode, type: String(headers['content-type']), text: await body.text() };
  }

  /** What is wrong with an answer; null when it is one that openapi.yaml allows. */
  function problemOf(operation: DescribedOperation, { status, type, text }: WireAnswer): string | null {
    if (status >= 500) return `answered ${status}: ${text}`;
    if (!type.startsWith('application/json')) return `answered ${status} as ${type}`;
    const body: unknown = JSON.parse(text);
    const problem = schemas.problemOf(operation, status, body);
    if (problem !== null) return `answered ${status}, ${problem}: ${text.slice(0, 2_000)}`;
    if (/node_modules|\bat \w+ \(|SELECT |syntax error|pg_|QueryFailed/.test(text) && status >= 400) {
      return `tells what is within: ${text}`;
    }
    return null;
  }

  it('know an id of every kind', () => {
    const named = new Set(OPERATIONS.flatMap(({ pathParameters }) => pathParameters));
    for (const name of named) expect(resources[0]?.[name]).toMatch(/./);
  });

  it.each(IN_ORDER.map((operation): [string, DescribedOperation] => [operation.name, operation]))(
    '%s never yields a 5xx, nor an answer that it does not describe',
    async (_name, operation) => {
      const statuses = new Map<number, number>();
      const property = fc.asyncProperty(hostileRequests(operation, resources), async (wire) => {
        const answer = await send(operation, wire);
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        const problem = problemOf(operation, answer);
        if (problem !== null) throw new Error(problem);
      });
      await fc.assert(property, { numRuns: RUNS_EACH, seed: SEED, interruptAfterTimeLimit: RUNS_EACH * MS_PER_RUN });
      if (process.env['FUZZ_REPORT'] !== undefined) {
        process.stderr.write(`${operation.name} ${JSON.stringify(Object.fromEntries(statuses))}\n`);
      }
      // Who is refused at the door only says nothing of the rooms.
      expect([...statuses.keys()].some((status) => status !== 400 && status !== 415)).toBe(true);
    },
    RUNS_EACH * MS_PER_RUN + 30_000,
  );
});
