import { randomBytes } from 'node:crypto';
import { loadEnvironment } from './environment';
import { SETTINGS } from './settings';

const REQUIRED = {
  DATABASE_URL: 'postgres://user:password@localhost:5432/webhooks',
  ENCRYPTION_KEY: randomBytes(32).toString('base64'),
};

const load = (env: NodeJS.ProcessEnv): ReturnType<typeof loadEnvironment> => loadEnvironment({ ...REQUIRED, ...env });

describe('loadEnvironment', () => {
  it('accepts the examples, which are the defaults', () => {
    const examples = Object.fromEntries(Object.values(SETTINGS).map(({ name, example }) => [name, example]));

    const { redisUrl, ...environment } = load({ ...examples, ...REQUIRED });
    const { redisUrl: unset, ...defaults } = load({});

    expect(environment).toEqual(defaults);
    expect(unset).toBeNull();
    expect(redisUrl).toBe('redis://localhost:6379');
  });

  it('counts an empty variable as unset', () => {
    const empty = Object.fromEntries(Object.values(SETTINGS).map(({ name }) => [name, ' ']));

    expect(load({ ...empty, ...REQUIRED })).toEqual(load({}));
  });

  it('derives the public URL from the port, and https from production', () => {
    expect(load({ PORT: '8080' })).toMatchObject({ publicUrl: 'http://localhost:8080', requireHttps: false });
    expect(load({ NODE_ENV: 'production' }).requireHttps).toBe(true);
    expect(load({ NODE_ENV: 'production', REQUIRE_HTTPS: '0' }).requireHttps).toBe(false);
  });

  it('removes slashes at the end of the public URL', () => {
    expect(load({ PUBLIC_URL: 'https://hooks.example//' }).publicUrl).toBe('https://hooks.example');
  });

  it('names every variable that is wrong and what is allowed, but not its value', () => {
    const wrong = {
      PORT: 'secret',
      REQUIRE_HTTPS: 'secret',
      ADMIN_TOKEN: 'secret',
      DATABASE_URL: '',
      SMTP_URL: 'secret',
    };
    const message = messageOf({ ...wrong, ENCRYPTION_KEY: '' });

    expect(message.split('\n')).toEqual([
      'invalid environment:',
      '  PORT must be a whole number from 0 to 65535',
      '  DATABASE_URL is required',
      '  ADMIN_TOKEN must be at least 32 characters long',
      '  ENCRYPTION_KEY is required: 32 bytes in base64 (openssl rand -base64 32); `npm start` makes one',
      '  REQUIRE_HTTPS must be true or false',
      '  SMTP_URL must be a URL that begins with smtp:// or smtps://',
    ]);
    expect(message).not.toContain('secret');
  });

  it.each([
    [{ SMTP_URL: 'smtp://localhost' }, 'SMTP_FROM is required with SMTP_URL'],
    [{ RECORD_RETENTION_DAYS: '29' }, 'RECORD_RETENTION_DAYS must not be less than PAYLOAD_RETENTION_DAYS'],
    [{ STATS_RETENTION_DAYS: '89' }, 'STATS_RETENTION_DAYS must not be less than RECORD_RETENTION_DAYS'],
  ])('rejects %j, which does not fit the others', (env, message) => {
    expect(messageOf(env)).toContain(message);
  });
});

function messageOf(env: NodeJS.ProcessEnv): string {
  try {
    load(env);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the environment was accepted');
}
