import { scheduler } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { waitFor } from '../support/wait-for';
import type { Fleet, Slot } from './fleet';
import type { SeededRandom } from './seeded-random';
import type { ChaosServer } from './servers';

/** How long an outcome may take from the receiver's answer to its commit while the database works, on a busy machine. */
const COMMIT_MS = 2_000;
/** After an outage the outcomes that waited for it are written within this time. */
const CATCH_UP_MS = 3_000;
/** What a killed process had handed to the system still arrives for so long. */
const ARRIVAL_MS = 300;
/** A dispatcher judges others dead only after it has lived for longer than this itself. */
const JUDGES_AFTER_MS = 11_000;
const TAKE_OVER_DEADLINE_MS = 60_000;

/** A time in which dispatchers lost requests in flight, which others then repeat; monotonic ms. */
export interface Crash {
  fromAt: number;
  toAt: number;
  dispatchers: number;
}

/** One fault as it happened; monotonic ms. */
export interface FaultRecord {
  name: FaultName;
  kills: number;
  startedAt: number;
  endedAt: number;
}

export interface World {
  fleet: Fleet;
  postgres: ChaosServer;
  redis: ChaosServer | null;
  /** Straight to PostgreSQL, past the proxies. */
  pool: Pool;
  random: SeededRandom;
  crashes: Crash[];
  /** Since when outcomes cannot be written, and when they could be again. */
  outage: { fromAt: number; toAt: number };
  takeOversMs: number[];
  problems: string[];
  /** Answers of the API other than 202 and broken connections, so far. */
  refusals(): number;
}

interface Fault {
  kills: number;
  /** How often it is drawn; 0: only where a plan names it. */
  weight: number;
  backend?: 'redis' | 'postgres';
  run(world: World): Promise<void>;
}

