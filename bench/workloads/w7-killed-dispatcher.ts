import { setTimeout as delay } from 'node:timers/promises';
import { groupBy } from '../measure/group-by';
import { populate } from '../installation/populate';
import { Bed } from '../measure/bed';
import { quantile } from '../measure/statistics';
import { halfLoad } from './capacity';
import { target } from './targets';
import { emptyResult, withBed, type Workload } from './workload';

const WEBHOOKS = 10;
/** Requests that a dispatcher has under way to one webhook at most, by its default. */
const IN_FLIGHT_PER_WEBHOOK = 32;
/** Long enough for a take-over and what comes after it. */
const SECONDS = 12;
const KILLED_AFTER_MS = 3_000;
const SLICE_MS = 500;

export const w7KilledDispatcher: Workload = {
  id: 'W7',
  title: 'One of two dispatchers is killed under half load, and started again',
  async run(context) {
    const result = emptyResult();
    const perSecond = await halfLoad(context);
    const { installation, bedOptions, plan } = context;
    await withBed(
      result,
      () => Bed.start('product', installation, bedOptions),
      async (bed) => {
        const paths = Array.from({ length: WEBHOOKS }, (_, index) => `/ok/${String(index)}`);
        const [tenant] = await populate(bed.pipeline.pool, [
          paths.map((path, index) => ({ url: bed.receiver.origin + path, projectId: `project_${String(index)}` })),
        ]);
        const targets = paths.map((path, index) =>
          target({ token: tenant?.token ?? '', paths: [path], projectId: `project_${String(index)}` }),
        );
        const victim = await bed.pipeline.addDispatcher();
        bed.duplicatesAllowed = IN_FLIGHT_PER_WEBHOOK * WEBHOOKS;
        const run = await bed.run({
          ...{ targets, shape: { kind: 'open', perSecond, seconds: plan.warmUpSeconds + SECONDS } },
          warmUpSeconds: plan.warmUpSeconds,
          async meanwhile() {
            await delay(KILLED_AFTER_MS);
            await victim.kill();
            await bed.pipeline.addDispatcher();
          },
        });
        result.problems.push(...run.problems);
        const slow = run.deliveryMs.filter(({ ms }) => ms > 1_000).length;
        result.figures.push(
          { name: 'deliveries', value: run.deliveredPerSecond, unit: '/s' },
          { name: 'received twice', value: bed.ledger.duplicates, unit: '' },
          { name: 'held up for more than a second', value: slow, unit: '' },
          { name: 'longest', value: run.delivery.max / 1_000, unit: 's' },
          { name: 'publish → received, p50', value: run.delivery.p50, unit: 'ms' },
          { name: 'publish → received, p99', value: run.delivery.p99, unit: 'ms' },
        );
        const slices = groupBy(run.deliveryMs, ({ at }) => Math.floor(at / SLICE_MS));
        result.plots.push({
          ...{ title: 'Publish → received around the kill', xLabel: 'seconds', yLabel: 'ms', isLogarithmic: true },
          lines: [0.5, 0.99].map((rank) => ({
            name: `p${String(rank * 100)}`,
            points: [...slices].map(([slice, some]) => [
              (slice * SLICE_MS) / 1_000,
              quantile(
                some.map(({ ms }) => ms),
                rank,
              ),
            ]),
          })),
        });
      },
    );
    return result;
  },
};
