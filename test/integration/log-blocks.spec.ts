import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { waitFor } from '../support/wait-for';

const LOGGER = join(__dirname, '..', '..', 'dist', 'libs', 'observability', 'src', 'logger.js');

/** What a process of its own writes that logs and then does as it is told. */
function run(script: string) {
  const begin = `const logger = require(${JSON.stringify(LOGGER)}).createLogger('info', 'test');`;
  const child = spawn(process.execPath, ['-e', begin + script], { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const messages = (): string[] =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { msg: string }).msg);
  return { child, ended, messages };
}

describe('the log, written in blocks', () => {
  it.each([
    ['exits', 'process.exit(0)'],
    ['fails', "throw new Error('unexpected')"],
  ])('is whole when the process %s', async (_, end) => {
    const { ended, messages } = run(`for (let n = 0; n < 1000; n += 1) logger.info('line ' + n); ${end}`);
    await ended;
    expect(messages()).toEqual(Array.from({ length: 1000 }, (_, n) => `line ${String(n)}`));
  });

  it('shows a line of information soon although no other follows', async () => {
    const { child, ended, messages } = run(`logger.info('alone'); setInterval(() => {}, 1000)`);
    try {
      await waitFor('the line', () => messages().length === 1);
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  });

  it('shows a warning at once, with what came before it, even when the process is killed', async () => {
    const { ended, messages } = run(
      `logger.info('before'); logger.warn('warning'); logger.info('after'); process.kill(process.pid, 'SIGKILL'); for (;;);`,
    );
    await ended;
    expect(messages()).toEqual(['before', 'warning']);
  });
});
