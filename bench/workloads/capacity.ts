import { populate } from '../installation/populate';
import { Bed, type LoadOptions } from '../measure/bed';
import type { Measured } from '../measure/measured';
import { target } from './targets';
import { emptyResult, withBed, type Context, type Plan } from './workload';

/** Events that are published and not received yet: less than a lane holds, so that none has to wait in the database. */
export const WINDOW = 200;

/** Runs loads on a bed in turns, so that the machine's noise falls on all of them; the runs of each. */
export async function inTurns(
  loads: readonly { bed: Bed; load: Omit<LoadOptions, 'shape' | 'warmUpSeconds'>; window?: number }[],
  plan: Plan,
  repeats: number,
): Promise<Measured[][]> {
  const runs: Measured[][] = loads.map(() => []);
  for (let round = 0; round < repeats; round += 1)
    for (const [index, { bed, load, window = WINDOW }] of loads.entries()) {
      const warmUpSeconds = round === 0 ? plan.warmUpSeconds : 1;
      const shape = { kind: 'closed', window, seconds: warmUpSeconds + plan.measureSeconds } as const;
      runs[index]?.push(await bed.run({ ...load, shape, warmUpSeconds }));
    }
  return runs;
}

/** Half of what one webhook can take, as W1 found, or measured here when W1 was left out. */
export async function halfLoad(context: Context): Promise<number> {
  const { capacity, installation, bedOptions, plan } = context;
  if (capacity.perSecond === null) {
    const result = emptyResult();
    await withBed(
      result,
      () => Bed.start('product', installation, bedOptions),
      async (bed) => {
        const [tenant] = await populate(bed.pipeline.pool, [[{ url: `${bed.receiver.origin}/ok/1`, projectId: null }]]);
        const targets = [target({ token: tenant?.token ?? '', paths: ['/ok/1'] })];
        const [runs] = await inTurns([{ bed, load: { targets } }], plan, 1);
        capacity.perSecond = runs?.[0]?.deliveredPerSecond ?? 0;
      },
    );
    if (result.problems.length > 0) throw new Error(result.problems.join('; '));
  }
  return (capacity.perSecond ?? 0) / 2;
}
