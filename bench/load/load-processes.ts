import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LoadResult, LoadSpec, ReceivedResult, ReceiverAnswer, ReceiverQuestion } from './load-messages';

/** The receiver's process. */
export interface Receiver {
  readonly pid: number;
  readonly origin: string;
  readonly feedbackPort: number;
  /** Requests answered 200 since the start. */
  count(): Promise<number>;
  /** What was answered since the last time. */
  take(): Promise<ReceivedResult>;
  stop(): Promise<void>;
}

/** The generator's process. */
export interface Generator {
  readonly pid: number;
  run(spec: LoadSpec): Promise<LoadResult>;
  stop(): Promise<void>;
}

/** @param secret of the webhooks. */
export async function startReceiver(secret: string): Promise<Receiver> {
  const child = start('receiver', { BENCH_SECRET: secret });
  const listening = await nextAnswer(child, 'listening');
  const ask = (question: ReceiverQuestion): void => {
    child.send(question);
  };
  return {
    pid: child.pid ?? 0,
    origin: `http://127.0.0.1:${String(listening.port)}`,
    feedbackPort: listening.feedbackPort,
    async count() {
      ask({ ask: 'count' });
      return (await nextAnswer(child, 'count')).succeeded;
    },
    async take() {
      ask({ ask: 'take' });
      return nextAnswer(child, 'taken');
    },
    stop: () => stop(child),
  };
}

export function startGenerator(): Generator {
  const child = start('generator', {});
  return {
    pid: child.pid ?? 0,
    async run(spec) {
      child.send(spec);
      const [result] = (await once(child, 'message')) as [LoadResult];
      return result;
    },
    stop: () => stop(child),
  };
}

function start(name: string, env: Record<string, string>): ChildProcess {
  return fork(join(__dirname, `${name}.js`), {
    env: { PATH: process.env['PATH'], ...env },
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

async function nextAnswer<K extends ReceiverAnswer['kind']>(
  child: ChildProcess,
  kind: K,
): Promise<Extract<ReceiverAnswer, { kind: K }>> {
  const [answer] = (await once(child, 'message')) as [ReceiverAnswer];
  if (answer.kind !== kind) throw new Error(`The receiver answered ${answer.kind} instead of ${kind}`);
  return answer as Extract<ReceiverAnswer, { kind: K }>;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.disconnect();
  await ended;
}
