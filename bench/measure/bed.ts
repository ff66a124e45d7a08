import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../../test/support/wait-for';
import { startBare } from '../installation/bare';
import type { Installation } from '../installation/installation';
import type { Pipeline } from '../installation/pipeline';
import { WEBHOOK_SECRET } from '../installation/populate';
import { startProduct, type Backend } from '../installation/product';
import type { LoadResult, LoadShape, LoadSpec, Target } from '../load/load-messages';
import { startGenerator, startReceiver, type Generator, type Receiver } from '../load/load-processes';
import { machineMs } from '../wire/message-reader';
import { Ledger } from './ledger';
import { cpuSecondsOf, peakMebibytesOf, proportionalMebibytesOf, resetPeak } from './processes';
import { readStatements, resetStatements, type StatementCost } from './statements';
import { summarise, type Measured, type Role, type Usage } from './measured';

const DRAIN_DEADLINE_MS = 60_000;
const CONNECTIONS = 64;

export interface BedOptions {
  backend: Backend;
  planted: string | null;
  profileFolder: string | null;
  built: string | null;
  /** Told what the statements of each run cost; null where PostgreSQL does not count them. */
  onStatements: ((costs: StatementCost[]) => void) | null;
  /** How long a run may take to come to rest. */
  drainDeadlineMs?: number;
}

/** How one load is laid on. */
export interface LoadOptions {
  targets: Target[];
  shape: LoadShape;
  /** From the load's begin to the measurement's. */
  warmUpSeconds: number;
  path?: string;
  connections?: number;
  /** Whether the closed loop waits for the delivery rather than for the 202; default true. */
  untilReceived?: boolean;
  /** Called when the measurement begins. */
  meanwhile?: () => Promise<void>;
}

/** A pipeline on a database of its own, with a generator and a receiver of its own. */
export class Bed {
  readonly ledger = new Ledger();
  /** As many as were in flight when a dispatcher was killed. */
  duplicatesAllowed = 0;
  private seed = 1;

  private constructor(
    readonly pipeline: Pipeline,
    readonly receiver: Receiver,
    private readonly generator: Generator,
    private readonly installation: Installation,
    private readonly options: BedOptions,
    private readonly databaseName: string,
  ) {}

  static async start(name: Pipeline['name'], installation: Installation, options: BedOptions): Promise<Bed> {
    const databaseName = `bench_${name}_${randomBytes(4).toString('hex')}`;
    const databaseUrl = await installation.createDatabase(databaseName);
    const receiver = await startReceiver(WEBHOOK_SECRET);
    const pipeline =
      name === 'product'
        ? await startProduct(installation, { ...options, databaseUrl })
        : await startBare(installation, { ...options, databaseUrl, receiverOrigin: receiver.origin });
    return new Bed(pipeline, receiver, startGenerator(), installation, options, databaseName);
  }

  /** Lays a load on, waits until all of it is delivered and recorded, and answers what was measured. */
  async run(load: LoadOptions): Promise<Measured> {
    await this.installation.settle();
    const { shape, targets, warmUpSeconds, untilReceived = true } = load;
    const spec: LoadSpec = {
      ...{ port: this.pipeline.api.port, path: load.path ?? '/api/events', targets, shape },
      connections: load.connections ?? CONNECTIONS,
      feedbackPort: shape.kind === 'closed' && untilReceived ? this.receiver.feedbackPort : null,
      seed: (this.seed += 1),
    };
    const running = this.generator.run(spec);
    await delay(warmUpSeconds * 1_000);
    for (const pid of [this.pipeline.api.pid, ...this.pipeline.dispatchers.map((app) => app.pid)]) resetPeak(pid);
    const { onStatements } = this.options;
    if (onStatements !== null) await resetStatements(this.pipeline.pool);
    const before = this.usage();
    const from = machineMs();
    const meanwhile = load.meanwhile?.();
    if (shape.kind === 'burst') {
      await running;
    } else {
      await delay((shape.seconds - warmUpSeconds) * 1_000);
    }
    const until = machineMs();
    const after = this.usage();
    const statements = onStatements === null ? [] : await readStatements(this.pipeline.pool);
    const result = await running;
    await meanwhile;
    this.ledger.promise(targets, result);
    const drained = await this.drain();
    const drainedAt = machineMs();
    const received = await this.receiver.take();
    this.ledger.receive(received);
    const measured = summarise(targets, result, received, { from, until, before, after });
    const events = (measured.acceptedPerSecond * (until - from)) / 1_000;
    onStatements?.(statements.map((cost) => perEvent(cost, events)));
    return {
      ...measured,
      peakMebibytes: this.peaks(),
      drainSeconds: (drainedAt - (result.answeredAt.at(-1) ?? drainedAt)) / 1_000,
      problems: [...problemsOf(result), ...(drained ? [] : ['what was accepted was not worked off in time'])],
    };
  }

  /** Compares what was promised, received and recorded. */
  async reconcile(): Promise<string[]> {
    this.ledger.receive(await this.receiver.take());
    return this.ledger.disagreements(await this.pipeline.recorded(), this.duplicatesAllowed);
  }

  /** At once: what hangs would else be waited for. A profile is written only by a process that ends in order. */
  async stop(): Promise<void> {
    await this.generator.stop();
    const { api, dispatchers } = this.pipeline;
    if (this.options.profileFolder === null) await Promise.all([api, ...dispatchers].map((app) => app.kill()));
    await this.pipeline.stop();
    await this.receiver.stop();
    await this.installation.dropDatabase(this.databaseName);
  }

  private usage(): Usage {
    const { api, dispatchers } = this.pipeline;
    return {
      api: cpuSecondsOf(api.pid),
      dispatcher: dispatchers.reduce((sum, { pid }) => sum + cpuSecondsOf(pid), 0),
      postgres: cpuSecondsOf(this.installation.postgresPid),
      redis: this.options.backend === 'redis' ? cpuSecondsOf(this.installation.redis?.pid ?? 0) : 0,
      receiver: cpuSecondsOf(this.receiver.pid),
      generator: cpuSecondsOf(this.generator.pid),
    };
  }

  private peaks(): Partial<Record<Role, number>> {
    const { api, dispatchers } = this.pipeline;
    return {
      api: peakMebibytesOf(api.pid),
      dispatcher: Math.max(...dispatchers.map(({ pid }) => peakMebibytesOf(pid))),
      postgres: proportionalMebibytesOf(this.installation.postgresPid),
      ...(this.options.backend === 'redis' ? { redis: peakMebibytesOf(this.installation.redis?.pid ?? 0) } : {}),
    };
  }

  private async drain(): Promise<boolean> {
    const done = async (): Promise<boolean> =>
      (await this.receiver.count()) >= this.ledger.promised && (await this.pipeline.unfinished()) === 0;
    return waitFor('all to be delivered', done, this.options.drainDeadlineMs ?? DRAIN_DEADLINE_MS).then(
      () => true,
      () => false,
    );
  }
}

function perEvent({ text, calls, executionMs, planningMs }: StatementCost, events: number): StatementCost {
  return { text, calls: calls / events, executionMs: executionMs / events, planningMs: planningMs / events };
}

function problemsOf(result: LoadResult): string[] {
  const problems: string[] = [];
  const refused = result.status.filter(
    (status) => status !== 202 && status !== 200 && status !== 429 && status !== 503,
  ).length;
  if (refused > 0)
    problems.push(`${String(refused)} requests were not answered 202, first: ${String(result.firstRefusal)}`);
  if (result.brokenConnections > 0) problems.push(`${String(result.brokenConnections)} connections to the API broke`);
  return problems;
}
