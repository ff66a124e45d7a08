import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** Ticks of /proc/PID/stat in a second (sysconf(_SC_CLK_TCK), 100 on every Linux). */
const TICKS_PER_SECOND = 100;

interface ProcessStat {
  parentPid: number;
  /** Of the process and of its children that ended. */
  cpuSeconds: number;
}

/** CPU seconds a process and its children have used; NaN where the system has no /proc, 0 once it has ended. */
export function cpuSecondsOf(pid: number): number {
  const stats = readStats();
  if (stats === null) return Number.NaN;
  let sum = 0;
  for (const [id, stat] of stats) if (id === pid || stat.parentPid === pid) sum += stat.cpuSeconds;
  return sum;
}

/** Begins to measure {@link peakMebibytesOf} anew. */
export function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${String(pid)}/clear_refs`, '5');
  } catch {
    // Not ours to reset, or no /proc: the peak is that since the start.
  }
}

/** The largest resident set of a process in MiB; NaN where that cannot be read. */
export function peakMebibytesOf(pid: number): number {
  return kibibytes(`/proc/${String(pid)}/status`, /^VmHWM:\s+(\d+)/m) / 1_024;
}

/** The resident set of a process now, in MiB. */
export function residentMebibytesOf(pid: number): number {
  return kibibytes(`/proc/${String(pid)}/status`, /^VmRSS:\s+(\d+)/m) / 1_024;
}

/** What a process and its children hold together in MiB, shared pages counted once (PSS). */
export function proportionalMebibytesOf(pid: number): number {
  const stats = readStats();
  if (stats === null) return Number.NaN;
  let sum = 0;
  for (const [id, stat] of stats)
    if (id === pid || stat.parentPid === pid) {
      const own = kibibytes(`/proc/${String(id)}/smaps_rollup`, /^Pss:\s+(\d+)/m);
      if (!Number.isNaN(own)) sum += own;
    }
  return sum / 1_024;
}

function readStats(): Map<number, ProcessStat> | null {
  const stats = new Map<number, ProcessStat>();
  let names: string[];
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return null;
  }
  for (const name of names) {
    try {
      const line = readFileSync(`/proc/${name}/stat`, 'latin1');
      // The program's name, in brackets, may itself hold spaces and brackets.
      const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
      const [user, system, childUser, childSystem] = fields.slice(11, 15).map(Number);
      const ticks = (user ?? 0) + (system ?? 0) + (childUser ?? 0) + (childSystem ?? 0);
      stats.set(Number(name), { parentPid: Number(fields[1]), cpuSeconds: ticks / TICKS_PER_SECOND });
    } catch {
      // It has ended in between.
    }
  }
  return stats;
}

function kibibytes(file: string, pattern: RegExp): number {
  try {
    return Number(pattern.exec(readFileSync(file, 'latin1'))?.[1] ?? Number.NaN);
  } catch {
    return Number.NaN;
  }
}
