import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The ids of all running processes whose command line contains `text`. */
export async function processesNaming(text: string): Promise<number[]> {
  const lines = process.platform === 'linux' ? await commandLinesFromProc() : await commandLinesFromPs();
  return lines.filter(([pid, commandLine]) => pid !== process.pid && commandLine.includes(text)).map(([pid]) => pid);
}

/** Sends the signal to each process that is still there. */
export function signalAll(pids: number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended in the meantime.
    }
  }
}

/** From /proc where there is one: slim images have no `ps`. */
async function commandLinesFromProc(): Promise<[number, string][]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return Promise.all(
    pids.map(async (pid): Promise<[number, string]> => {
      const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return [Number(pid), commandLine.replaceAll('\0', ' ')];
    }),
  );
}

async function commandLinesFromPs(): Promise<[number, string][]> {
  const { stdout } = await run('ps', ['-axww', '-o', 'pid=,args='], { maxBuffer: 16 * 1024 * 1024 });
  return stdout.split('\n').map((line) => [Number.parseInt(line, 10), line]);
}
