import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { SETTINGS } from './settings';

/** Given by the compose file itself, or without a meaning in a container. */
const OWN = ['NODE_ENV', 'HOST', 'PORT', 'DISPATCHER_PORT', 'DATABASE_URL', 'REDIS_URL', 'DATA_DIR'];

interface ComposeFile {
  services: Record<string, { environment?: Record<string, string> }>;
}

const TEXT = readFileSync(join(__dirname, '../../../docker-compose.yml'), 'utf8');
const { services } = parse(TEXT, { merge: true }) as ComposeFile;

describe.each(['migrate', 'api', 'dispatcher'])('%s of docker-compose.yml', (service) => {
  const environment = services[service]?.environment ?? {};

  it.each(
    Object.values(SETTINGS)
      .map(({ name }) => name)
      .filter((name) => !OWN.includes(name)),
  )('passes %s on', (name) => {
    expect(environment[name]).toMatch(new RegExp(`^\\$\\{${name}(:-[^}]*|:\\?[^}]+)\\}$`));
  });

  it('sets nothing that is not a setting', () => {
    const known = new Set(Object.values(SETTINGS).map(({ name }) => name));
    expect(Object.keys(environment).filter((name) => !known.has(name))).toEqual([]);
  });
});
