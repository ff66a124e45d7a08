import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hasEnded, ownProcess, type ProcessIdentity } from './process-identity';

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('the identity of a process', () => {
  const own = (): ProcessIdentity => ownProcess()!;

  it('is told apart from another that had the same pid', () => {
    expect(hasEnded(own())).toBe(false);
    expect(hasEnded({ ...own(), startTicks: '1' })).toBe(true);
  });

  it('ends with the process', async () => {
    const script = `process.stdout.write(require('node:fs').readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ')[19]); process.stdin.on('end', () => process.exit()).resume()`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'ignore'] });
    const [startTicks] = (await once(child.stdout, 'data')) as [Buffer];
    const other = { pid: child.pid!, startTicks: startTicks.toString() };
    expect(hasEnded(other)).toBe(false);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(hasEnded(other)).toBe(true);
  });
});
