import { Registry } from 'prom-client';
import { loadEnvironment } from '#config/environment';
import { createLogger } from '#observability/logger';
import { FailedLogins } from './failed-logins';

function failedLogins(perMinute: number): FailedLogins {
  const environment = loadEnvironment({
    DATABASE_URL: 'postgres://localhost/none',
    ENCRYPTION_KEY: Buffer.alloc(32, 1).toString('base64'),
    MAX_FAILED_LOGINS_PER_MINUTE: String(perMinute),
  });
  return new FailedLogins(environment, new Registry(), createLogger('silent', 'test'));
}

describe('FailedLogins', () => {
  it('lets a network try again when its minute is over', () => {
    const logins = failedLogins(2);
    logins.note('a', 'unknown', 0);
    logins.note('a', 'unknown', 30_000);
    expect([logins.isSlowed('a', 30_001), logins.isSlowed('a', 59_999), logins.isSlowed('a', 60_000)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(() => {
      logins.refuseSlowed('a', 58_500);
    }).toThrow(expect.objectContaining({ status: 429, retryAfterSeconds: 2 }) as Error);
    logins.note('a', 'unknown', 60_000);
    expect(logins.isSlowed('a', 60_001)).toBe(false);
  });

  it('takes no more memory however many networks fail', () => {
    const logins = failedLogins(1);
    for (let host = 0; host < 30_000; host += 1) logins.note(`network ${host}`, 'unknown', 0);
    const remembered = Array.from({ length: 30_000 }, (_, host) => logins.isSlowed(`network ${host}`, 1));
    expect(remembered.filter(Boolean)).toHaveLength(10_000);
    expect(remembered.at(-1)).toBe(true);
  });

  it('slows nobody down with 0', () => {
    const logins = failedLogins(0);
    for (let count = 0; count < 1_000; count += 1) logins.note('a', 'unknown', 0);
    expect(logins.isSlowed('a', 1)).toBe(false);
  });
});
