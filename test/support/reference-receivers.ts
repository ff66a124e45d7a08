import { spawnSync } from 'node:child_process';
import { waitFor } from './wait-for';
import { startProcess, type TestProcess } from './apps-as-processes';

/** A receiver of the reference, as a process. */
export interface ReferenceReceiver extends TestProcess {
  /** Where it takes deliveries. */
  readonly url: string;
}

/** The receivers under test/reference, by name, and how each is started. */
export const REFERENCE_RECEIVERS = {
  'Node.js': [process.execPath, 'test/reference/node-receiver.cjs'],
  'Express handler': [
    process.execPath,
    ...['--require', './test/reference/listen-anywhere.cjs', 'test/reference/express-handler.cjs'],
  ],
  Python: ['python3', 'test/reference/python_receiver.py'],
} as const satisfies Record<string, readonly [string, ...string[]]>;

/** Whether there is a python3; under CI there must be one, so that the test fails there rather than being skipped. */
export function hasPython(): boolean {
  const isCi = (process.env['CI'] ?? '') !== '' || process.env['REQUIRE_REDIS'] === '1';
  return isCi || spawnSync('python3', ['--version']).status === 0;
}

export async function startReferenceReceiver(
  name: keyof typeof REFERENCE_RECEIVERS,
  secret: string,
): Promise<ReferenceReceiver> {
  const [program, ...programArguments] = REFERENCE_RECEIVERS[name];
  const running = startProcess(program, programArguments, { WEBHOOK_SECRET: secret });
  const port = (): string | undefined => /listening on port (\d+)/.exec(running.output())?.[1];
  await waitFor(`the receiver in ${name} to listen`, () => {
    if (running.hasEnded()) throw new Error(`the receiver in ${name} ended:\n${running.output()}`);
    return port() !== undefined;
  });
  return { ...running, url: `http://127.0.0.1:${port() ?? ''}/webhooks/trae` };
}
