import { Client } from 'undici';
import { formatId } from '#kernel/ids';
import { cursorAfter } from '../../apps/api/src/deliveries/dto/list-deliveries.query';
import { populate } from '../installation/populate';
import { writeHistory } from '../installation/write-history';
import { Bed } from '../measure/bed';
import { quantile } from '../measure/statistics';
import { atMost } from './figures';
import { emptyResult, type Workload } from './workload';

const DELIVERIES = 1_000_000;
const DAYS = 84;
const STATS_DAYS = 365;
const REQUESTS = { quick: 60, full: 300 };
const WARM_UP = 20;
const LIST_LIMIT_MS = 10;
const STATS_LIMIT_MS = 20;

/** One reader, one request at a time, over a connection that stays: what a dashboard waits for. */
export const w6History: Workload = {
  id: 'W6',
  title: 'Lists and statistics of a webhook with 1,000,000 deliveries',
  runsOn: 'the first backend',
  async run({ installation, bedOptions, plan, say }) {
    const result = emptyResult();
    const bed = await Bed.start('product', installation, bedOptions);
    try {
      const { pool, api } = bed.pipeline;
      const [tenant] = await populate(pool, [[{ url: `${bed.receiver.origin}/ok/1`, projectId: null }]]);
      const [tenantId, webhookId] = [tenant?.tenantId ?? '', tenant?.webhookIds[0] ?? ''];
      const startedAt = performance.now();
      await writeHistory(pool, {
        tenantId,
        webhookId,
        deliveries: DELIVERIES,
        days: DAYS,
        statsDays: STATS_DAYS,
        isAnalysed: true,
      });
      say(`  (the history took ${((performance.now() - startedAt) / 1_000).toFixed(0)} s to write)`);
      await installation.settle();
      const { rows } = await pool.query<{ id: string }>(
        `SELECT id FROM deliveries WHERE webhook_id = $1 AND id < uuid_floor(now() - make_interval(days => $2)) ORDER BY id DESC LIMIT 1`,
        [webhookId, DAYS / 2],
      );
      const client = new Client(`http://127.0.0.1:${String(api.port)}`);
      const headers = { authorization: `Bearer ${tenant?.token ?? ''}` };
      const base = `/api/webhooks/${formatId('webhook', webhookId)}`;
      for (const { name, path, limitMs } of queriesOf(cursorAfter(rows[0]?.id ?? ''))) {
        const took: number[] = [];
        for (let count = 0; count < (plan.isQuick ? REQUESTS.quick : REQUESTS.full) + WARM_UP; count += 1) {
          const sentAt = performance.now();
          const answer = await client.request({ method: 'GET', path: base + path, headers });
          const text = await answer.body.text();
          if (count >= WARM_UP) took.push(performance.now() - sentAt);
          if (answer.statusCode !== 200) {
            result.problems.push(`GET ${path} answered ${String(answer.statusCode)}: ${text.slice(0, 200)}`);
            break;
          }
        }
        result.figures.push(atMost(`${name}, p50`, quantile(took, 0.5), 'ms', limitMs));
        result.figures.push({ name: `${name}, p95`, value: quantile(took, 0.95), unit: 'ms' });
      }
      await client.close();
    } finally {
      await bed.stop();
    }
    return result;
  },
};

function queriesOf(deepCursor: string): { name: string; path: string; limitMs: number }[] {
  const ago = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();
  const lists = {
    'first page': '?limit=20',
    'first page of 100': '?limit=100',
    'page 400,000 deliveries deep': `?limit=20&cursor=${deepCursor}`,
    'page at offset 10,000': '?limit=20&offset=10000',
    'failed ones': '?limit=20&status=failed',
    'of one type': '?limit=20&event_type=build.failed',
    'failed ones of one type, deep': `?limit=20&status=failed&event_type=build.failed&cursor=${deepCursor}`,
    'of a day': `?limit=20&start_date=${ago(41)}&end_date=${ago(40)}`,
  };
  const stats = {
    'statistics of an hour': `?period=hour&start_date=${ago(1 / 24)}`,
    'statistics of a day by hours': '?period=hour',
    'statistics of a week': '?period=day',
    'statistics of 12 weeks': '?period=week',
    'statistics of a year': '?period=month',
  };
  return [
    ...Object.entries(lists).map(([name, query]) => ({ name, path: `/deliveries${query}`, limitMs: LIST_LIMIT_MS })),
    ...Object.entries(stats).map(([name, query]) => ({ name, path: `/stats${query}`, limitMs: STATS_LIMIT_MS })),
  ];
}
