import { readFileSync, readlinkSync } from 'node:fs';

/** A process, told apart from every other that ever had its pid. */
export interface ProcessIdentity {
  /** The boot of the machine and the pid namespace, in which pids mean the same to all. */
  namespace: string;
  pid: number;
  /** Clock ticks from the boot to the start of the process. */
  startTicks: string;
}

/** Who this process is; null where the system has no `/proc` to tell. */
export function ownProcess(): ProcessIdentity | null {
  try {
    const namespace = `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
    const running = readStat(process.pid);
    return running === null ? null : { namespace, pid: process.pid, startTicks: running.startTicks };
  } catch {
    return null; // not Linux, or /proc is hidden: others then go by the heartbeat
  }
}

/** Whether a process of this namespace has ended for certain. Of one that cannot be looked at, this is false. */
export function hasEnded({ pid, startTicks }: Omit<ProcessIdentity, 'namespace'>): boolean {
  try {
    const running = readStat(pid);
    return running?.startTicks !== startTicks || running.state === 'Z' || running.state === 'X';
  } catch {
    return false;
  }
}

/** Fields 3 and 22 of `/proc/PID/stat` (proc_pid_stat(5)); the name before them may hold spaces and brackets. */
function readStat(pid: number): { state: string; startTicks: string } | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && showsEveryProcess()) return null;
    throw error;
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', startTicks: fields[19] ?? '' };
}

/** A `/proc` mounted with `hidepid` has no entry of other users' processes, which may well be alive. */
function showsEveryProcess(): boolean {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  return !mounts.some((line) => line.split(' ')[1] === '/proc' && /\bhidepid=(?!0\b|off\b)/.test(line));
}
