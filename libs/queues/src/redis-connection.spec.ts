import { parseRedisUrl } from './redis-connection';

describe('REDIS_URL', () => {
  it.each([
    ['redis://localhost', { kind: 'single', options: { host: 'localhost', port: 6379 } }],
    ['redis://localhost:6380/2', { kind: 'single', options: { host: 'localhost', port: 6380, db: 2 } }],
    ['redis://:p%40ss@localhost', { kind: 'single', options: { host: 'localhost', port: 6379, password: 'p@ss' } }],
    [
      'rediss://user:pass@[::1]:6380',
      { kind: 'single', options: { host: '::1', port: 6380, username: 'user', password: 'pass', tls: {} } },
    ],
  ])('names one server: %s', (url, target) => {
    expect(parseRedisUrl(url)).toEqual(target);
  });

  it('names a Sentinel group, with its password for the sentinels too', () => {
    expect(parseRedisUrl('redis+sentinel+tls://:secret@a,b:26380/main/3')).toEqual({
      kind: 'sentinel',
      options: {
        name: 'main',
        sentinels: [
          { host: 'a', port: 26379 },
          { host: 'b', port: 26380 },
        ],
        db: 3,
        ...{ password: 'secret', sentinelPassword: 'secret' },
        ...{ tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true },
      },
    });
  });

  it('names a Cluster', () => {
    expect(parseRedisUrl('redis+cluster://a:7000,b')).toEqual({
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 7000 },
        { host: 'b', port: 6379 },
      ],
      options: {},
    });
  });

  it.each([
    'localhost:6379',
    'http://localhost',
    'redis://a,b',
    'redis://localhost/name',
    'redis+sentinel://a:26379',
    'redis://local host:port',
  ])('refuses %s, and never repeats what may hold a password', (url) => {
    expect(() => parseRedisUrl(url)).toThrow(/^REDIS_URL must be redis:/);
    expect(() => parseRedisUrl(url.replace('://', '://:hunter2@'))).not.toThrow(/hunter2/);
  });
});
