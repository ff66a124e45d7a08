import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../apps/local/src/embedded-postgres';

let dataDir: string;
let messages: string[];
let servers: EmbeddedPostgres[];

beforeEach(async () => {
  // Like every folder that mkdtemp makes as root, one that only root can enter.
  dataDir = await mkdtemp(join(tmpdir(), 'webhooks-embedded-'));
  messages = [];
  servers = [];
});

afterEach(async () => {
  await Promise.all(servers.map(async (server) => server.stop()));
  await rm(dataDir, { recursive: true, force: true });
});

async function start(options: { port?: number; durable?: boolean } = {}): Promise<EmbeddedPostgres> {
  const log = (message: string) => messages.push(message);
  const server = await startEmbeddedPostgres({ dataDir, log, durable: false, ...options });
  servers.push(server);
  return server;
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return rows;
  } finally {
    await client.end();
  }
}

describe('the embedded PostgreSQL', () => {
  it('keeps its data over a restart', async () => {
    const first = await start();
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    const second = await start();
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  it('is there for this machine only, with a password that only its user can read', async () => {
    const { url } = await start();
    expect(await query(url, "SELECT current_setting('listen_addresses') AS addresses")).toEqual([
      { addresses: '127.0.0.1' },
    ]);
    const wrong = new URL(url);
    wrong.password = 'wrong';
    await expect(query(wrong.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
    expect((await stat(join(dataDir, 'postgres-password'))).mode & 0o777).toBe(0o600);
  });

  it('sets a new password when the password file is gone', async () => {
    await (await start()).stop();
    await rm(join(dataDir, 'postgres-password'));
    const { url } = await start();
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('takes another port when the preferred one is taken', async () => {
    const occupant = createServer();
    await new Promise<void>((resolve) => {
      occupant.listen(0, '127.0.0.1', resolve);
    });
    const { port } = occupant.address() as AddressInfo;
    try {
      const server = await start({ port });
      expect(server.port).not.toBe(port);
      expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    } finally {
      occupant.close();
    }
  });

  it('has every committed row after a kill -9, although its old process id belongs to another program now', async () => {
    const first = await start({ durable: true });
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    process.kill(first.pid, 'SIGKILL');
    await first.ended;
    const lockFile = join(dataDir, 'postgres', 'postmaster.pid');
    const lock = await readFile(lockFile, 'utf8');
    await writeFile(lockFile, lock.replace(String(first.pid), String(process.pid)));
    const second = await start({ durable: true });
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  it('takes the place of a server that a killed start left running', async () => {
    const orphan = await start();
    const server = await start({ port: orphan.port });
    await orphan.ended;
    expect(messages).toEqual(['Stopping the PostgreSQL that an earlier start left running']);
    expect(await query(server.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('begins anew after a first start that was cut off', async () => {
    await mkdir(join(dataDir, 'temporary-1'));
    await writeFile(join(dataDir, 'temporary-1', 'PG_VERSION'), '18\n');
    const { url } = await start();
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await readdir(dataDir)).not.toContain('temporary-1');
  });

  it('moves a folder aside that holds no complete database', async () => {
    await mkdir(join(dataDir, 'postgres'));
    await writeFile(join(dataDir, 'postgres', 'PG_VERSION'), '18\n');
    const { url } = await start();
    expect(await query(url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect((await readdir(dataDir)).filter((name) => name.startsWith('postgres.broken-'))).toHaveLength(1);
  });

  it('refuses data of another major version and says what to do', async () => {
    await mkdir(join(dataDir, 'postgres', 'global'), { recursive: true });
    await writeFile(join(dataDir, 'postgres', 'PG_VERSION'), '15\n');
    await writeFile(join(dataDir, 'postgres', 'global', 'pg_control'), '');
    await expect(start()).rejects.toThrow(/was made by PostgreSQL 15.*pg_dump.*DATABASE_URL/);
  });
});

const isRootOnLinux = process.platform === 'linux' && process.geteuid?.() === 0;

(isRootOnLinux ? describe : describe.skip)('the embedded PostgreSQL, started by root without user namespaces', () => {
  let pathBefore: string | undefined;
  let programs: string;

  beforeEach(async () => {
    pathBefore = process.env['PATH'];
    // A PATH on which util-linux is missing.
    programs = await mkdtemp(join(tmpdir(), 'webhooks-programs-'));
    await chmod(programs, 0o755);
    for (const name of ['cat', 'id', 'sh']) await symlink(`/bin/${name}`, join(programs, name));
    process.env['PATH'] = programs;
  });

  afterEach(async () => {
    process.env['PATH'] = pathBefore;
    await rm(programs, { recursive: true });
  });

  it('runs as nobody in a folder that only root can enter, and hands the data back to root', async () => {
    const asNobody = await start();
    await query(asNobody.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    expect((await stat(join(dataDir, 'postgres'))).uid).toBe(65_534);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    await asNobody.stop();
    process.env['PATH'] = pathBefore;
    const again = await start();
    expect(await query(again.url, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });
});
