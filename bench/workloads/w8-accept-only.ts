import { populate } from '../installation/populate';
import { Bed } from '../measure/bed';
import { median } from '../measure/statistics';
import { inTurns } from './capacity';
import { medianFigure, note } from './figures';
import { target } from './targets';
import { emptyResult, withBed, type Workload } from './workload';

const PUBLISHERS = 64;
const BATCH = 100;
const BATCH_PUBLISHERS = 8;

export const w8AcceptOnly: Workload = {
  id: 'W8',
  title: 'Events that nobody wants are accepted, beside the bare pipeline',
  runsOn: 'the first backend when quick',
  async run({ installation, bedOptions, plan }) {
    const result = emptyResult();
    await withBed(
      result,
      () => Bed.start('bare', installation, bedOptions),
      (bare) =>
        withBed(
          result,
          () => Bed.start('product', installation, bedOptions),
          async (product) => {
            const [tenant] = await populate(product.pipeline.pool, [[]]);
            const loads = [
              { bed: bare, targets: [target({ token: 'none', paths: [], event: 'nobody.wants' })] },
              { bed: product, targets: [target({ token: tenant?.token ?? '', paths: [] })] },
            ];
            const [bares = [], products = []] = await inTurns(
              loads.map(({ bed, targets }) => ({ bed, load: { targets, untilReceived: false }, window: PUBLISHERS })),
              plan,
              plan.isQuick ? 2 : plan.repeats,
            );
            for (const [name, runs] of [
              ['product', products],
              ['bare pipeline', bares],
            ] as const) {
              const rates = runs.map((run) => run.acceptedPerSecond);
              result.figures.push(medianFigure(`events accepted, ${name}`, rates, '/s'));
              note(result, name, runs);
            }
            const ratios = products.map(
              (run, round) => run.acceptedPerSecond / (bares[round]?.acceptedPerSecond ?? Number.NaN),
            );
            result.figures.push(medianFigure('product to bare pipeline', ratios, ''));
            const accept = median(products.map((run) => run.accept.p99));
            result.figures.push({
              name: `accept at full load of ${String(PUBLISHERS)} publishers, p99`,
              value: accept,
              unit: 'ms',
            });
          },
        ),
    );
    return result;
  },
};

export const w9BatchPublish: Workload = {
  id: 'W9',
  title: `Events come in batches of ${String(BATCH)}`,
  runsOn: 'the first backend when quick',
  async run({ installation, bedOptions, plan }) {
    const result = emptyResult();
    await withBed(
      result,
      () => Bed.start('product', installation, bedOptions),
      async (bed) => {
        const [tenant] = await populate(bed.pipeline.pool, [[]]);
        const targets = [target({ token: tenant?.token ?? '', paths: [], batch: BATCH })];
        const load = { targets, untilReceived: false, path: '/api/events/batch', connections: BATCH_PUBLISHERS };
        const [runs = []] = await inTurns([{ bed, load, window: BATCH_PUBLISHERS }], plan, plan.isQuick ? 1 : 3);
        result.figures.push(
          medianFigure(
            'events accepted',
            runs.map((run) => run.acceptedPerSecond),
            '/s',
          ),
          { name: 'a batch, p99', value: median(runs.map((run) => run.accept.p99)), unit: 'ms' },
        );
        note(result, 'batches', runs);
      },
    );
    return result;
  },
};
