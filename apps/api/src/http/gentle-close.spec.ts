import { once } from 'node:events';
import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import { useGentleClose } from './gentle-close';

describe('useGentleClose', () => {
  it('ends a keep-alive connection whose request is under way when the server closes, with its answer', async () => {
    const server = fastify({ keepAliveTimeout: 60_000, forceCloseConnections: 'idle', return503OnClosing: false });
    useGentleClose(server);
    const closing = new Promise<void>((resolve) => {
      server.addHook('preClose', (done) => {
        resolve();
        done();
      });
    });
    let answer: () => void = () => undefined;
    const arrived = new Promise<void>((resolve) => {
      server.get('/', () => {
        resolve();
        return new Promise((done) => {
          answer = () => {
            done({ ok: true });
          };
        });
      });
    });
    await server.listen({ port: 0, host: '127.0.0.1' });
    const { port } = server.server.address() as AddressInfo;
    const agent = new Agent({ keepAlive: true });
    const asked = request({ port, host: '127.0.0.1', agent }).end();
    const response = once(asked, 'response');
    await arrived;
    const closed = server.close();
    await closing;
    answer();
    const [message] = (await response) as [{ statusCode: number; headers: Record<string, string>; resume(): void }];
    message.resume();
    expect([message.statusCode, message.headers['connection']]).toEqual([200, 'close']);
    await closed;
    agent.destroy();
  });
});
