import { populate } from '../installation/populate';
import { Bed } from '../measure/bed';
import { halfLoad } from './capacity';
import { atMost, note } from './figures';
import { target } from './targets';
import { emptyResult, withBed, type Workload } from './workload';

const HANGING = 1_000;
const SHARE = 0.1;
/** Of the capacity: nearly all. */
const LOAD = 0.9;
const API_MEBIBYTES = 150;
const DISPATCHER_MEBIBYTES = 250;

export const w12ThousandHanging: Workload = {
  id: 'W12',
  title: '1,000 webhooks that never answer, beside one that does, at nearly full load',
  runsOn: 'the first backend when quick',
  async run(context) {
    const result = emptyResult();
    const perSecond = (await halfLoad(context)) * 2 * LOAD;
    const { installation, bedOptions, plan } = context;
    await withBed(
      result,
      () => Bed.start('product', installation, bedOptions),
      async (bed) => {
        const { origin } = bed.receiver;
        const paths = Array.from({ length: HANGING }, (_, index) => `/hang/${String(index)}`);
        const [hanging, alive] = await populate(bed.pipeline.pool, [
          paths.map((path, index) => ({ url: origin + path, projectId: `project_${String(index)}` })),
          [{ url: `${origin}/ok/1`, projectId: null }],
        ]);
        const targets = [
          target({ token: alive?.token ?? '', paths: ['/ok/1'], weight: 1 - SHARE }),
          ...paths.map((_, index) =>
            target({
              ...{
                token: hanging?.token ?? '',
                paths: [],
                projectId: `project_${String(index)}`,
                weight: SHARE / HANGING,
              },
            }),
          ),
        ];
        const seconds = plan.warmUpSeconds + plan.measureSeconds * 2;
        const shape = { kind: 'open', perSecond, seconds } as const;
        const run = await bed.run({ targets, shape, warmUpSeconds: plan.warmUpSeconds });
        note(result, 'hanging', [run]);
        result.figures.push(
          { name: 'deliveries', value: run.deliveredPerSecond, unit: '/s' },
          { name: 'publish → received of the one that answers, p99', value: run.delivery.p99, unit: 'ms' },
          atMost('memory of the api', run.peakMebibytes.api ?? Number.NaN, 'MiB', API_MEBIBYTES),
          atMost('memory of the dispatcher', run.peakMebibytes.dispatcher ?? Number.NaN, 'MiB', DISPATCHER_MEBIBYTES),
        );
      },
    );
    return result;
  },
};
