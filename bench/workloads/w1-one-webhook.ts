import { BARE_PATH } from '../installation/bare';
import { populate } from '../installation/populate';
import { Bed } from '../measure/bed';
import type { Measured } from '../measure/measured';
import { median, spread } from '../measure/statistics';
import { WINDOW } from './capacity';
import { percentilesOf } from './figures';
import { target } from './targets';
import { emptyResult, withBed, type Context, type Workload, type WorkloadResult } from './workload';

const IDLE_PER_SECOND = 20;
/** One machine's processes share its cores: only the ratio to a pipeline beside them says something elsewhere. */
const RATIO_TARGET = { redis: 0.7, postgres: 0.5 };
const IDLE_TARGET_MS = { redis: 10, postgres: 15 };

export const w1OneWebhook: Workload = {
  id: 'W1',
  title: 'One tenant, one webhook, beside the bare pipeline',
  async run(context) {
    const result = emptyResult();
    const { installation, bedOptions, plan } = context;
    await withBed(
      result,
      () => Bed.start('bare', installation, bedOptions),
      (bare) =>
        withBed(
          result,
          () => Bed.start('product', installation, bedOptions),
          async (product) => {
            const [tenant] = await populate(product.pipeline.pool, [
              [{ url: `${product.receiver.origin}/ok/1`, projectId: null }],
            ]);
            const beds = [
              { bed: bare, targets: [target({ token: 'none', paths: [BARE_PATH] })] },
              { bed: product, targets: [target({ token: tenant?.token ?? '', paths: ['/ok/1'] })] },
            ];
            const runs = new Map<Bed, Measured[]>(beds.map(({ bed }) => [bed, []]));
            for (let round = 0; round < plan.repeats; round += 1)
              for (const { bed, targets } of beds) {
                const warmUpSeconds = round === 0 ? plan.warmUpSeconds : 1;
                const seconds = warmUpSeconds + plan.measureSeconds;
                const shape = { kind: 'closed', window: WINDOW, seconds } as const;
                runs.get(bed)?.push(await bed.run({ targets, shape, warmUpSeconds }));
              }
            capacityFigures(context, result, runs.get(product) ?? [], runs.get(bare) ?? []);
            const half = (context.capacity.perSecond ?? 0) / 2;
            const atHalf: [string, Measured][] = [];
            for (const { bed, targets } of [...beds].reverse()) {
              const shape = { kind: 'open', perSecond: half, seconds: 1 + plan.measureSeconds } as const;
              atHalf.push([bed.pipeline.name, await bed.run({ targets, shape, warmUpSeconds: 1 })]);
            }
            latencyFigures(result, atHalf);
            const shape = { kind: 'open', perSecond: IDLE_PER_SECOND, seconds: plan.measureSeconds } as const;
            const idle = await product.run({ targets: beds[1]?.targets ?? [], shape, warmUpSeconds: 0 });
            const limit = IDLE_TARGET_MS[context.backend];
            result.figures.push({
              ...{ name: 'publish → received when idle, p50', value: idle.delivery.p50, unit: 'ms' },
              target: { limit: `≤ ${String(limit)} ms`, isMet: idle.delivery.p50 <= limit },
            });
            result.problems.push(...atHalf.flatMap(([, run]) => run.problems), ...idle.problems);
          },
        ),
    );
    return result;
  },
};

function capacityFigures(context: Context, result: WorkloadResult, product: Measured[], bare: Measured[]): void {
  const perSecond = (runs: Measured[]): number[] => runs.map((run) => run.deliveredPerSecond);
  const ratios = product.map((run, round) => run.deliveredPerSecond / (bare[round]?.deliveredPerSecond ?? Number.NaN));
  context.capacity.perSecond = median(perSecond(product));
  const wanted = RATIO_TARGET[context.backend];
  for (const [name, runs] of [
    ['product', product],
    ['bare pipeline', bare],
  ] as const) {
    const value = median(perSecond(runs));
    result.figures.push({ name: `deliveries, ${name}`, value, unit: '/s', spread: spread(perSecond(runs)) });
    const last = runs.at(-1);
    if (last === undefined) continue;
    result.cpu.push({ name, perThousand: last.cpuPerThousand });
    result.memory.push({ name, mebibytes: last.peakMebibytes });
    result.problems.push(...runs.flatMap((run) => run.problems));
  }
  const ratio = median(ratios);
  result.figures.push({
    ...{ name: 'product to bare pipeline', value: ratio, unit: '', spread: spread(ratios) },
    target: { limit: `≥ ${String(wanted)}`, isMet: ratio >= wanted },
  });
}

const LATENCY_TARGETS = [
  { name: 'accept', of: (run: Measured) => run.accept, p50: 5, p99: 15 },
  { name: 'publish → received', of: (run: Measured) => run.delivery, p50: 10, p99: 50 },
];

function latencyFigures(result: WorkloadResult, runs: [string, Measured][]): void {
  for (const { name, of, ...limits } of LATENCY_TARGETS)
    for (const [pipeline, run] of runs)
      for (const rank of ['p50', 'p99'] as const) {
        const value = of(run)[rank];
        const isProduct = pipeline === 'product';
        result.figures.push({
          ...{ name: `${name} at half load, ${rank}${isProduct ? '' : `, ${pipeline}`}`, value, unit: 'ms' },
          ...(isProduct ? { target: { limit: `≤ ${String(limits[rank])} ms`, isMet: value <= limits[rank] } } : {}),
        });
      }
  result.plots.push({
    ...{
      title: 'Publish → received at half load',
      xLabel: 'share of the events (%)',
      yLabel: 'ms',
      isLogarithmic: true,
    },
    lines: runs.map(([name, run]) => ({ name, points: percentilesOf(run.deliveryMs.map(({ ms }) => ms)) })),
  });
}
