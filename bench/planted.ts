import type { Installation } from './installation/installation';
import { populate } from './installation/populate';
import type { Backend } from './installation/product';
import { Bed } from './measure/bed';
import { target } from './workloads/targets';
import { emptyResult, withBed } from './workloads/workload';

/** Of test/chaos/planted.ts: an outcome dropped, an event lost. */
const PLANTED = ['outcome-dropped', 'fan-out-lost'];
const EVENTS = 2_000;
const DRAIN_DEADLINE_MS = 5_000;

/** A bench that never fails to reconcile proves nothing: whether it does with each planted fault. */
export async function noticesPlantedFaults(
  installation: Installation,
  backend: Backend,
  say: (line: string) => void,
): Promise<boolean> {
  let isSound = true;
  for (const planted of PLANTED) {
    const result = emptyResult();
    const options = {
      backend,
      planted,
      profileFolder: null,
      built: null,
      onStatements: null,
      drainDeadlineMs: DRAIN_DEADLINE_MS,
    };
    await withBed(
      result,
      () => Bed.start('product', installation, options),
      async (bed) => {
        const [tenant] = await populate(bed.pipeline.pool, [[{ url: `${bed.receiver.origin}/ok/1`, projectId: null }]]);
        const targets = [target({ token: tenant?.token ?? '', paths: ['/ok/1'] })];
        await bed.run({ targets, shape: { kind: 'burst', requests: EVENTS }, warmUpSeconds: 0 });
      },
    );
    for (const problem of result.problems) say(`  seen: ${problem}`);
    say(`  planted ${planted}: ${result.problems.length > 0 ? 'the run fails, as it must' : 'NOT NOTICED'}`);
    if (result.problems.length === 0) isSound = false;
  }
  return isSound;
}
