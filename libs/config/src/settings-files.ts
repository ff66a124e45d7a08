import { SETTING_TOPICS, SETTINGS } from './settings';
import type { App, Setting } from './setting';

const MARKER = 'Written by "npm run settings" from libs/config/src/settings.ts:';

const APP_NAMES: Record<App, string> = {
  api: 'API',
  dispatcher: 'dispatcher',
  local: '`npm start`',
  cli: 'command line',
};
/** docker-compose.yml publishes ports itself, and listens on every address of a container. */
const FIXED_IN_CONTAINERS = ['HOST', 'PORT', 'DISPATCHER_PORT'];
const LINE_LENGTH = 120;

/** Renders the part of each file that comes from the table of settings, from the text of the file as it is. */
export const SETTINGS_FILES: Record<string, (current: string) => string> = {
  '.env.example': (current) => {
    const paragraphs = Object.values(SETTINGS).map((setting) => renderExample(setting as Setting));
    return `${upTo(`# ${MARKER}`, current)}\n\n${paragraphs.join('\n\n')}\n`;
  },
  'docs/settings.md': (current) => {
    const sections = Object.entries(SETTING_TOPICS).map(
      ([topic, settings]) => `## ${topic}\n\n${renderTable(Object.values(settings))}`,
    );
    return `${upTo(`<!-- ${MARKER} -->`, current)}\n\n${sections.join('\n\n')}\n`;
  },
  'docker-compose.yml': (current) => {
    const head = upTo(`    # ${MARKER}`, current);
    const lines = Object.values(SETTINGS)
      .filter(({ name, apps }) => isPassedOn(name, apps) && !head.includes(`\n    ${name}: `))
      .map(({ name }) => `    ${name}: \${${name}:-}`);
    const afterwards = current.slice(head.length).search(/\n\n/);
    return `${head}\n${lines.join('\n')}${current.slice(head.length + afterwards)}`;
  },
};

function isPassedOn(name: string, apps: readonly App[]): boolean {
  return (apps.includes('api') || apps.includes('dispatcher')) && !FIXED_IN_CONTAINERS.includes(name);
}

/** @throws Error where the marker is missing. */
function upTo(marker: string, text: string): string {
  const at = text.indexOf(marker);
  if (at === -1) throw new Error(`a line is missing: ${marker}`);
  return text.slice(0, at + marker.length);
}

function renderExample({ name, kind, doc, example }: Setting): string {
  const allowed = kind.allowed === null ? [] : wrap(`Allowed: ${kind.allowed}.`);
  return [...wrap(doc), ...allowed, `#${name}=${example}`].join('\n');
}

/** Comment lines as long as they may be. */
function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = '#';
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > LINE_LENGTH) {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

/** As Prettier formats a table. */
function renderTable(settings: Setting[]): string {
  const rows = [
    ['variable', 'meaning', 'default', 'allowed', 'read by'],
    ...settings.map((setting) => [
      `\`${setting.name}\`${setting.secret ? ' (secret)' : ''}`,
      setting.doc,
      defaultOf(setting),
      setting.kind.allowed ?? 'any text',
      setting.apps.map((app) => APP_NAMES[app]).join(', '),
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  return [lines[0], `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...lines.slice(1)].join('\n');
}

function defaultOf({ fallback, example }: Setting): string {
  if (fallback === undefined) return 'required';
  return fallback({ production: false, port: 3000 }) === null ? 'unset' : `\`${example}\``;
}
