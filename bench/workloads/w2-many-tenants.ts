import { populate, type MadeTenant } from '../installation/populate';
import { Bed } from '../measure/bed';
import { median } from '../measure/statistics';
import type { Target } from '../load/load-messages';
import { inTurns } from './capacity';
import { atLeast, atMost, cpuOf, medianFigure, note } from './figures';
import { target } from './targets';
import { emptyResult, withBed, type Workload } from './workload';

const TENANTS = 1_000;
const WEBHOOKS = 10;
/** Until most webhooks have had an event: the first is the dearest, and not what a service does all day. */
const WARM_UP_SECONDS = 6;

/** Each event is of one tenant's project, which one of its webhooks is bound to. */
export const w2ManyTenants: Workload = {
  id: 'W2',
  title: '1,000 tenants with 10 webhooks each, uniform and by Zipf',
  runsOn: 'the first backend when quick',
  async run({ installation, bedOptions, plan }) {
    const result = emptyResult();
    await withBed(
      result,
      () => Bed.start('product', installation, bedOptions),
      async (bed) => {
        const { origin } = bed.receiver;
        const tenants = await populate(
          bed.pipeline.pool,
          Array.from({ length: TENANTS }, (_, tenant) =>
            Array.from({ length: WEBHOOKS }, (_, webhook) => ({
              url: origin + pathOf(tenant, webhook),
              projectId: `project_${String(webhook)}`,
            })),
          ),
        );
        const [alone] = await populate(bed.pipeline.pool, [[{ url: `${origin}/ok/alone`, projectId: null }]]);
        const one = [target({ token: alone?.token ?? '', paths: ['/ok/alone'] })];
        const loads = [one, targetsOf(tenants, () => 1), targetsOf(tenants, (rank) => 1 / (rank + 1))];
        const [ones = [], uniform = [], zipf = []] = await inTurns(
          loads.map((targets) => ({ bed, load: { targets } })),
          { ...plan, warmUpSeconds: Math.max(plan.warmUpSeconds, WARM_UP_SECONDS) },
          plan.isQuick ? 2 : 3,
        );
        for (const [name, runs] of [
          ['one webhook', ones],
          ['uniform', uniform],
          ['Zipf', zipf],
        ] as const) {
          const rates = runs.map((run) => run.deliveredPerSecond);
          result.figures.push(medianFigure(`deliveries, ${name}`, rates, '/s'));
          note(result, name, runs);
          if (name === 'one webhook') continue;
          const ratios = rates.map((rate, round) => rate / (ones[round]?.deliveredPerSecond ?? Number.NaN));
          result.figures.push(atLeast(`${name} to one webhook`, median(ratios), '', 1));
          const costs = runs.map((run, round) => cpuOf(run) / cpuOf(ones[round] ?? run));
          result.figures.push(atMost(`CPU per delivery, ${name} to one webhook`, median(costs), '', 1.1));
        }
      },
    );
    return result;
  },
};

function pathOf(tenant: number, webhook: number): string {
  return `/ok/${String(tenant)}-${String(webhook)}`;
}

function targetsOf(tenants: readonly MadeTenant[], weightOf: (rank: number) => number): Target[] {
  return tenants.flatMap(({ token }, tenant) =>
    Array.from({ length: WEBHOOKS }, (_, webhook) =>
      target({
        ...{
          token,
          paths: [pathOf(tenant, webhook)],
          projectId: `project_${String(webhook)}`,
          weight: weightOf(tenant),
        },
      }),
    ),
  );
}
