import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SETTINGS } from './documented-settings';
import { loadEnvironment } from './environment';
import type { Setting } from './settings';

const REQUIRED = {
  DATABASE_URL: 'postgres://user:password@localhost:5432/webhooks',
  ENCRYPTION_KEY: randomBytes(32).toString('base64'),
};
const VARIABLE = /^#([A-Z][A-Z0-9_]*)=(.*)$/;

/** The variables of `.env.example`: each is switched off by a `#`, and the paragraph above it is its documentation. */
function readExample(): Setting[] {
  const text = readFileSync(join(__dirname, '../../../.env.example'), 'utf8');
  return text.split(/\n{2,}/).flatMap((paragraph) => {
    const lines = paragraph.trim().split('\n');
    const [, name, example] = VARIABLE.exec(lines.pop() ?? '') ?? [];
    if (name === undefined || example === undefined) return [];
    return [{ name, example, doc: lines.map((line) => line.replace(/^# /, '')).join(' ') }];
  });
}

function readNames(env: NodeJS.ProcessEnv): Set<string> {
  const names = new Set<string>();
  loadEnvironment(
    new Proxy(env, {
      get(target, name) {
        names.add(String(name));
        return target[String(name)];
      },
    }),
  );
  return names;
}

describe('.env.example', () => {
  it('lists every setting with its documentation and its example, and nothing else', () => {
    expect(readExample()).toEqual(SETTINGS);
  });

  it('sets nothing as it stands', () => {
    const text = readFileSync(join(__dirname, '../../../.env.example'), 'utf8');
    expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
  });
});

describe('loadEnvironment', () => {
  it('reads every setting, and none that is not documented', () => {
    expect([...readNames(REQUIRED)].sort()).toEqual(SETTINGS.map((setting) => setting.name).sort());
  });

  it('takes the examples, which are the defaults', () => {
    const examples = Object.fromEntries(SETTINGS.map((setting) => [setting.name, setting.example]));
    const { redisUrl, ...environment } = loadEnvironment({ ...examples, ...REQUIRED });
    const { redisUrl: unset, ...defaults } = loadEnvironment(REQUIRED);
    expect(environment).toEqual(defaults);
    expect(unset).toBeNull();
    expect(redisUrl).toBe('redis://localhost:6379');
  });

  it('counts an empty variable as unset', () => {
    const empty = Object.fromEntries(SETTINGS.map((setting) => [setting.name, '']));
    expect(loadEnvironment({ ...empty, ...REQUIRED })).toEqual(loadEnvironment(REQUIRED));
  });
});
