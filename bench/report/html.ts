import type { Plot } from '../workloads/workload';
import { describeFigure } from './table';
import type { BenchResults, RunResult } from './bench-results';

const COLOURS = ['#2563eb', '#d97706', '#059669', '#dc2626', '#7c3aed', '#0891b2'];
const ROLES = ['api', 'dispatcher', 'postgres', 'redis', 'receiver', 'generator'] as const;
const [WIDTH, HEIGHT, MARGIN] = [560, 260, 48];

/** A page that needs nothing but itself. */
export function renderHtml({ startedAt, machine, plan, runs }: BenchResults): string {
  const about = `${startedAt}, ${plan.isQuick ? 'quick' : 'full'} run, commit ${machine.commit}: ${machine.cpu}, ${String(machine.cores)} cores, ${String(machine.memoryGibibytes)} GiB, ${machine.system}, Node ${machine.node}`;
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Bench</title><style>
body{font:15px/1.5 system-ui,sans-serif;max-width:62em;margin:2em auto;padding:0 1em;color:#1f2937}
table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .8em;border-bottom:1px solid #e5e7eb;text-align:left}
td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:pre}.missed,.failed{color:#b91c1c}.met{color:#047857}
svg{display:block;margin:1em 0;font-size:11px}</style>
<h1>Bench</h1><p>${escape(about)}</p>${runs.map(renderRun).join('')}</html>\n`;
}

function renderRun(run: RunResult): string {
  const rows = run.figures.map(
    (figure) =>
      `<tr><td>${escape(figure.name)}</td><td class="n ${figure.target === undefined ? '' : figure.target.isMet ? 'met' : 'missed'}">${escape(describeFigure(figure))}</td></tr>`,
  );
  const problems = run.problems.map((problem) => `<p class="failed">Failed: ${escape(problem)}</p>`);
  return `<h2>${run.id} on ${run.backend}: ${escape(run.title)}</h2>${problems.join('')}<table>${rows.join('')}</table>${renderCpu(run)}${run.plots.map(renderPlot).join('')}`;
}

/** One bar for each measurement, made of the processes' shares. */
function renderCpu({ cpu }: RunResult): string {
  if (cpu.length === 0) return '';
  const total = (parts: (typeof cpu)[number]): number =>
    ROLES.reduce((sum, role) => sum + (parts.perThousand[role] ?? 0), 0);
  const most = Math.max(...cpu.map(total));
  const bars = cpu.map((parts, row) => {
    let x = 130;
    const y = 24 + row * 26;
    const pieces = ROLES.map((role, index) => {
      const seconds = parts.perThousand[role] ?? 0;
      const width = (seconds / most) * (WIDTH - 190);
      x += width;
      return `<rect x="${(x - width).toFixed(1)}" y="${String(y)}" width="${width.toFixed(1)}" height="18" fill="${String(COLOURS[index])}"><title>${role} ${seconds.toFixed(3)} s</title></rect>`;
    });
    return `<text x="0" y="${String(y + 13)}">${escape(parts.name)}</text>${pieces.join('')}<text x="${(x + 4).toFixed(1)}" y="${String(y + 13)}">${total(parts).toFixed(2)} s</text>`;
  });
  return `<svg width="${String(WIDTH)}" height="${String(30 + cpu.length * 26)}"><text x="0" y="12" font-weight="bold">CPU seconds per 1,000</text>${legend([...ROLES], 150)}${bars.join('')}</svg>`;
}

function renderPlot(plot: Plot): string {
  const scaled = (value: number): number => (plot.isLogarithmic === true ? Math.log10(Math.max(value, 0.1)) : value);
  const points = plot.lines.flatMap((line) => line.points).filter(([, y]) => Number.isFinite(y));
  if (points.length === 0) return '';
  const [minX, maxX] = [Math.min(...points.map(([x]) => x)), Math.max(...points.map(([x]) => x))];
  const values = points.map(([, y]) => y);
  const bottom = plot.isLogarithmic === true ? scaled(Math.min(...values)) : 0;
  const top = scaled(Math.max(...values)) || 1;
  const toX = (x: number): number => MARGIN + ((x - minX) / (maxX - minX || 1)) * (WIDTH - 2 * MARGIN);
  const toY = (y: number): number =>
    HEIGHT - MARGIN - ((scaled(y) - bottom) / (top - bottom || 1)) * (HEIGHT - 2 * MARGIN);
  const lines = plot.lines.map(
    (line, index) =>
      `<polyline fill="none" stroke="${String(COLOURS[index % COLOURS.length])}" stroke-width="1.5" points="${line.points
        .filter(([, y]) => Number.isFinite(y))
        .map(([x, y]) => `${toX(x).toFixed(1)},${toY(y).toFixed(1)}`)
        .join(' ')}"/>`,
  );
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const value = plot.isLogarithmic === true ? 10 ** (bottom + share * (top - bottom)) : share * top;
    const x = minX + share * (maxX - minX);
    const y = toY(value);
    return `<line x1="${String(MARGIN)}" x2="${String(WIDTH - MARGIN)}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}" stroke="#e5e7eb"/><text x="${String(MARGIN - 6)}" y="${(y + 4).toFixed(1)}" text-anchor="end">${value.toPrecision(3)}</text><text x="${toX(x).toFixed(1)}" y="${String(HEIGHT - MARGIN + 16)}" text-anchor="middle">${x.toPrecision(3)}</text>`;
  });
  const names = plot.lines.map(({ name }) => name);
  return `<svg width="${String(WIDTH)}" height="${String(HEIGHT)}"><text x="0" y="12" font-weight="bold">${escape(plot.title)} (${escape(plot.yLabel)})</text>${legend(names, MARGIN, 28)}${ticks.join('')}${lines.join('')}<text x="${String(WIDTH / 2)}" y="${String(HEIGHT - 12)}" text-anchor="middle">${escape(plot.xLabel)}</text></svg>`;
}

function legend(names: string[], left: number, top = 12): string {
  let x = left;
  return names
    .map((name, index) => {
      const at = x;
      x += 22 + name.length * 6.5;
      return `<rect x="${String(at)}" y="${String(top - 9)}" width="10" height="10" fill="${String(COLOURS[index % COLOURS.length])}"/><text x="${String(at + 14)}" y="${String(top)}">${escape(name)}</text>`;
    })
    .join('');
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
