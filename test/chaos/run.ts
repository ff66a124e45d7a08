import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scheduler } from 'node:timers/promises';
import { Pool } from 'pg';
import { migrate } from '#database/migrate';
import { waitFor } from '../support/wait-for';
import { UNRECORDED_SHARE } from '../../apps/dispatcher/src/lanes/lanes';
import { startChaosReceiver } from './chaos-receiver';
import { drawableFaults, FAULTS, runFault, type FaultName, type FaultRecord, type World } from './faults';
import { delaysAfterFaults, type DelayAfterFault } from './delays';
import { startFleet } from './fleet';
import { startPublisher } from './publisher';
import { seededRandom } from './seeded-random';
import { startChaosPostgres, startChaosRedis } from './servers';
import { makeTenants, WEBHOOK_COUNT } from './tenants';
import { countUnfinished, findDisagreements, findDuplicates, findLost, findOvertaking } from './verdict';

const SECRET = 'the-secret-of-the-chaos-webhooks';
const ADMIN_TOKEN = 'the-operators-token-of-the-chaos-suite-0123';
const MAX_IN_FLIGHT_PER_WEBHOOK = 8;
/** Begun at one dispatcher and not recorded. */
const MAX_UNRECORDED = MAX_IN_FLIGHT_PER_WEBHOOK * UNRECORDED_SHARE * WEBHOOK_COUNT;
/** Longer than a death takes to be noticed by a dispatcher that has just begun, and longer than the look for orphans. */
const QUIET_DEADLINE_MS = 60_000;
const TAKE_OVER_LIMIT_MS = 15_000;
const FAULTS_PER_CHECK = 20;

export interface RunOptions {
  backend: 'redis' | 'postgres';
  /** `kill -9`s to reach before the run ends. */
  kills: number;
  seed: number;
  perSecond: number;
  /** Drawn from; null for all that the backend has. */
  faults: FaultName[] | null;
  /** A fixed sequence instead of kills at random. */
  plan: FaultName[] | null;
  planted: string | null;
  say(line: string): void;
}

export interface RunResult {
  /** What does not hold; empty when the run passed. */
  problems: string[];
  events: number;
  deliveries: number;
  requests: number;
  kills: number;
  faults: number;
  checks: number;
  lost: number;
  duplicates: number;
  duplicatesBound: number;
  /** Publications that were answered 503, or whose connection broke; all were repeated. */
  repeatedPublications: number;
  longestDelays: DelayAfterFault[];
  takeOversMs: number[];
  tookMs: number;
}

/** Runs one installation on one backend under load and faults, and judges it. @throws Error when it cannot be set up. */
export async function runChaos(options: RunOptions): Promise<RunResult> {
  const startedAt = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'webhooks-chaos-'));
  const closing: (() => Promise<unknown>)[] = [];
  let passed = false;
  try {
    const result = await runIn(folder, options, startedAt, closing);
    passed = result.problems.length === 0 || options.planted !== null;
    return result;
  } finally {
    for (const close of closing.reverse()) await close();
    if (passed) await rm(folder, { recursive: true, force: true });
    else options.say(`  logs are kept in ${folder}`);
  }
}

