import { createHmac } from 'node:crypto';
import type { Pool } from 'pg';
import { waitFor } from '../../test/support/wait-for';
import { populate } from '../installation/populate';
import type { Target } from '../load/load-messages';
import { Bed } from '../measure/bed';
import { median } from '../measure/statistics';
import { inTurns } from './capacity';
import { atLeast, atMost, medianFigure, note } from './figures';
import { emptyResult, withBed, type Workload } from './workload';

const SENDERS = 64;
const WANTED_PER_SECOND = 1_000;
const WORK_OFF_DEADLINE_MS = 120_000;
const SECRET = 'the-secret-of-the-bench-endpoint';
const BODY = JSON.stringify({ action: 'BUY', symbol: 'BTC', price: 100_000, confidence: 0.95 });
const SCHEMA = {
  type: 'object',
  properties: { action: { enum: ['BUY', 'SELL'] }, symbol: { type: 'string' }, price: { type: 'number' } },
  required: ['action', 'symbol'],
};

export const w13Inbound: Workload = {
  id: 'W13',
  title: 'Inbound requests with a signature, a schema, and an action with a condition',
  runsOn: 'the first backend when quick',
  async run({ installation, bedOptions, plan }) {
    const result = emptyResult();
    await withBed(
      result,
      () => Bed.start('product', installation, bedOptions),
      async (bed) => {
        const [tenant] = await populate(bed.pipeline.pool, [[]]);
        const path = await makeEndpoint(bed.pipeline.api.port, tenant?.token ?? '');
        const signature = createHmac('sha256', SECRET).update(BODY).digest('hex');
        const targets: Target[] = [
          { body: BODY, paths: [], weight: 1, headers: { 'x-webhook-signature': `sha256=${signature}` } },
        ];
        const load = { targets, path, untilReceived: false };
        const [runs = []] = await inTurns([{ bed, load, window: SENDERS }], plan, plan.isQuick ? 2 : plan.repeats);
        const workedOffPerSecond = await workOff(bed.pipeline.pool);
        const half = await bed.run({
          ...{ ...load, warmUpSeconds: 1 },
          shape: { kind: 'open', perSecond: WANTED_PER_SECOND / 2, seconds: 1 + plan.measureSeconds },
        });
        const perCpuSecond = median(runs.map((run) => 1_000 / run.cpuPerThousand.api));
        const rates = runs.map((run) => run.acceptedPerSecond);
        result.figures.push(
          medianFigure('requests accepted, the actions run meanwhile', rates, '/s'),
          { name: 'actions run, of those that were left', value: workedOffPerSecond, unit: '/s' },
          atLeast('requests for a CPU second of the API', perCpuSecond, '/s', WANTED_PER_SECOND),
          { name: `answer at ${String(WANTED_PER_SECOND / 2)}/s, p50`, value: half.accept.p50, unit: 'ms' },
          atMost(`answer at ${String(WANTED_PER_SECOND / 2)}/s, p99`, half.accept.p99, 'ms', 20),
        );
        note(result, 'closed loop', runs);
        note(result, 'half load', [half]);
        result.problems.push(...(await disagreements(bed, [...runs, half])));
      },
    );
    return result;
  },
};

/** The path of a new endpoint, whose one action writes a record for every request. */
async function makeEndpoint(port: number, token: string): Promise<string> {
  const post = async (path: string, body: object): Promise<{ url?: string }> => {
    const response = await fetch(`http://127.0.0.1:${String(port)}${path}`, {
      ...{ method: 'POST', body: JSON.stringify(body) },
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    });
    if (!response.ok) throw new Error(`${path} was answered ${String(response.status)}: ${await response.text()}`);
    return (await response.json()) as { url?: string };
  };
  const { url = '' } = await post('/api/inbound', { name: 'bench', secret: SECRET, schema: SCHEMA });
  await post('/api/inbound/bench/actions', {
    ...{ type: 'log', condition: 'payload.confidence > 0.8' },
    settings: { table: 'signals', max_records: 1_000_000 },
  });
  return new URL(url).pathname;
}

/** How many actions run in a second, of those that wait; NaN when they do not come to an end. */
async function workOff(pool: Pool): Promise<number> {
  const waiting = await count(pool, 'waiting_inbound_actions');
  const startedAt = performance.now();
  const isIdle = async (): Promise<boolean> => (await count(pool, 'waiting_inbound_actions')) === 0;
  return waitFor('all actions to have run', isIdle, WORK_OFF_DEADLINE_MS).then(
    () => waiting / ((performance.now() - startedAt) / 1_000),
    () => Number.NaN,
  );
}

/** Every request that was accepted has to have been acted on once. */
async function disagreements(
  { pipeline: { pool } }: Bed,
  runs: readonly { acceptedInAll: number }[],
): Promise<string[]> {
  const accepted = runs.reduce((sum, run) => sum + run.acceptedInAll, 0);
  const isIdle = !Number.isNaN(await workOff(pool));
  const records = await count(pool, 'inbound_records');
  return [
    ...(isIdle ? [] : ['actions were not worked off in time']),
    ...(records === accepted ? [] : [`${String(accepted)} requests were accepted, ${String(records)} acted on`]),
  ];
}

async function count(pool: Pool, table: string): Promise<number> {
  return Number((await pool.query<{ count: string }>(`SELECT count(*) FROM ${table}`)).rows[0]?.count);
}
