import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer, type ConnectionOptions } from 'node:tls';
import { connectRedis, parseRedisUrl } from './redis-connection';

describe('REDIS_URL', () => {
  it.each([
    ['redis://cache', { host: 'cache', port: 6379 }],
    ['redis://cache:6380', { host: 'cache', port: 6380 }],
    ['redis://cache:6380/', { host: 'cache', port: 6380 }],
    ['redis://cache/3', { host: 'cache', port: 6379, db: 3 }],
    ['redis://10.0.0.1:1/15', { host: '10.0.0.1', port: 1, db: 15 }],
    ['redis://[::1]', { host: '::1', port: 6379 }],
    ['redis://[2001:db8::7]:6380/2', { host: '2001:db8::7', port: 6380, db: 2 }],
    ['rediss://cache:6380', { host: 'cache', port: 6380, tls: {} }],
    [
      'rediss://app:secret@[::1]:6380/1',
      { username: 'app', password: 'secret', host: '::1', port: 6380, db: 1, tls: {} },
    ],
    ['redis://cache:6380/1?family=4', { host: 'cache', port: 6380, db: 1 }],
  ])('%s is one server', (url, options) => {
    expect(parseRedisUrl(url)).toEqual({ kind: 'single', options });
  });

  it.each([
    ['redis://:secret@cache', { password: 'secret' }],
    ['redis://app:secret@cache', { username: 'app', password: 'secret' }],
    ['redis://app:@cache', { username: 'app' }],
    ['redis://:p%40ss%2Fw%3Ard%25%20%C3%A9@cache', { password: 'p@ss/w:rd% é' }],
    ['redis://a%3Ab:with:colons@cache', { username: 'a:b', password: 'with:colons' }],
    ['redis://:?#[]@cache', { password: '?#[]' }],
  ])('%s names a user, a password or both', (url, options) => {
    expect(parseRedisUrl(url)).toEqual({ kind: 'single', options: { host: 'cache', port: 6379, ...options } });
  });

  it('names the Sentinels and their group, with one password for Sentinels and servers', () => {
    expect(parseRedisUrl('redis+sentinel://one,two:26380,[::1]:26381/main/2')).toEqual({
      kind: 'sentinel',
      options: {
        name: 'main',
        db: 2,
        sentinels: [
          { host: 'one', port: 26379 },
          { host: 'two', port: 26380 },
          { host: '::1', port: 26381 },
        ],
      },
    });
    expect(parseRedisUrl('redis+sentinel+tls://app:p%40ss@one/main')).toEqual({
      kind: 'sentinel',
      options: {
        name: 'main',
        sentinels: [{ host: 'one', port: 26379 }],
        username: 'app',
        password: 'p@ss',
        sentinelUsername: 'app',
        sentinelPassword: 'p@ss',
        tls: {},
        sentinelTLS: {},
        enableTLSForSentinelMode: true,
      },
    });
  });

  it('names some nodes of a Cluster', () => {
    const nodes = [
      { host: 'one', port: 6379 },
      { host: '::1', port: 7001 },
    ];
    expect(parseRedisUrl('redis+cluster://one,[::1]:7001')).toEqual({ kind: 'cluster', nodes, options: {} });
    expect(parseRedisUrl('redis+cluster+tls://app:p%40ss@one,[::1]:7001')).toEqual({
      kind: 'cluster',
      nodes,
      options: { username: 'app', password: 'p@ss', tls: {} },
    });
  });

  it.each([
    'secret',
    'secret:6379',
    'http://:secret@cache',
    'REDIS://:secret@cache',
    'redis:secret@cache',
    'redis://',
    'redis://:secret@',
    'redis://:sec/ret@cache',
    'redis://:sec@ret@cache',
    'redis://:secret%@cache',
    'redis://:secret%E9@cache',
    'redis://:secret@local cache',
    'redis://:secret@cache:port',
    'redis://:secret@cache:0',
    'redis://:secret@cache:65536',
    'redis://:secret@cache:123456',
    'redis://:secret@::1',
    'redis://:secret@[::1',
    'redis://:secret@cache/main',
    'redis://:secret@cache/-1',
    'redis://:secret@one,two',
    'redis+sentinel://:secret@one',
    'redis+sentinel://:secret@one/',
    'redis+sentinel://:secret@one/main/zero',
    'redis+sentinel://:secret@one,,two/main',
    'redis+cluster://:secret@one,',
    'rediss+cluster://:secret@one',
  ])('%s is refused by an error that tells the forms and nothing of the URL', (url) => {
    let message = '';
    try {
      parseRedisUrl(url);
    } catch (error) {
      message = String(error);
    }
    expect(message).toMatch(/^Error: REDIS_URL must be redis:\/\/host:port\/db, .*redis\+cluster:/);
    expect(message).not.toContain('sec');
  });
});

describe('a TLS connection', () => {
  const certificates = join(__dirname, '..', '..', 'delivery-client', 'src', 'testing');
  const [cert, key] = ['receiver-cert.pem', 'receiver-key.pem'].map((name) => readFileSync(join(certificates, name)));

  it.each([
    'rediss://localhost:PORT',
    'redis+cluster+tls://localhost:PORT',
    'redis+sentinel+tls://localhost:PORT/main',
  ])('to %s holds the certificate to the name in the URL, not to its address', async (url) => {
    const server = createServer({ cert: cert!, key: key! }).on('tlsClientError', () => undefined);
    server.listen(0, 'localhost');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const checked = new EventEmitter();
    const tls: ConnectionOptions = {
      ca: cert!,
      checkServerIdentity(name) {
        checked.emit('name', name);
        return new Error('not needed any further');
      },
    };
    const target = parseRedisUrl(url.replace('PORT', String(port)));
    Object.assign(target.options, { tls, ...(target.kind === 'sentinel' && { sentinelTLS: tls }) });
    const name = once(checked, 'name');
    const redis = connectRedis(target, 'consumer').on('error', () => undefined);
    try {
      expect(await name).toEqual(['localhost']);
    } finally {
      redis.disconnect();
      server.close();
      await once(server, 'close');
    }
  });
});
