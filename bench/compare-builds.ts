import type { Installation } from './installation/installation';
import { populate } from './installation/populate';
import type { Backend } from './installation/product';
import { Bed } from './measure/bed';
import { median } from './measure/statistics';
import { inTurns } from './workloads/capacity';
import { cpuOf } from './workloads/figures';
import { target } from './workloads/targets';
import { emptyResult, withBed, type Plan } from './workloads/workload';

/** What a change is worth: one webhook's capacity and CPU with this build and with another one, in turns. */
export async function compareBuilds(
  installation: Installation,
  options: { backend: Backend; plan: Plan; against: string; say: (line: string) => void },
): Promise<void> {
  const { backend, plan, against, say } = options;
  const result = emptyResult();
  const start = (built: string | null) => (): Promise<Bed> =>
    Bed.start('product', installation, { backend, built, planted: null, profileFolder: null, onStatements: null });
  await withBed(result, start(against), (before) =>
    withBed(result, start(null), async (after) => {
      const loads = [];
      for (const bed of [before, after]) {
        const [tenant] = await populate(bed.pipeline.pool, [[{ url: `${bed.receiver.origin}/ok/1`, projectId: null }]]);
        loads.push({ bed, load: { targets: [target({ token: tenant?.token ?? '', paths: ['/ok/1'] })] } });
      }
      const [old = [], now = []] = await inTurns(loads, plan, plan.repeats);
      const ratio = (of: (run: (typeof now)[number]) => number): string =>
        median(now.map((run, round) => of(run) / of(old[round] ?? run))).toFixed(3);
      say(`\n${backend}: this build to ${against}, medians of ${String(plan.repeats)} turns`);
      say(`  deliveries          ${ratio((run) => run.deliveredPerSecond)}`);
      say(`  CPU per delivery    ${ratio(cpuOf)}`);
      for (const role of ['api', 'dispatcher', 'postgres'] as const)
        say(`    ${role.padEnd(16)}  ${ratio((run) => run.cpuPerThousand[role])}`);
      result.problems.push(...[...old, ...now].flatMap((run) => run.problems));
    }),
  );
  for (const problem of result.problems) say(`  FAILED: ${problem}`);
}
