import { createSocket, type Socket } from 'node:dgram';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHostResolver } from './host-resolver';

const TYPE_A = 1;
const NXDOMAIN = 3;

/** A DNS server with one A record, `found.test`; it never answers for `hanging*`, and knows no other name. */
async function startNameServer(): Promise<{ address: string; socket: Socket }> {
  const socket = createSocket('udp4');
  socket.on('message', (query, peer) => {
    const labels = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const name = labels.join('.');
    if (name.startsWith('hanging')) return;
    const question = query.subarray(12, at + 5);
    const hasAnswer = name === 'found.test' && query.readUInt16BE(at + 1) === TYPE_A;
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8180 | (name === 'found.test' ? 0 : NXDOMAIN), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(hasAnswer ? 1 : 0, 6);
    const answer = Buffer.from([0xc0, 12, 0, TYPE_A, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
    socket.send(Buffer.concat(hasAnswer ? [header, question, answer] : [header, question]), peer.port, peer.address);
  });
  await new Promise<void>((resolve) => {
    socket.bind(0, '127.0.0.1', resolve);
  });
  return { address: `127.0.0.1:${socket.address().port}`, socket };
}

describe('resolving a host', () => {
  let server: Awaited<ReturnType<typeof startNameServer>>;
  let folder: string;
  let hostsFile: string;

  beforeAll(async () => {
    server = await startNameServer();
    folder = await mkdtemp(join(tmpdir(), 'hosts-'));
    hostsFile = join(folder, 'hosts');
    await writeFile(
      hostsFile,
      '# comment 10.0.0.1 commented.test\n10.9.8.7\tpinned.test  Alias.test # note\nfd00::7 pinned.test\nnonsense pinned.test\n',
    );
  });

  afterAll(async () => {
    server.socket.close();
    await rm(folder, { recursive: true });
  });

  const make = (timeoutMs = 200) => createHostResolver({ hostsFile, servers: [server.address], timeoutMs });

  it('asks DNS', async () => {
    expect(await make()('found.test')).toEqual(['192.0.2.7']);
  });

  it('prefers what the hosts file says', async () => {
    const resolve = make();
    expect(await resolve('pinned.test')).toEqual(['10.9.8.7', 'fd00::7']);
    expect(await resolve('PINNED.test.')).toEqual(['10.9.8.7', 'fd00::7']);
    expect(await resolve('alias.test')).toEqual(['10.9.8.7']);
    await expect(resolve('commented.test')).rejects.toThrow();
  });

  it('does without a hosts file', async () => {
    const resolve = createHostResolver({ hostsFile: join(folder, 'none'), servers: [server.address] });
    expect(await resolve('found.test')).toEqual(['192.0.2.7']);
  });

  it('fails for a name that nobody knows', async () => {
    await expect(make()('unknown.invalid')).rejects.toMatchObject({ code: expect.stringMatching(/^E/) as string });
  });

  it('is not held up by names whose servers do not answer', async () => {
    const resolve = make(300);
    const hanging = Array.from({ length: 50 }, async (_, index) => resolve(`hanging${index}.test`));
    const settled = Promise.allSettled(hanging);
    const startedAtMs = performance.now();
    expect(await resolve('found.test')).toEqual(['192.0.2.7']);
    expect(performance.now() - startedAtMs).toBeLessThan(250);
    expect((await settled).map(({ status }) => status)).toEqual(hanging.map(() => 'rejected'));
  });
});
