import { populate } from '../installation/populate';
import { Bed } from '../measure/bed';
import { latencyOf, type Measured } from '../measure/measured';
import { median } from '../measure/statistics';
import { halfLoad } from './capacity';
import { atMost, medianFigure, note, percentilesOf } from './figures';
import { target } from './targets';
import { emptyResult, withBed, type Workload } from './workload';

const WEBHOOKS = 100;
/** Of the traffic that goes to the one that hangs; none of it is what the others are compared with. */
const SHARES = [0, 0.01, 0.2];

export const w4HangingWebhook: Workload = {
  id: 'W4',
  title: '100 webhooks, one of which never answers, at half load',
  runsOn: 'the first backend when quick',
  async run(context) {
    const result = emptyResult();
    const perSecond = await halfLoad(context);
    const { installation, bedOptions, plan } = context;
    await withBed(
      result,
      () => Bed.start('product', installation, bedOptions),
      async (bed) => {
        const paths = Array.from({ length: WEBHOOKS }, (_, index) =>
          index === 0 ? '/hang/0' : `/ok/${String(index)}`,
        );
        const [tenant] = await populate(bed.pipeline.pool, [
          paths.map((path, index) => ({ url: bed.receiver.origin + path, projectId: `project_${String(index)}` })),
        ]);
        const targetsWith = (share: number) =>
          paths.map((path, index) =>
            target({
              ...{
                token: tenant?.token ?? '',
                projectId: `project_${String(index)}`,
                paths: index === 0 ? [] : [path],
              },
              weight: index === 0 ? share : (1 - share) / (WEBHOOKS - 1),
            }),
          );
        const runs = SHARES.map((): Measured[] => []);
        for (let round = 0; round < (plan.isQuick ? 1 : 3); round += 1)
          for (const [index, share] of SHARES.entries()) {
            const warmUpSeconds = round === 0 && index === 0 ? plan.warmUpSeconds : 1;
            const shape = { kind: 'open', perSecond, seconds: warmUpSeconds + plan.measureSeconds } as const;
            runs[index]?.push(await bed.run({ targets: targetsWith(share), shape, warmUpSeconds }));
          }
        const p99s = runs.map((some) => some.map((run) => latencyOf(run.deliveryMs.map(({ ms }) => ms)).p99));
        for (const [index, share] of SHARES.entries()) {
          const name = share === 0 ? 'none hangs' : `one hangs with ${String(share * 100)} %`;
          result.figures.push(medianFigure(`publish → received of the others, p99, ${name}`, p99s[index] ?? [], 'ms'));
          if (share > 0) {
            const grown = (p99s[index] ?? []).map((p99, round) => p99 / (p99s[0]?.[round] ?? Number.NaN));
            result.figures.push(atMost(`grown by, ${name}`, median(grown), '×', 1.2));
          }
          note(result, name, runs[index] ?? []);
        }
        result.plots.push({
          ...{ title: 'Publish → received of the others', xLabel: 'share of the events (%)', yLabel: 'ms' },
          isLogarithmic: true,
          lines: SHARES.map((share, index) => ({
            name: `${String(share * 100)} % hang`,
            points: percentilesOf((runs[index]?.at(-1)?.deliveryMs ?? []).map(({ ms }) => ms)),
          })),
        });
      },
    );
    return result;
  },
};