async function runIn(
  folder: string,
  options: RunOptions,
  startedAt: number,
  closing: (() => Promise<unknown>)[],
): Promise<RunResult> {
  const { backend, say } = options;
  const random = seededRandom(options.seed);
  const dataDir = join(folder, 'data');
  await mkdir(dataDir);
  const postgres = await startChaosPostgres(dataDir);
  closing.push(() => postgres.stop());
  const redis = backend === 'redis' ? await startChaosRedis(folder) : null;
  if (backend === 'redis' && redis === null) throw new Error('There is no redis-server or valkey-server on the PATH');
  closing.push(async () => redis?.stop());
  await migrate(postgres.url);
  const pool = new Pool({ connectionString: postgres.url, max: 2 });
  pool.on('error', () => undefined); // the server behind is taken away on purpose
  pool.on('connect', (client) => client.on('error', () => undefined));
  closing.push(() => pool.end());
  const receiver = await startChaosReceiver(SECRET, seededRandom(options.seed + 1));
  closing.push(() => receiver.stop());
  const fleet = await startFleet(
    { api: 2, dispatcher: 2 },
    {
      postgresUrl: postgres.url,
      redisUrl: redis?.url ?? null,
      env: {
        ...{ NODE_ENV: 'test', HOST: '127.0.0.1', LOG_LEVEL: 'info', DATABASE_POOL_SIZE: '4', ADMIN_TOKEN },
        ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
        ...{ DELIVERY_ALLOWED_CIDRS: '127.0.0.0/8', REQUIRE_HTTPS: 'false', STOP_DEADLINE_MS: '10000' },
        WEBHOOK_MAX_IN_FLIGHT: String(MAX_IN_FLIGHT_PER_WEBHOOK),
        ...(options.planted === null ? {} : { CHAOS_PLANTED: options.planted }),
      },
      folder,
      preload: options.planted === null ? null : join(__dirname, 'planted.js'),
    },
  );
  closing.push(() => fleet.stop());
  await fleet.untilReady();
  const tenants = await makeTenants(fleet.apiUrls()[0] ?? '', ADMIN_TOKEN, receiver.origin, SECRET);
  const orderedPaths = new Set(
    tenants.flatMap(({ webhooks }) => webhooks.filter(({ ordered }) => ordered).map(({ path }) => path)),
  );
  const publisher = startPublisher(
    tenants,
    () => fleet.apiUrls(),
    options.perSecond,
    `chaos-${String(options.seed)}`,
    seededRandom(options.seed + 2),
  );
  closing.push(() => publisher.stop());

  const world: World = {
    ...{ fleet, postgres, redis, pool, random },
    crashes: [],
    outage: { fromAt: 0, toAt: 0 },
    takeOversMs: [],
    problems: [],
    refusals: () => [...publisher.answers].reduce((sum, [status, count]) => sum + (status >= 500 ? count : 0), 0),
  };
  const done: FaultRecord[] = [];
  let checks = 0;
  const killsDone = (): number => done.reduce((sum, { kills }) => sum + kills, 0);

  /** Lets everything end, and compares what was promised, received and recorded. */
  const check = async (): Promise<void> => {
    checks += 1;
    publisher.pause();
    const unfinished = async (): Promise<string> =>
      Object.entries(await countUnfinished(pool))
        .filter(([, count]) => count > 0)
        .map(([name, count]) => `${String(count)} ${name}`)
        .join(', ');
    // The first that is waited for in vain decides.
    const isQuiet =
      (await within('202 to every event', () => publisher.open === 0)) &&
      (await within('every promise to be kept', () => findLost(publisher, receiver).length === 0)) &&
      (await within('nothing to be left to do', async () => (await unfinished()) === ''));
    const left = isQuiet ? '' : await unfinished();
    if (left !== '') world.problems.push(`stuck: ${left}`);
    const lost = findLost(publisher, receiver);
    if (lost.length > 0) world.problems.push(`${String(lost.length)} lost, such as ${lost.slice(0, 3).join('; ')}`);
    const duplicates = findDuplicates(receiver.requests, world.crashes, MAX_UNRECORDED);
    if (duplicates.unexplained.length > 0)
      world.problems.push(
        `${String(duplicates.unexplained.length)} duplicates that were in flight at no crash, such as ${duplicates.unexplained.slice(0, 3).join(', ')}`,
      );
    if (duplicates.count > duplicates.bound)
      world.problems.push(`${String(duplicates.count)} duplicates, ${String(duplicates.bound)} were in flight`);
    const overtaking = findOvertaking(receiver.requests, orderedPaths);
    if (overtaking.length > 0)
      world.problems.push(
        `${String(overtaking.length)} came before their predecessors, such as ${overtaking.slice(0, 3).join(', ')}`,
      );
    if (receiver.forged > 0) world.problems.push(`${String(receiver.forged)} requests with a wrong signature`);
    world.problems.push(...(await findDisagreements(pool, publisher, receiver, duplicates)));
    world.problems.push(...publisher.refused, ...fleet.crashes);
    publisher.resume();
  };
  const within = (what: string, holds: () => boolean | Promise<boolean>): Promise<boolean> =>
    waitFor(what, holds, QUIET_DEADLINE_MS).then(
      () => true,
      (error: unknown) => {
        world.problems.push(String(error));
        return false;
      },
    );

  const perform = async (name: FaultName): Promise<void> => {
    await scheduler.wait(random.between(300, 1_500));
    done.push(await runFault(world, name));
    say(`  ${((performance.now() - startedAt) / 1_000).toFixed(1)} s  ${name}`);
  };

  if (options.plan !== null) {
    for (const name of options.plan) await perform(name);
    await check();
  } else {
    const names = options.faults ?? drawableFaults(backend);
    if (names.every((name) => FAULTS[name].kills === 0)) throw new Error('None of these faults kills anything');
    const holds = (): boolean => world.problems.length === 0;
    while (killsDone() < options.kills && holds()) {
      for (let count = 0; count < FAULTS_PER_CHECK && killsDone() < options.kills; count += 1)
        await perform(random.pick(names));
      await check();
      if (options.faults === null && holds()) {
        await perform(checks % 2 === 1 ? 'kill a dispatcher until another takes over' : 'partition a dispatcher');
      }
    }
    if (holds()) await check();
    // Apart from every crash, so that nothing but the restart can explain a duplicate.
    if (options.faults === null && holds()) {
      await perform('rolling restart of all');
      await scheduler.wait(1_000);
      await check();
    }
  }

  for (const tookMs of world.takeOversMs)
    if (tookMs >= TAKE_OVER_LIMIT_MS) world.problems.push(`a take-over took ${String(Math.round(tookMs))} ms`);
  const duplicates = findDuplicates(receiver.requests, world.crashes, MAX_UNRECORDED);
  const answered = (wanted: (status: number) => boolean): number =>
    [...publisher.answers].reduce((sum, [status, count]) => sum + (wanted(status) ? count : 0), 0);
  return {
    problems: [...new Set(world.problems)],
    events: publisher.accepted,
    deliveries: publisher.promised.length,
    requests: receiver.requests.length,
    kills: killsDone(),
    faults: done.length,
    checks,
    lost: findLost(publisher, receiver).length,
    duplicates: duplicates.count,
    duplicatesBound: duplicates.bound,
    repeatedPublications: answered((status) => status !== 202),
    longestDelays: delaysAfterFaults(publisher.promised, receiver.succeeded, done),
    takeOversMs: world.takeOversMs,
    tookMs: performance.now() - startedAt,
  };
}
