import { populate } from '../installation/populate';
import { Bed } from '../measure/bed';
import { halfLoad } from './capacity';
import { atLeast, atMost, note } from './figures';
import { target } from './targets';
import { emptyResult, withBed, type Workload } from './workload';

const BATCH = 100;
const PUBLISHERS = 16;
const DRAIN_DEADLINE_MS = 15 * 60_000;

export const w11Burst: Workload = {
  id: 'W11',
  title: 'A burst far beyond capacity is accepted and worked off',
  async run(context) {
    const result = emptyResult();
    const half = await halfLoad(context);
    const { installation, plan } = context;
    const bedOptions = { ...context.bedOptions, drainDeadlineMs: DRAIN_DEADLINE_MS };
    await withBed(
      result,
      () => Bed.start('product', installation, bedOptions),
      async (bed) => {
        const [tenant] = await populate(bed.pipeline.pool, [[{ url: `${bed.receiver.origin}/ok/1`, projectId: null }]]);
        const token = tenant?.token ?? '';
        const single = [target({ token, paths: ['/ok/1'] })];
        const seconds = plan.warmUpSeconds + plan.measureSeconds;
        const steady = { kind: 'open', perSecond: half, seconds } as const;
        const before = await bed.run({ targets: single, shape: steady, warmUpSeconds: plan.warmUpSeconds });
        const startedAt = performance.now();
        const burst = await bed.run({
          ...{ targets: [target({ token, paths: ['/ok/1'], batch: BATCH })], path: '/api/events/batch' },
          ...{ shape: { kind: 'burst', requests: Math.ceil(plan.burstEvents / BATCH) }, warmUpSeconds: 0 },
          connections: PUBLISHERS,
        });
        const tookSeconds = (performance.now() - startedAt) / 1_000;
        const after = await bed.run({ targets: single, shape: steady, warmUpSeconds: plan.warmUpSeconds });
        note(result, 'burst', [burst]);
        result.problems.push(...before.problems, ...after.problems);
        const overall = plan.burstEvents / tookSeconds;
        result.figures.push(
          { name: 'events', value: plan.burstEvents, unit: '' },
          { name: 'accepted', value: burst.acceptedPerSecond, unit: '/s' },
          { name: 'worked off after the last was accepted', value: burst.drainSeconds, unit: 's' },
          atLeast('deliveries from begin to end, to the capacity of one webhook', overall / (half * 2), '', 0.9),
          atMost('p50 afterwards, to that before', after.delivery.p50 / before.delivery.p50, '×', 1.5),
        );
      },
    );
    return result;
  },
};
