import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { createLogger } from '#observability/logger';
import { createQueueBackend, type Consumer } from '#queues/queue-backend';
import { EVENT_QUEUE, WAKE_UP_QUEUE, type EventJob, type WakeUpJob } from '#queues/queue-names';
import { Signals } from '#queues/signals';
import { choosePort } from '../../apps/local/src/free-port';
import { startProcess, type TestProcess } from '../support/apps-as-processes';
import { waitFor } from '../support/wait-for';

const HOST = '127.0.0.1';
const PASSWORD = 'p@ss/w:rd%';
const IN_URL = encodeURIComponent(PASSWORD);
const SLOTS = 16_384;
/** A Cluster's nodes talk to each other at this distance from their port. */
const CLUSTER_BUS_OFFSET = 10_000;
const CERTIFICATES = join(__dirname, '..', '..', 'libs', 'delivery-client', 'src', 'testing');
const CERT = join(CERTIFICATES, 'receiver-cert.pem');
const TLS = [
  ...['--tls-cert-file', CERT, '--tls-key-file', join(CERTIFICATES, 'receiver-key.pem'), '--tls-ca-cert-file', CERT],
  ...['--tls-auth-clients', 'no', '--tls-replication', 'yes'],
];

const program = ['redis-server', 'valkey-server'].find((name) => spawnSync(name, ['--version']).status === 0);
const isRequired = process.env['REQUIRE_REDIS'] === '1';
// Without any Redis scripts/redis-reporter.cjs says so at the end of the run; REDIS_URL gives one, but of one kind.
if (program === undefined && !isRequired && (process.env['REDIS_URL'] ?? '') !== '') {
  process.stderr.write(
    'The tests of Redis Sentinel, Cluster and TLS did not run: there is no redis-server or valkey-server on the PATH. Install one (apt-get install redis-server).\n',
  );
}

