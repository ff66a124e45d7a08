import { runRetention } from '../../apps/dispatcher/src/retention/run-retention';
import { populate } from '../installation/populate';
import { writeHistory } from '../installation/write-history';
import { Bed } from '../measure/bed';
import type { Measured } from '../measure/measured';
import { median, spread } from '../measure/statistics';
import { WINDOW } from './capacity';
import { atLeast, note } from './figures';
import { target } from './targets';
import { emptyResult, type Workload } from './workload';

const DELIVERIES = { quick: 200_000, full: 1_000_000 };
/** Of the history, and what is kept of it in each round: a week goes each time, as it does in production. */
const DAYS = 119;
const KEPT_DAYS = [112, 105, 98, 91];
const NO_LOG = { info: () => undefined, warn: () => undefined, error: () => undefined };

export const w14Retention: Workload = {
  id: 'W14',
  title: 'A history is dropped under load, week by week',
  runsOn: 'the first backend',
  async run({ installation, bedOptions, plan, say }) {
    const result = emptyResult();
    const bed = await Bed.start('product', installation, bedOptions);
    try {
      const { pool } = bed.pipeline;
      const [tenant, former] = await populate(pool, [
        [{ url: `${bed.receiver.origin}/ok/1`, projectId: null }],
        [{ url: 'http://127.0.0.1:9/former', projectId: null }],
      ]);
      const deliveries = plan.isQuick ? DELIVERIES.quick : DELIVERIES.full;
      await writeHistory(pool, {
        ...{ tenantId: former?.tenantId ?? '', webhookId: former?.webhookIds[0] ?? '', isAnalysed: true },
        ...{ deliveries, days: DAYS, statsDays: DAYS },
      });
      const targets = [target({ token: tenant?.token ?? '', paths: ['/ok/1'] })];
      const measure = (warmUpSeconds: number, meanwhile?: () => Promise<void>): Promise<Measured> => {
        const shape = { kind: 'closed', window: WINDOW, seconds: warmUpSeconds + plan.measureSeconds } as const;
        return bed.run({ targets, shape, warmUpSeconds, ...(meanwhile && { meanwhile }) });
      };
      const ratios: number[] = [];
      let normal = await measure(plan.warmUpSeconds);
      for (const days of KEPT_DAYS) {
        let dropped = 0;
        const during = await measure(1, async () => {
          dropped = await drop(pool.options.connectionString ?? '', days);
        });
        const after = await measure(1);
        say(`  (${String(dropped)} partitions went)`);
        if (dropped === 0) result.problems.push(`nothing was dropped of what is older than ${String(days)} days`);
        ratios.push(during.deliveredPerSecond / ((normal.deliveredPerSecond + after.deliveredPerSecond) / 2));
        note(result, `keeping ${String(days)} days`, [during]);
        result.problems.push(...normal.problems, ...after.problems);
        normal = after;
      }
      result.figures.push({
        ...atLeast('deliveries during a run, to those without', median(ratios), '', 0.9),
        spread: spread(ratios),
      });
      result.problems.push(...(await disagreements(bed, tenant?.webhookIds[0] ?? '')));
    } finally {
      await bed.stop();
    }
    return result;
  },
};

/** One whole run of retention; how many partitions it dropped. */
async function drop(databaseUrl: string, days: number): Promise<number> {
  const report = await runRetention({
    ...{ databaseUrl, nowMs: Date.now(), deletionGraceMs: 0, isThorough: true },
    policy: { payloadDays: days, recordDays: days, auditDays: 365, statsDays: 400 },
    ...{
      signal: new AbortController().signal,
      logger: NO_LOG as unknown as Parameters<typeof runRetention>[0]['logger'],
    },
  });
  return report?.dropped.length ?? 0;
}

/** What was sent under load stands in the history, whatever went. */
async function disagreements(bed: Bed, webhookId: string): Promise<string[]> {
  const { rows } = await bed.pipeline.pool.query<{ count: string }>(
    `SELECT count(*) FROM deliveries WHERE webhook_id = $1 AND state = 'delivered'`,
    [webhookId],
  );
  const [recorded, received] = [Number(rows[0]?.count), await bed.receiver.count()];
  return recorded === received
    ? []
    : [`${String(received)} deliveries were received, ${String(recorded)} are recorded`];
}
