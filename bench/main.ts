import { parseArgs } from 'node:util';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { compareBuilds } from './compare-builds';
import { killApps } from './installation/app-process';
import { startInstallation, type Installation } from './installation/installation';
import type { Backend } from './installation/product';
import { noticesPlantedFaults } from './planted';
import type { BenchResults } from './report/bench-results';
import { writeResults } from './report/write-results';
import { describeMachine } from './report/machine';
import { summariseProfiles } from './measure/profiles';
import type { StatementCost } from './measure/statements';
import { showProfile, showStatements, showWorkload } from './report/table';
import { WORKLOADS } from './workloads/all-workloads';
import type { Plan, Workload } from './workloads/workload';

const BACKENDS = ['redis', 'postgres'] as const;
const RESULTS = join(__dirname, '..', '..', 'bench', 'results');

const FULL: Plan = {
  isQuick: false,
  ...{ warmUpSeconds: 5, measureSeconds: 8, repeats: 5, soakSeconds: 180, burstEvents: 1_000_000 },
};
const QUICK: Plan = {
  isQuick: true,
  ...{ warmUpSeconds: 2, measureSeconds: 2.5, repeats: 3, soakSeconds: 15, burstEvents: 20_000 },
};

void main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      backend: { type: 'string', default: 'both' },
      only: { type: 'string' },
      planted: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      statements: { type: 'boolean', default: false },
      against: { type: 'string' },
      seconds: { type: 'string' },
      repeats: { type: 'string' },
    },
  });
  const wanted = values.only?.split(',').map((id) => id.trim().toUpperCase());
  const workloads = WORKLOADS.filter(({ id }) => wanted?.includes(id) ?? true);
  const known = WORKLOADS.map(({ id }) => id).join(', ');
  if (workloads.length < (wanted?.length ?? 0)) throw new Error(`--only takes ${known}`);
  const backends = BACKENDS.filter((name) => values.backend === 'both' || values.backend === name);
  if (backends.length === 0) throw new Error('--backend is redis, postgres or both');
  const plan = { ...(values.quick ? QUICK : FULL) };
  if (values.seconds !== undefined) plan.measureSeconds = Number(values.seconds);
  if (values.repeats !== undefined) plan.repeats = Number(values.repeats);
  const profileFolder = values.profile ? join(RESULTS, 'profiles') : null;
  if (profileFolder !== null) await mkdir(profileFolder, { recursive: true });

  const installation = await startInstallation(values.statements);
  let isSound = true;
  // What runs is ended and removed also when the bench is ended in the middle.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      killApps();
      void installation.stop().finally(() => process.exit(1));
    });
  try {
    if (backends.includes('redis') && installation.redis === null)
      throw new Error('There is no redis-server or valkey-server on the PATH; --backend postgres does without');
    if (values.against !== undefined) {
      for (const backend of backends)
        await compareBuilds(installation, { backend, plan, against: resolve(values.against), say });
      return;
    }
    const onlyPlanted = values.planted && wanted === undefined;
    if (!onlyPlanted)
      isSound = await measure(installation, {
        backends,
        workloads,
        plan,
        profileFolder,
        countStatements: values.statements,
      });
    if (values.planted || (!values.quick && wanted === undefined)) {
      say('\nPlanted faults');
      for (const backend of onlyPlanted ? backends : backends.slice(-1))
        if (!(await noticesPlantedFaults(installation, backend, say))) isSound = false;
    }
  } finally {
    await installation.stop();
  }
  process.exitCode = isSound ? 0 : 1;
}

interface Wanted {
  backends: Backend[];
  workloads: typeof WORKLOADS;
  plan: Plan;
  profileFolder: string | null;
  countStatements: boolean;
}

/** @returns whether every run reconciled. */
async function measure(installation: Installation, wanted: Wanted): Promise<boolean> {
  const { backends, workloads, plan, profileFolder, countStatements } = wanted;
  const startedMs = performance.now();
  const results: BenchResults = { startedAt: new Date().toISOString(), plan, machine: describeMachine(), runs: [] };
  for (const [index, backend] of backends.entries()) {
    const capacity = { perSecond: null };
    const onStatements = countStatements
      ? (costs: StatementCost[]) => {
          showStatements(costs, say);
        }
      : null;
    const bedOptions = { backend, planted: null, profileFolder, built: null, onStatements };
    for (const workload of workloads) {
      if (index > 0 && isDone(workload, plan)) continue;
      const startedAt = performance.now();
      const result = await workload.run({ installation, backend, plan, bedOptions, capacity, say });
      const tookSeconds = (performance.now() - startedAt) / 1_000;
      const run = { id: workload.id, title: workload.title, backend, tookSeconds, ...result };
      results.runs.push(run);
      showWorkload(run, say);
      await writeResults(RESULTS, results);
    }
  }
  if (profileFolder !== null)
    for (const profile of await summariseProfiles(profileFolder, Date.parse(results.startedAt)))
      showProfile(profile, say);
  const minutes = (performance.now() - startedMs) / 60_000;
  say(`\nresults after ${minutes.toFixed(1)} minutes: bench/results/latest.html, latest.json`);
  return results.runs.every(({ problems }) => problems.length === 0);
}

/** Whether the run on the first backend says enough. */
function isDone({ runsOn }: Workload, plan: Plan): boolean {
  return runsOn === 'the first backend' || (runsOn === 'the first backend when quick' && plan.isQuick);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