/** Everything that is done to an installation under load. */
export const FAULTS = {
  'kill api': { kills: 1, weight: 6, run: (world) => killAndRestart(world, [one(world, 'api')]) },
  'kill dispatcher': { kills: 1, weight: 8, run: (world) => killAndRestart(world, [one(world, 'dispatcher')]) },
  'kill api and dispatcher': {
    kills: 2,
    weight: 5,
    run: (world) => killAndRestart(world, [one(world, 'api'), one(world, 'dispatcher')]),
  },
  'kill all dispatchers': { kills: 2, weight: 3, run: (world) => killAndRestart(world, world.fleet.of('dispatcher')) },
  'rolling restart of the api': { kills: 0, weight: 1, run: (world) => replace(world, [one(world, 'api')]) },
  'rolling restart of a dispatcher': {
    kills: 0,
    weight: 1,
    run: (world) => replace(world, [one(world, 'dispatcher')]),
  },
  'rolling restart of all': { kills: 0, weight: 0, run: (world) => replace(world, world.fleet.slots) },
  'empty the queues': { kills: 0, weight: 2, run: emptyQueues },
  'restart redis': {
    ...{ kills: 0, weight: 1, backend: 'redis' },
    run: (world) => withoutRefusals(world, () => restart(world, world.redis, (server) => server.stop())),
  },
  'kill redis': {
    ...{ kills: 1, weight: 2, backend: 'redis' },
    run: (world) => withoutRefusals(world, () => restart(world, world.redis, (server) => server.kill())),
  },
  'restart postgres': {
    ...{ kills: 0, weight: 1 },
    run: (world) => duringOutage(world, () => restart(world, world.postgres, (server) => server.stop())),
  },
  'kill postgres': {
    ...{ kills: 1, weight: 3 },
    run: (world) => duringOutage(world, () => restart(world, world.postgres, (server) => server.kill())),
  },
  'kill postgres then a dispatcher': { kills: 2, weight: 2, run: killPostgresThenDispatcher },
  'cut connections': { kills: 0, weight: 2, run: (world) => disturb(world, 'cut', world.random.between(200, 1_500)) },
  'stall connections': {
    ...{ kills: 0, weight: 2 },
    run: (world) => disturb(world, 'stall', world.random.between(500, 4_000)),
  },
  'partition a dispatcher': { kills: 0, weight: 0, run: partition },
  'kill a dispatcher until another takes over': { kills: 1, weight: 0, run: takeOver },
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

/** The faults that a random plan draws from on this backend, each as often as its weight says. */
export function drawableFaults(backend: 'redis' | 'postgres'): FaultName[] {
  return (Object.keys(FAULTS) as FaultName[]).flatMap((name) => {
    const fault: Fault = FAULTS[name];
    return fault.backend === undefined || fault.backend === backend ? Array<FaultName>(fault.weight).fill(name) : [];
  });
}

export async function runFault(world: World, name: FaultName): Promise<FaultRecord> {
  const startedAt = performance.now();
  await FAULTS[name].run(world);
  return { name, kills: FAULTS[name].kills, startedAt, endedAt: performance.now() };
}

function one(world: World, kind: Slot['kind']): Slot {
  return world.random.pick(world.fleet.of(kind));
}

async function killAndRestart(world: World, slots: readonly Slot[]): Promise<void> {
  await kill(world, slots);
  await scheduler.wait(world.random.between(0, 400));
  for (const slot of slots) await world.fleet.start(slot);
}

async function kill(world: World, slots: readonly Slot[]): Promise<void> {
  const killedAt = performance.now();
  const dispatchers = slots.filter(({ kind }) => kind === 'dispatcher').length;
  if (dispatchers > 0) {
    const { fromAt, toAt } = world.outage;
    const isBehind = killedAt - toAt < CATCH_UP_MS;
    world.crashes.push({
      fromAt: Math.min(killedAt, isBehind ? fromAt : killedAt) - COMMIT_MS,
      toAt: killedAt + ARRIVAL_MS,
      dispatchers,
    });
  }
  await Promise.all(slots.map((slot) => world.fleet.kill(slot)));
}

async function replace(world: World, slots: readonly Slot[]): Promise<void> {
  await world.fleet.untilReady();
  for (const slot of slots) {
    const status = await world.fleet.replace(slot);
    if (status !== 0) world.problems.push(`${slot.name} did not stop in order: status ${String(status)}`);
  }
}

async function emptyQueues(world: World): Promise<void> {
  if (world.redis !== null) {
    const redis = new Redis(world.redis.url, { maxRetriesPerRequest: 1 });
    redis.on('error', () => undefined);
    await redis.flushall().finally(() => {
      redis.disconnect();
    });
    return;
  }
  await waitFor("BullMQ's tables to be emptied", async () => {
    const tables = await world.pool.query<{ name: string }>(
      `SELECT 'bullmq.' || quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'bullmq' AND tablename <> 'migration'`,
    );
    // A deadlock with those who work on the queue is theirs to lose: they look for one before we do.
    const statements = `SELECT set_config('deadlock_timeout', '30s', true); TRUNCATE ${tables.rows.map(({ name }) => name).join(', ')}`;
    return world.pool.query(statements).then(
      () => true,
      () => false,
    );
  });
}

async function restart(
  world: World,
  server: ChaosServer | null,
  end: (server: ChaosServer) => Promise<void>,
): Promise<void> {
  if (server === null) return;
  await end(server);
  await scheduler.wait(world.random.between(200, 1_500));
  await server.start();
}

/** While only the queue is away every publication is answered 202. */
async function withoutRefusals(world: World, run: () => Promise<void>): Promise<void> {
  await world.fleet.untilReady(world.fleet.of('api'));
  const before = world.refusals();
  await run();
  const refused = world.refusals() - before;
  if (refused > 0) world.problems.push(`${String(refused)} publications refused while only Redis was away`);
}

async function duringOutage(world: World, run: () => Promise<void>): Promise<void> {
  world.outage = { fromAt: performance.now(), toAt: Number.POSITIVE_INFINITY };
  await run();
  world.outage = { ...world.outage, toAt: performance.now() };
}

async function killPostgresThenDispatcher(world: World): Promise<void> {
  await duringOutage(world, async () => {
    await world.postgres.kill();
    await scheduler.wait(world.random.between(100, 600));
    const victim = one(world, 'dispatcher');
    await kill(world, [victim]);
    await world.postgres.start();
    await world.fleet.start(victim);
  });
}

async function disturb(world: World, how: 'cut' | 'stall', forMs: number): Promise<void> {
  const { random, fleet } = world;
  const proxies = fleet.slots
    .filter(() => random.next() < 0.6)
    .map(({ postgres, redis }) => (redis !== null && random.next() < 0.4 ? redis : postgres));
  await duringOutage(world, async () => {
    for (const proxy of proxies) proxy[how]();
    await scheduler.wait(forMs);
    for (const proxy of proxies) proxy.restore();
  });
}

/** Cut off from the database for longer than others wait, and alive: it has to stop sending before they take over. */
async function partition(world: World): Promise<void> {
  await untilOthersMayJudge(world);
  const victim = one(world, 'dispatcher');
  const fromAt = performance.now() - COMMIT_MS;
  victim.postgres.stall();
  await scheduler.wait(14_000);
  victim.postgres.restore();
  world.crashes.push({ fromAt, toAt: performance.now() + CATCH_UP_MS, dispatchers: 1 });
  await scheduler.wait(CATCH_UP_MS);
}

async function takeOver(world: World): Promise<void> {
  await untilOthersMayJudge(world);
  const victim = one(world, 'dispatcher');
  const { pid } = victim.app.child;
  const killedAt = performance.now();
  await kill(world, [victim]);
  await waitFor(
    'another dispatcher to take over',
    async () => {
      const left = await world.pool.query(
        'SELECT FROM dispatchers d WHERE d.pid = $1 OR EXISTS (SELECT FROM deliveries WHERE owner = d.id AND d.pid = $1)',
        [pid],
      );
      return left.rowCount === 0;
    },
    TAKE_OVER_DEADLINE_MS,
  );
  world.takeOversMs.push(performance.now() - killedAt);
  await world.fleet.start(victim);
}

async function untilOthersMayJudge({ fleet }: World): Promise<void> {
  await fleet.untilReady();
  const settledAt = Math.max(...fleet.of('dispatcher').map(({ app }) => app.startedAt)) + JUDGES_AFTER_MS;
  await scheduler.wait(Math.max(0, settledAt + 1_000 - performance.now()));
}