(program === undefined && !isRequired ? describe.skip : describe)('signals over Redis', () => {
  let folder: string;
  let servers: TestProcess[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'webhooks-test-redis-'));
  });
  afterEach(async () => {
    await Promise.all(servers.filter((server) => !server.hasEnded()).map((server) => server.end('SIGKILL')));
    servers = [];
    await rm(folder, { recursive: true, force: true });
  });

  async function start(settings: string[], saysWhenReady = 'Ready to accept connections'): Promise<void> {
    if (program === undefined) throw new Error('there is no redis-server or valkey-server on the PATH');
    const server = startProcess(program, settings, {});
    servers.push(server);
    await waitFor(`${program} to be ready`, () => {
      if (server.hasEnded()) throw new Error(`${program} ended:\n${server.output()}`);
      return server.output().includes(saysWhenReady);
    });
  }

  /** A server at this port; with TLS there when asked for. */
  async function startServer(port: number, more: string[] = [], isTls = false): Promise<void> {
    const listen = isTls ? ['--port', '0', '--tls-port', String(port), ...TLS] : ['--port', String(port)];
    await start([...listen, '--bind', HOST, '--save', '', '--appendonly', 'no', '--dir', folder, ...more]);
  }

  async function startCluster(isTls = false): Promise<string> {
    let port: number;
    do port = await choosePort(0, HOST);
    while (port + CLUSTER_BUS_OFFSET > 65_535);
    await startServer(
      port,
      ['--cluster-enabled', 'yes', '--cluster-announce-ip', HOST, ...(isTls ? ['--tls-cluster', 'yes'] : [])],
      isTls,
    );
    const node = new Redis({ host: HOST, port, ...(isTls && { tls: { rejectUnauthorized: false } }) });
    try {
      await node.cluster('ADDSLOTS', ...Array.from({ length: SLOTS }, (_, slot) => slot));
      await waitFor('the Cluster', async () => (await node.cluster('INFO')).includes('cluster_state:ok'));
    } finally {
      node.disconnect();
    }
    return `${HOST}:${port}`;
  }

  /** Adds an event job and a delayed wake-up job by {@link Signals} and waits until both were consumed. */
  async function exchange(redisUrl: string): Promise<void> {
    const logger = createLogger('silent', 'test');
    const queues = createQueueBackend({
      ...{ redisUrl, databaseUrl: 'postgres://nowhere', prefix: 'kinds', logger },
      databaseReady: () => Promise.reject(new Error('the database is not needed')),
      databaseProblem: () => Promise.resolve('not needed'),
    });
    const events: EventJob[] = [];
    const wakeUps: WakeUpJob[] = [];
    const consumers: Consumer[] = [
      queues.consume<EventJob>(EVENT_QUEUE, (job) => Promise.resolve(events.push(job.data)), 1),
      queues.consume<WakeUpJob>(WAKE_UP_QUEUE, (job) => Promise.resolve(wakeUps.push(job.data)), 1),
    ];
    try {
      await waitFor('Redis to answer', async () => (await queues.problem()) === null);
      const signals = new Signals(queues, logger);
      await signals.untilOpen();
      signals.eventsAccepted(['first', 'second']);
      signals.wakeUpAt(Date.now() + 300, Date.now());
      await waitFor('both jobs', () => events.length + wakeUps.length === 2);
      expect(events).toEqual([{ batchIds: ['first', 'second'] }]);
      expect(wakeUps[0]!.atMs).toBeLessThanOrEqual(Date.now());
      await waitFor('no job to be left', async () => (await queues.depth(WAKE_UP_QUEUE)) === 0);
      expect(await queues.depth(EVENT_QUEUE)).toBe(0);
    } finally {
      await Promise.all(consumers.map((consumer) => consumer.close()));
      await queues.close();
    }
  }

  it('arrive by password, in the database that the URL names', async () => {
    const port = await choosePort(0, HOST);
    await startServer(port, ['--requirepass', PASSWORD]);
    await exchange(`redis://:${IN_URL}@${HOST}:${port}/5`);
    const redis = new Redis({ host: HOST, port, password: PASSWORD, db: 5 });
    expect(await redis.keys('{kinds}*')).not.toEqual([]);
    expect(await redis.info('keyspace')).not.toContain('db0');
    redis.disconnect();
  });

  it('arrive by Sentinel, also where Sentinel and server want a password', async () => {
    const [port, sentinelPort] = [await choosePort(0, HOST), await choosePort(0, HOST)];
    await startServer(port, ['--requirepass', PASSWORD]);
    const file = join(folder, 'sentinel.conf');
    const settings = [
      ...[`port ${sentinelPort}`, `bind ${HOST}`, `dir ${folder}`, `requirepass ${PASSWORD}`],
      ...[`sentinel monitor main ${HOST} ${port} 1`, `sentinel auth-pass main ${PASSWORD}`],
    ];
    await writeFile(file, settings.join('\n'));
    await start([file, '--sentinel'], '+monitor master main');
    await exchange(`redis+sentinel://:${IN_URL}@${HOST}:${sentinelPort}/main`);
  });

  it('arrive by a Cluster', async () => {
    await exchange(`redis+cluster://${await startCluster()}`);
  });

  describe('with TLS', () => {
    /** {@link exchange} in a process of its own, since Node reads NODE_EXTRA_CA_CERTS at its start only. */
    function exchangeInProcess(redisUrl: string, env: Record<string, string>): TestProcess {
      const running = startProcess(process.execPath, ['-e', EXCHANGE, redisUrl], env);
      servers.push(running);
      return running;
    }

    async function startTls(): Promise<string> {
      const port = await choosePort(0, HOST);
      await startServer(port, ['--requirepass', PASSWORD], true);
      return `rediss://:${IN_URL}@${HOST}:${port}`;
    }

    it('arrive where NODE_EXTRA_CA_CERTS names the authority', async () => {
      const urls = [await startTls(), `redis+cluster+tls://${await startCluster(true)}`];
      for (const url of urls) {
        const running = exchangeInProcess(url, { NODE_EXTRA_CA_CERTS: CERT });
        expect(await running.ended).toBe(0);
        expect(running.output()).toMatch(/^(events wake-ups|wake-ups events)$/m);
      }
    });

    it('do not go to a server with a certificate of nobody we trust, and the log says why', async () => {
      const running = exchangeInProcess(await startTls(), {});
      await waitFor('the log to say so', () => running.output().includes('self-signed certificate'));
      expect(running.output()).not.toMatch(/^(events|wake-ups)/m);
      for (const text of [PASSWORD, IN_URL]) expect(running.output()).not.toContain(text);
      expect(running.hasEnded()).toBe(false);
    });
  });
});

/** Prints the names of the two queues once a job of each was consumed. */
const EXCHANGE = `
  const { createQueueBackend } = require('./dist/libs/queues/src/queue-backend.js');
  const { Signals } = require('./dist/libs/queues/src/signals.js');
  const { createLogger } = require('./dist/libs/observability/src/logger.js');
  const logger = createLogger('info', 'test');
  const queues = createQueueBackend({ redisUrl: process.argv[1], prefix: 'kinds', logger });
  const consumed = [];
  const note = async (job) => {
    consumed.push(job.name);
    if (consumed.length === 2) setImmediate(end);
  };
  const consumers = ['events', 'wake-ups'].map((name) => queues.consume(name, note, 1));
  const signals = new Signals(queues, logger);
  signals.untilOpen().then(() => {
    signals.eventsAccepted(['first']);
    signals.wakeUpAt(Date.now() + 300, Date.now());
  });
  const end = async () => {
    await Promise.all(consumers.map((consumer) => consumer.close()));
    await queues.close();
    console.log(consumed.join(' '));
  };
`;
