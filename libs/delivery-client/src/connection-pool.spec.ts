import { buildConnector } from 'undici';
import { ConnectionPool, type Connection } from './connection-pool';
import { startHttpReceiver, until, type Receiver } from './testing/receivers';

describe('the connection pool', () => {
  let receiver: Receiver;
  let pool: ConnectionPool;

  beforeEach(async () => {
    receiver = await startHttpReceiver((_request, response) => response.end('ok'));
    pool = new ConnectionPool({ keepAliveTimeout: 30_000 }, { perOrigin: 2, idle: 10 });
  });

  afterEach(async () => {
    await pool.destroy();
    await receiver.close();
  });

  const connect = buildConnector({});

  /** Sends one request and resolves with its connection, which is still lent. */
  const send = async (allowed = ''): Promise<Connection> =>
    new Promise((resolve, reject) => {
      pool.lend(
        { origin: receiver.origin, allowed, connect },
        {
          isWaiting: true,
          sendOver: (connection) => {
            connection.client.dispatch(
              { path: '/', method: 'POST' },
              {
                onRequestStart: () => undefined,
                onResponseEnd: () => {
                  queueMicrotask(() => {
                    resolve(connection);
                  });
                },
                onResponseError: (_controller, error) => {
                  reject(error);
                },
              },
            );
          },
        },
      );
    });

  it('lends again what was given back, and says that it was used', async () => {
    const first = await send();
    expect(first.isReused).toBe(false);
    pool.release(first);
    const second = await send();
    expect(second).toBe(first);
    expect(second.isReused).toBe(true);
  });

  it('does not lend under one allow list what was dialled under another', async () => {
    pool.release(await send('10.0.0.0/8'));
    const other = await send('');
    expect(other.isReused).toBe(false);
    expect(receiver.connectionCount()).toBe(2);
  });

  it('forgets an idle connection that the receiver closes', async () => {
    pool.release(await send());
    expect(pool.openCount).toBe(1);
    await receiver.close();
    await until(() => pool.openCount === 0);
  });

  it('does not take back a connection that the receiver has closed meanwhile', async () => {
    const connection = await send();
    await receiver.close();
    await until(() => !connection.client.stats.connected);
    expect(pool.openCount).toBe(1);
    pool.release(connection);
    expect(pool.openCount).toBe(0);
  });

  it('breaks a connection and lends a new one in its place', async () => {
    const connection = await send();
    const next = pool.replace(connection);
    expect(next).not.toBe(connection);
    expect(next.isReused).toBe(false);
    expect(pool.openCount).toBe(1);
    await until(() => receiver.openConnectionCount() === 0);
  });
});
