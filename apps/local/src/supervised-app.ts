import { spawn, type ChildProcess } from 'node:child_process';
import { RestartBudget } from './restart-budget';
import { waitUntil } from './wait-until';

/** More than the apps themselves allow their requests in flight. */
const STOP_DEADLINE_MS = 20_000;

export interface SupervisedAppOptions {
  name: string;
  /** The program and what it is given. */
  command: [string, ...string[]];
  env: NodeJS.ProcessEnv;
  log: (message: string) => void;
  /** Told once, when it ended so often that it is not started again. */
  onGivenUp: (reason: Error) => void;
}

/**
 * One of our applications as a child process, started again whenever it ends by itself. It has a process group of its
 * own, so that Ctrl-C in a terminal reaches it only through us, and a channel to us, whose end tells it that we are gone.
 */
export class SupervisedApp {
  private child: ChildProcess | undefined;
  private restart: NodeJS.Timeout | undefined;
  private isStopping = false;
  private readonly budget = new RestartBudget();

  constructor(private readonly options: SupervisedAppOptions) {
    this.start();
  }

  /** Asks it to end, which lets it finish its work, and resolves when it has; it is killed after 20 s. */
  async stop(): Promise<void> {
    this.isStopping = true;
    clearTimeout(this.restart);
    this.child?.kill('SIGTERM');
    if (await waitUntil(() => this.child === undefined, { deadlineMs: STOP_DEADLINE_MS })) return;
    this.options.log(`The ${this.options.name} did not stop within ${STOP_DEADLINE_MS / 1_000} s: killing it`);
    this.kill();
    await waitUntil(() => this.child === undefined, { deadlineMs: STOP_DEADLINE_MS });
  }

  /** Ends it at once. */
  kill(): void {
    this.isStopping = true;
    clearTimeout(this.restart);
    this.child?.kill('SIGKILL');
  }

  private start(): void {
    const [file, ...commandArguments] = this.options.command;
    const child = spawn(file, commandArguments, {
      env: this.options.env,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      detached: true,
    });
    this.child = child;
    child.once('error', (error) => {
      // Nothing was started, so there will be no exit.
      if (child.pid === undefined) this.ended(error.message);
    });
    child.once('exit', (code, signal) => {
      this.ended(signal ?? `exit status ${String(code)}`);
    });
  }

  private ended(how: string): void {
    this.child = undefined;
    if (this.isStopping) return;
    const { name, log, onGivenUp } = this.options;
    const delayMs = this.budget.noteEnd(performance.now());
    if (delayMs === undefined) {
      onGivenUp(new Error(`the ${name} keeps ending (${how}); its log lines above say why`));
      return;
    }
    log(`The ${name} ended (${how}): starting it again in ${delayMs / 1_000} s`);
    this.restart = setTimeout(() => {
      this.start();
    }, delayMs);
  }
}
