import { HealthChecks } from './health-checks';

describe('HealthChecks', () => {
  const well = (): Promise<null> => Promise.resolve(null);
  const away = (): Promise<string> => Promise.resolve('does not answer');

  it('is ok while nothing is wrong', async () => {
    const health = new HealthChecks();
    health.register('database', { required: true }, well);
    expect(await health.report()).toEqual({ status: 'ok', checks: { database: 'ok' } });
  });

  it('is degraded, and says by what, while only optional things are away', async () => {
    const health = new HealthChecks();
    health.register('database', { required: true }, well);
    health.register('queue', { required: false }, away);
    expect(await health.report()).toEqual({ status: 'degraded', checks: { database: 'ok', queue: 'does not answer' } });
  });

  it('is unavailable while something required is away or its check fails', async () => {
    const health = new HealthChecks();
    health.register('queue', { required: false }, away);
    health.register('database', { required: true }, () => Promise.reject(new Error('select secret')));
    expect(await health.report()).toEqual({
      status: 'unavailable',
      checks: { queue: 'does not answer', database: 'the check itself failed' },
    });
  });

  it('does not wait for a check that hangs', async () => {
    jest.useFakeTimers();
    try {
      const health = new HealthChecks();
      health.register('database', { required: true }, () => new Promise(() => undefined));
      const report = health.report();
      await jest.advanceTimersByTimeAsync(2_000);
      expect(await report).toEqual({ status: 'unavailable', checks: { database: 'does not answer in time' } });
    } finally {
      jest.useRealTimers();
    }
  });
});
