import { parseArgs } from 'node:util';
import { FAULTS, type FaultName } from './faults';
import { runChaos, type RunOptions, type RunResult } from './run';

const PLANTED = ['reconciler-off', 'outcome-dropped', 'fan-out-lost', 'order-lost'] as const;
const BACKENDS = ['redis', 'postgres'] as const;

/** What CI has time for. */
const SHORT_PLAN: FaultName[] = [
  'kill api and dispatcher',
  'empty the queues',
  'kill postgres',
  'cut connections',
  'kill redis',
  'kill all dispatchers',
  'stall connections',
  'rolling restart of a dispatcher',
];

/** Each planted fault is seen under these. */
const PLANTED_PLAN: FaultName[] = ['empty the queues', 'kill dispatcher', 'empty the queues', 'kill dispatcher'];
/** An event overtakes another only while that is repeated, which is seldom: it takes longer to be seen. */
const PLANTED_TIMES = { 'reconciler-off': 1, 'outcome-dropped': 1, 'fan-out-lost': 1, 'order-lost': 5 };

void main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      backend: { type: 'string', default: 'both' },
      kills: { type: 'string', default: '100' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      rate: { type: 'string', default: '40' },
      faults: { type: 'string' },
      short: { type: 'boolean', default: false },
      planted: { type: 'string' },
    },
  });
  const backends = BACKENDS.filter((name) => values.backend === 'both' || values.backend === name);
  if (backends.length === 0) throw new Error('--backend is redis, postgres or both');
  const names = values.faults?.split(',').map((name) => name.trim());
  for (const name of names ?? [])
    if (!(name in FAULTS)) throw new Error(`--faults are ${Object.keys(FAULTS).join(', ')}`);
  const planted = PLANTED.filter((name) => values.planted === 'all' || values.planted === name);
  if (values.planted !== undefined && values.planted !== 'none' && planted.length === 0)
    throw new Error(`--planted is all, none, ${PLANTED.join(', ')}`);
  const base = {
    seed: Number(values.seed),
    perSecond: Number(values.rate),
    faults: (names as FaultName[] | undefined) ?? null,
    planted: null,
    say,
  };

  let failed = 0;
  const isPlantedOnly = planted.length > 0;
  if (!isPlantedOnly) {
    // Shared out, so that the kills asked for are those of the whole.
    const kills = Math.ceil(Number(values.kills) / backends.length);
    for (const backend of backends) {
      say(`\nBullMQ on ${backend}, seed ${String(base.seed)}`);
      const plan = SHORT_PLAN.filter((name) => backend === 'redis' || name !== 'kill redis');
      const result = await runChaos({ ...base, backend, kills, plan: values.short ? plan : null });
      report(result);
      if (result.problems.length > 0) failed += 1;
    }
  }
  // A suite that notices nothing proves nothing: the whole one shows that it notices.
  const isWhole = !values.short && names === undefined && values.planted === undefined;
  for (const name of isWhole ? PLANTED : planted)
    for (const backend of isPlantedOnly ? backends : backends.slice(-1))
      if (!(await failsAsPlanted({ ...base, backend, kills: 0, plan: plantedPlan(name), planted: name }))) failed += 1;
  process.exitCode = failed === 0 ? 0 : 1;
}

function plantedPlan(name: keyof typeof PLANTED_TIMES): FaultName[] {
  return Array.from({ length: PLANTED_TIMES[name] }, () => PLANTED_PLAN).flat();
}

async function failsAsPlanted(options: RunOptions): Promise<boolean> {
  say(`\nPlanted: ${String(options.planted)}, BullMQ on ${options.backend}`);
  const result = await runChaos(options);
  for (const problem of result.problems) say(`  seen: ${problem}`);
  say(
    result.problems.length > 0
      ? '  the suite fails, as it must'
      : '  NOT NOTICED: the suite passes with a planted fault',
  );
  return result.problems.length > 0;
}

function report(result: RunResult): void {
  const takeOvers = result.takeOversMs.map((ms) => `${(ms / 1_000).toFixed(1)} s`).join(', ');
  say(
    `  ${seconds(result.tookMs)}: ${String(result.faults)} faults, ${String(result.kills)} of them kill -9, ${String(result.checks)} checks`,
  );
  say(
    `  events accepted          ${String(result.events)} (${String(result.repeatedPublications)} publications repeated after a 503 or a broken connection)`,
  );
  say(`  deliveries promised      ${String(result.deliveries)}`);
  say(`  requests received        ${String(result.requests)}`);
  say(`  lost                     ${String(result.lost)}`);
  say(
    `  duplicates               ${String(result.duplicates)} (at most ${String(result.duplicatesBound)} were in flight)`,
  );
  if (takeOvers !== '') say(`  taken over after         ${takeOvers}`);
  say('  longest delivery after a fault');
  for (const { name, times, longestMs } of result.longestDelays)
    say(`    ${seconds(longestMs).padStart(7)}  ${name} (${String(times)})`);
  for (const problem of result.problems) say(`  FAILED: ${problem}`);
  if (result.problems.length === 0) say('  passed');
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
