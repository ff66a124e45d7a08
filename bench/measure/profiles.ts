import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What the processes of one program spent their time on, once they had started. */
export interface ProfileSummary {
  /** Such as `apps/api/main.js`. */
  program: string;
  /** Share of the busy time by part, the dearest first: a folder of ours, or a package with what the platform does for it. */
  parts: { part: string; share: number }[];
}

interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string };
  children?: number[];
}

interface Profile {
  nodes: ProfileNode[];
  samples: number[];
  timeDeltas: number[];
}

const OWN = /\/dist\/((?:apps|libs)\/.*)$/;
const PACKAGE = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/;
const PROGRAM = /\/dist\/(apps\/[^/]+\/main\.js)$/;
/** The stack of a program that still loads its modules. */
const LOADING = 'Module._load';

/** Sums up the profiles (`--cpu-prof`) that were written to a folder since an instant (Unix ms). */
export async function summariseProfiles(folder: string, sinceMs: number): Promise<ProfileSummary[]> {
  const summaries: ProfileSummary[] = [];
  for (const name of (await readdir(folder)).filter((each) => each.endsWith('.cpuprofile')).sort()) {
    const file = join(folder, name);
    if ((await stat(file)).mtimeMs < sinceMs) continue;
    summaries.push(summarise(JSON.parse(await readFile(file, 'utf8')) as Profile));
  }
  return summaries;
}

function summarise(profile: Profile): ProfileSummary {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const partOfNode = new Map<number, string | null>();
  const times = new Map<string, number>();
  for (const [index, id] of profile.samples.entries()) {
    let part = partOfNode.get(id);
    if (part === undefined) partOfNode.set(id, (part = partOf(stackOf(id))));
    if (part !== null) times.set(part, (times.get(part) ?? 0) + (profile.timeDeltas[index] ?? 0));
  }
  const busy = [...times.values()].reduce((sum, time) => sum + time, 0);
  const parts = [...times].map(([part, time]) => ({ part, share: time / busy }));
  const program = profile.nodes.map(({ callFrame }) => PROGRAM.exec(callFrame.url)?.[1]).find((each) => each);
  return { program: program ?? 'another program', parts: parts.sort((a, b) => b.share - a.share) };

  /** From the innermost call to the outermost. */
  function stackOf(id: number): ProfileNode['callFrame'][] {
    const stack = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const node = nodes.get(at);
      if (node !== undefined) stack.push(node.callFrame);
    }
    return stack;
  }
}

/** Who asked for the work at the top of a stack; null when the process was idle or starting. */
function partOf(stack: readonly ProfileNode['callFrame'][]): string | null {
  const [top] = stack;
  if (top === undefined || top.functionName === '(idle)') return null;
  if (stack.some(({ functionName }) => functionName === LOADING)) return null;
  for (const { url } of stack) {
    const own = OWN.exec(url)?.[1];
    // The folder, or the library.
    if (own !== undefined)
      return own
        .split('/')
        .slice(0, own.startsWith('libs/') ? 2 : 4)
        .join('/');
    const dependency = PACKAGE.exec(url)?.[1];
    if (dependency !== undefined) return dependency;
    if (url.startsWith('node:_http')) return 'node:http';
  }
  return top.functionName.startsWith('(') ? top.functionName.slice(1, -1) : 'node';
}
