import type { ProfileSummary } from '../measure/profiles';
import type { StatementCost } from '../measure/statements';
import type { Figure } from '../workloads/workload';
import type { RunResult } from './bench-results';

const PARTS_SHOWN = 30;
const ROLES = ['api', 'dispatcher', 'postgres', 'redis', 'receiver', 'generator'] as const;

/** One workload as a table on the screen. */
export function showWorkload(run: RunResult, say: (line: string) => void): void {
  say(`\n${run.id} on ${run.backend}: ${run.title} (${run.tookSeconds.toFixed(0)} s)`);
  const width = Math.max(...run.figures.map(({ name }) => name.length), 10);
  for (const figure of run.figures) say(`  ${figure.name.padEnd(width)}  ${describeFigure(figure)}`);
  if (run.cpu.length > 0) say(`  CPU s per 1,000    ${ROLES.map((role) => role.padStart(10)).join('')}       all`);
  for (const { name, perThousand } of run.cpu) {
    const all = ROLES.reduce((sum, role) => sum + (perThousand[role] ?? 0), 0);
    const cells = ROLES.map((role) => (perThousand[role] ?? 0).toFixed(3).padStart(10)).join('');
    say(`  ${name.slice(0, 18).padEnd(18)} ${cells}${all.toFixed(3).padStart(10)}`);
  }
  for (const { name, mebibytes } of run.memory)
    say(
      `  peak MiB, ${name}: ${Object.entries(mebibytes)
        .map(([role, value]) => `${role} ${value.toFixed(0)}`)
        .join(', ')}`,
    );
  for (const problem of run.problems) say(`  FAILED: ${problem}`);
}

/** What the statements of a run cost for each event, the dearest first. */
export function showStatements(costs: readonly StatementCost[], say: (line: string) => void): void {
  say('  calls/1,000  plan µs  exec µs   for each event');
  for (const { text, calls, planningMs, executionMs } of costs)
    say(
      `  ${(calls * 1_000).toFixed(1).padStart(11)}${(planningMs * 1_000).toFixed(1).padStart(9)}${(executionMs * 1_000).toFixed(1).padStart(9)}   ${text.replace(/\s+/g, ' ').slice(0, 100)}`,
    );
}

/** What the processes spent their time on. */
export function showProfile({ program, parts }: ProfileSummary, say: (line: string) => void): void {
  say(`\nWhere the time of ${program} goes, start and idling left out`);
  for (const { part, share } of parts.slice(0, PARTS_SHOWN))
    say(`  ${(share * 100).toFixed(1).padStart(5)} %  ${part}`);
}

export function describeFigure({ value, unit, spread, target }: Figure): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const number = `${value.toFixed(digits).padStart(9)} ${unit.padEnd(3)}`;
  const about = spread === undefined ? '' : ` (spread ${(spread * 100).toFixed(0)} %)`;
  const verdict = target === undefined ? '' : `  ${target.isMet ? 'met   ' : 'MISSED'} ${target.limit}`;
  return number + about + verdict;
}
