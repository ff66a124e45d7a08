import { setTimeout as delay } from 'node:timers/promises';
import { groupBy } from '../measure/group-by';
import { populate } from '../installation/populate';
import { Bed } from '../measure/bed';
import { residentMebibytesOf } from '../measure/processes';
import { median, quantile } from '../measure/statistics';
import { halfLoad } from './capacity';
import { atMost, note } from './figures';
import { target } from './targets';
import { emptyResult, withBed, type Workload } from './workload';

const SAMPLE_MS = 1_000;
const SLICES = 30;

export const w10Soak: Workload = {
  id: 'W10',
  title: 'Half load for long: memory and latency stay flat',
  runsOn: 'the first backend when quick',
  async run(context) {
    const result = emptyResult();
    const perSecond = await halfLoad(context);
    const { installation, bedOptions, plan } = context;
    await withBed(
      result,
      () => Bed.start('product', installation, bedOptions),
      async (bed) => {
        const [tenant] = await populate(bed.pipeline.pool, [[{ url: `${bed.receiver.origin}/ok/1`, projectId: null }]]);
        const { api, dispatchers } = bed.pipeline;
        const samples: { at: number; api: number; dispatcher: number }[] = [];
        const sample = async (): Promise<void> => {
          for (let at = 0; at < plan.soakSeconds * 1_000; at += SAMPLE_MS) {
            const dispatcher = residentMebibytesOf(dispatchers[0]?.pid ?? 0);
            samples.push({ at: at / 1_000, api: residentMebibytesOf(api.pid), dispatcher });
            await delay(SAMPLE_MS);
          }
        };
        const run = await bed.run({
          targets: [target({ token: tenant?.token ?? '', paths: ['/ok/1'] })],
          shape: { kind: 'open', perSecond, seconds: plan.warmUpSeconds + plan.soakSeconds },
          ...{ warmUpSeconds: plan.warmUpSeconds, meanwhile: sample },
        });
        note(result, 'soak', [run]);
        const third = Math.floor(samples.length / 3);
        for (const name of ['api', 'dispatcher'] as const) {
          const values = samples.map((each) => each[name]);
          const growth = median(values.slice(-third)) / median(values.slice(third, 2 * third));
          result.figures.push(atMost(`resident set of ${name}, last third to the middle one`, growth, '×', 1.1));
        }
        const sliceMs = (plan.soakSeconds * 1_000) / SLICES;
        const slices = groupBy(run.deliveryMs, ({ at }) => Math.floor(at / sliceMs));
        const p99s = Array.from({ length: SLICES }, (_, slice) =>
          quantile(
            (slices.get(slice) ?? []).map(({ ms }) => ms),
            0.99,
          ),
        );
        const before = median(p99s.slice(SLICES / 3, (2 * SLICES) / 3));
        const after = median(p99s.slice((-1 * SLICES) / 3));
        result.figures.push(
          { name: 'deliveries', value: run.deliveredPerSecond, unit: '/s' },
          { name: 'publish → received, p99', value: run.delivery.p99, unit: 'ms' },
          atMost('p99, last third to the middle one', after / before, '×', 1.5),
        );
        result.plots.push(
          {
            ...{ title: 'Resident sets', xLabel: 'seconds', yLabel: 'MiB' },
            lines: (['api', 'dispatcher'] as const).map((name) => ({
              name,
              points: samples.map((each): [number, number] => [each.at, each[name]]),
            })),
          },
          {
            ...{ title: 'Publish → received, p99', xLabel: 'seconds', yLabel: 'ms' },
            lines: [
              { name: 'p99', points: p99s.map((p99, slice): [number, number] => [(slice * sliceMs) / 1_000, p99]) },
            ],
          },
        );
      },
    );
    return result;
  },
};
