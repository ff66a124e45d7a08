import { populate } from '../installation/populate';
import { Bed } from '../measure/bed';
import { median } from '../measure/statistics';
import { inTurns } from './capacity';
import { atLeast, atMost, cpuOf, medianFigure, note } from './figures';
import { target } from './targets';
import { emptyResult, withBed, type Workload } from './workload';

const WEBHOOKS = 10;

export const w3FanOut: Workload = {
  id: 'W3',
  title: 'Each event goes to 10 webhooks',
  runsOn: 'the first backend when quick',
  async run({ installation, bedOptions, plan }) {
    const result = emptyResult();
    await withBed(
      result,
      () => Bed.start('product', installation, bedOptions),
      async (bed) => {
        const { origin } = bed.receiver;
        const paths = Array.from({ length: WEBHOOKS }, (_, index) => `/ok/${String(index)}`);
        const [ten, alone] = await populate(bed.pipeline.pool, [
          paths.map((path) => ({ url: origin + path, projectId: null })),
          [{ url: `${origin}/ok/alone`, projectId: null }],
        ]);
        const loads = [
          [target({ token: alone?.token ?? '', paths: ['/ok/alone'] })],
          [target({ token: ten?.token ?? '', paths })],
        ];
        const [ones = [], tens = []] = await inTurns(
          loads.map((targets) => ({ bed, load: { targets } })),
          plan,
          plan.isQuick ? 1 : 3,
        );
        for (const [name, runs] of [
          ['one webhook', ones],
          ['fan-out 10', tens],
        ] as const) {
          const rates = runs.map((run) => run.deliveredPerSecond);
          result.figures.push(medianFigure(`deliveries, ${name}`, rates, '/s'));
          note(result, name, runs);
        }
        const ratios = tens.map(
          (run, round) => run.deliveredPerSecond / (ones[round]?.deliveredPerSecond ?? Number.NaN),
        );
        const costs = tens.map((run, round) => cpuOf(run) / cpuOf(ones[round] ?? run));
        result.figures.push(atLeast('fan-out 10 to one webhook', median(ratios), '', 1));
        result.figures.push(atMost('CPU per delivery, fan-out 10 to one webhook', median(costs), '', 1.1));
      },
    );
    return result;
  },
};
