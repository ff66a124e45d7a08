'use strict';

// What production is made of: docs/dependencies.md says it and why, and each licence is one that was allowed. Also that
// package-lock.json pins every package by its hash. `--write` writes the file; `--audit` asks the registry for known
// weaknesses, of which scripts/accepted-weaknesses.json may accept some, with a reason and until a day.
const { spawnSync } = require('node:child_process');
const { existsSync, readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const ROOT = join(__dirname, '..');
const FILE = join(ROOT, 'docs', 'dependencies.md');
const ALLOWED = [
  'MIT',
  'MIT-0',
  'ISC',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'Python-2.0',
  'CC0-1.0',
  'Unlicense',
];
const AUDIT_DEADLINE_MS = 30_000;

const read = (...path) => JSON.parse(readFileSync(join(ROOT, ...path), 'utf8'));
const manifest = read('package.json');
const lock = read('package-lock.json');
const notes = read('scripts', 'dependencies.json');
const problems = [];

const nameOf = (path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
const locked = Object.entries(lock.packages).filter(([path, entry]) => path !== '' && !entry.link);
// An optional package of another platform, which is not downloaded here, may stand in the lock by its version alone.
for (const [path, entry] of locked) {
  if (!entry.integrity && !entry.inBundle && !entry.optional)
    problems.push(`package-lock.json: ${nameOf(path)} has no hash`);
}

const licenceOf = ([path, entry]) => {
  if (entry.license) return entry.license;
  const file = join(ROOT, path, 'package.json');
  if (!existsSync(file)) return null;
  const { license, licenses } = JSON.parse(readFileSync(file, 'utf8'));
  return typeof license === 'string' ? license : (licenses?.map(({ type }) => type).join(' OR ') ?? null);
};
/** `A OR B` is allowed when one is, `A AND B` when both are. */
const isAllowed = (licence) =>
  licence
    .replace(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((part) => ALLOWED.includes(part)));

const production = locked.filter(([, entry]) => !entry.dev && !entry.devOptional);
const byLicence = new Map();
for (const found of production) {
  const name = nameOf(found[0]);
  // Of another platform: installed there only, so that the file would say something else on each.
  if (found[1].optional && !found[1].license) continue;
  const licence = notes.licences[name] ?? licenceOf(found);
  if (licence === null || !isAllowed(licence))
    problems.push(`${name}: the licence ${licence ?? 'that is not given'} is not allowed`);
  byLicence.set(licence, (byLicence.get(licence) ?? new Set()).add(name));
}

const direct = Object.keys(manifest.dependencies).sort();
for (const name of direct)
  if (!notes.why[name]) problems.push(`scripts/dependencies.json does not say why ${name} is there`);
for (const name of Object.keys(notes.why))
  if (!direct.includes(name)) problems.push(`scripts/dependencies.json explains ${name}, which is not there`);

const text = [
  '# Dependencies',
  '',
  '<!-- Written by `npm run dependencies` of scripts/dependencies.json and package-lock.json. -->',
  '',
  'What runs in production, why, and under which licence. `npm run check` refuses a dependency that is not explained here, and a licence that is not allowed; CI also asks for known weaknesses, see [Security](security.md#supply-chain).',
  '',
  ...direct.map(
    (name) =>
      `- **${name}** (${licenceOf([`node_modules/${name}`, lock.packages[`node_modules/${name}`] ?? {}])}): ${notes.why[name]}`,
  ),
  '',
  '## With what they bring',
  '',
  ...[...byLicence]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([licence, names]) => [`**${licence}**: ${[...names].sort().join(', ')}.`, '']),
].join('\n');

if (process.argv.includes('--write')) writeFileSync(FILE, text);
else if (!existsSync(FILE) || readFileSync(FILE, 'utf8') !== text) {
  problems.push('docs/dependencies.md is not what package-lock.json says: run "npm run dependencies"');
}
if (process.argv.includes('--audit')) problems.push(...audit());

for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

/** Known weaknesses of what runs in production that nobody accepted. That the registry cannot be asked is said, and passes. */
function audit() {
  const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: AUDIT_DEADLINE_MS,
    maxBuffer: 1e8,
  });
  let report = null;
  try {
    report = JSON.parse(stdout);
  } catch {
    // Told below.
  }
  if (report?.vulnerabilities === undefined) {
    console.warn('npm audit: the registry could not be asked for known weaknesses; nothing was checked');
    return [];
  }
  const advisories = new Map();
  for (const { via } of Object.values(report.vulnerabilities)) {
    for (const found of via) if (typeof found === 'object') advisories.set(found.url.split('/').at(-1), found);
  }
  const accepted = new Map(read('scripts', 'accepted-weaknesses.json').map((entry) => [entry.advisory, entry]));
  const today = new Date().toISOString().slice(0, 10);
  const problems = [];
  for (const [id, { name, severity, title, range }] of advisories) {
    const { until } = accepted.get(id) ?? {};
    if (until === undefined) problems.push(`npm audit: ${id} (${severity}) in ${name} ${range}: ${title}`);
    else if (until < today) problems.push(`npm audit: ${id} in ${name} was accepted until ${until}`);
  }
  for (const { advisory, reason, until } of accepted.values()) {
    if (!reason || !/^\d{4}-\d{2}-\d{2}$/.test(until))
      problems.push(`scripts/accepted-weaknesses.json: ${advisory} needs a reason and a day "until"`);
    else if (!advisories.has(advisory))
      problems.push(`scripts/accepted-weaknesses.json: ${advisory} is no longer found; take it out`);
  }
  console.log(`npm audit: ${advisories.size} known weaknesses, ${accepted.size} accepted`);
  return problems;
}
