import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseHookFile } from '#inbound-rules/commands/parse-hook-file';
import { formatId } from '#kernel/ids';
import { startService, type TestService } from '../support/apps-in-process';
import { POSTGRES_BACKEND } from '../support/backends';
import { insertEndpoint, readRun, type RecordedRun, type RequestValues } from '../support/insert-inbound';
import { waitFor } from '../support/wait-for';

/** Tells what it was given, as JSON. */
const REPORT = `#!/usr/bin/env node
const { readFileSync } = require('node:fs');
const files = Object.entries(process.env).filter(([name]) => name.startsWith('FILE_') || name.startsWith('HOOK_FILE'));
console.log(JSON.stringify({
  args: process.argv.slice(2), cwd: process.cwd(), env: process.env,
  files: Object.fromEntries(files.map(([name, path]) => [name, readFileSync(path, 'base64')])),
}));
`;

interface Report {
  args: string[];
  cwd: string;
  env: Record<string, string>;
  files: Record<string, string>;
}

describe('commands', () => {
  let service: TestService;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'commands-'));
    await script('report.js', REPORT);
    service = await startService(POSTGRES_BACKEND, {
      env: { INBOUND_COMMANDS: 'on', INBOUND_COMMANDS_AT_ONCE: '2', STOP_DEADLINE_MS: '2000' },
    });
  });

  afterAll(async () => {
    await service.stop();
    await rm(folder, { recursive: true });
  });

  async function script(name: string, text: string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, text);
    await chmod(path, 0o755);
    return path;
  }

  async function execute(settings: object, request: RequestValues = {}, body: object = {}): Promise<RecordedRun> {
    const { accept } = await insertEndpoint(
      service.pool,
      service.tenant.tenantId,
      [{ type: 'execute', settings: { working_directory: folder, ...settings } }],
      body,
    );
    const { runIds } = await accept(request);
    const read = () => readRun(service.pool, runIds[0]!);
    await waitFor('the command to end', async () => (await read()).finished_at !== null);
    return read();
  }

  const outputOf = (run: RecordedRun): string => (run.result as { output: string }).output;
  const reportOf = (run: RecordedRun): Report => JSON.parse(outputOf(run)) as Report;

  it('runs what a hook file says, with arguments, environment and files of the request', async () => {
    const parsed = parseHookFile(
      JSON.stringify([
        {
          id: 'deploy',
          'execute-command': './report.js',
          'command-working-directory': folder,
          'pass-arguments-to-command': [
            { source: 'payload', name: 'head_commit.id' },
            { source: 'payload', name: 'no.such' },
            { source: 'header', name: 'X-GitHub-Event' },
            { source: 'url', name: 'ref' },
            { source: 'string', name: '$(touch pwned); `id` "quoted"' },
            { source: 'payload', name: 'commits.1.author' },
          ],
          'pass-environment-to-command': [
            { source: 'payload', name: 'pusher' },
            { source: 'payload', name: 'head_commit.id', envname: 'COMMIT' },
          ],
          'pass-file-to-command': [
            { source: 'payload', name: 'binary', envname: 'FILE_BINARY', base64decode: true },
            { source: 'raw-request-body', envname: 'FILE_BODY' },
          ],
        },
      ]),
    );
    if (!('hooks' in parsed)) throw new Error(JSON.stringify(parsed.problems));
    const body = {
      head_commit: { id: 'abc123' },
      pusher: 'Jeff; rm -rf /',
      commits: [{}, { author: 'Åse' }],
      binary: 'AP8=',
    };
    const run = await execute(parsed.hooks[0]!.command, {
      body,
      headers: { 'x-github-event': 'push' },
      query: 'ref=main',
    });
    expect(run).toMatchObject({ status: 'succeeded', result: { exit_code: 0, missing: ['payload no.such'] } });
    const report = reportOf(run);
    expect(report.args).toEqual(['abc123', '', 'push', 'main', '$(touch pwned); `id` "quoted"', 'Åse']);
    expect(report.cwd).toBe(folder);
    expect(report.env).toMatchObject({ HOOK_pusher: 'Jeff; rm -rf /', COMMIT: 'abc123' });
    expect(report.files).toEqual({
      FILE_BINARY: Buffer.from([0, 255]).toString('base64'),
      FILE_BODY: Buffer.from(JSON.stringify(body)).toString('base64'),
    });
    // Its files are gone, and nothing else came about.
    expect(await readdir(folder)).toEqual(['report.js']);
  });

  it('gives a command nothing of the service, and the run by its id', async () => {
    const run = await execute({ command: './report.js' });
    const { env } = reportOf(run);
    expect(env).toMatchObject({ WEBHOOK_RUN_ID: formatId('run', run.id), WEBHOOK_ATTEMPT: '1' });
    expect(env['WEBHOOK_REQUEST_ID']).toMatch(/^req_/);
    const allowed = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'];
    const others = Object.keys(env).filter((name) => !allowed.includes(name) && !name.startsWith('WEBHOOK_'));
    expect(others).toEqual([]);
  });

  it('records how a command failed and what it wrote, and runs it once', async () => {
    await script('fail.sh', '#!/bin/sh\necho out; echo err >&2; exit 3\n');
    expect(await execute({ command: 'fail.sh' })).toMatchObject({
      status: 'failed',
      attempts: 1,
      error: 'the command ended with exit code 3',
      result: { exit_code: 3, timed_out: false, output: 'out\nerr\n' },
    });
  });

  it('ends a command and its children at the deadline', async () => {
    const pids = join(folder, 'pids');
    await script(
      'hang.sh',
      `#!/bin/sh\ntrap '' TERM\nsleep 300 & echo $! > ${pids}\necho $$ >> ${pids}\necho begun\nwait; sleep 300\n`,
    );
    const run = await execute({ command: 'hang.sh', timeout: 1 });
    expect(run).toMatchObject({
      status: 'failed',
      error: 'the command was ended after its 1 seconds',
      result: { timed_out: true, output: 'begun\n' },
    });
    for (const pid of (await readFile(pids, 'utf8')).trim().split('\n')) {
      await waitFor(`process ${pid} to be gone`, () => hasEnded(Number(pid)));
    }
    await rm(pids);
  });

  it('does not wait for what a command leaves in the background', async () => {
    await script('background.sh', '#!/bin/sh\nsleep 20 &\necho started\n');
    const run = await execute({ command: 'background.sh', timeout: 15 });
    expect(run).toMatchObject({ status: 'succeeded', result: { output: 'started\n' } });
    expect((run.result as { duration_ms: number }).duration_ms).toBeLessThan(10_000);
  });

  it('keeps only so much of the output', async () => {
    await script('chatter.sh', '#!/bin/sh\nhead -c 3000000 /dev/zero | tr "\\0" x\n');
    const run = await execute({ command: 'chatter.sh', max_output_bytes: 1_000 });
    expect(run).toMatchObject({ status: 'succeeded', result: { truncated: true } });
    expect(outputOf(run)).toBe('x'.repeat(1_000));
  });

  it('runs so many at once and the others after them', async () => {
    const log = join(folder, 'log');
    await script('slow.sh', `#!/bin/sh\necho + >> ${log}; sleep 0.4; echo - >> ${log}\n`);
    const runs = await Promise.all(Array.from({ length: 6 }, () => execute({ command: 'slow.sh' })));
    expect(runs.map(({ status }) => status)).toEqual(Array<string>(6).fill('succeeded'));
    let running = 0;
    const counts = (await readFile(log, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => (running += line === '+' ? 1 : -1));
    expect(Math.max(...counts)).toBe(2);
    await rm(log);
  });

  it.each([
    [{ command: 'no-such-program' }, /command: no-such-program is not a program/],
    [{ command: 'echo hello' }, /arguments belong into `arguments`/],
    [{ command: '/etc/passwd' }, /is not a program/],
    [{ command: './report.js', working_directory: '/no/such/folder' }, /working_directory: .* is not a directory/],
    [
      { command: './report.js', environment: [{ source: 'payload', name: 'x', envname: 'LD_PRELOAD' }] },
      /LD_PRELOAD cannot be set from a request/,
    ],
  ])('refuses %j for good', async (settings, error) => {
    const run = await execute(settings, { body: { x: 'y' } });
    expect(run).toMatchObject({ status: 'failed', attempts: 1 });
    expect(run.error).toMatch(error);
  });

  it('says what to do about values too large for arguments', async () => {
    const settings = { command: './report.js', arguments: [{ source: 'payload', name: 'x' }] };
    const run = await execute(settings, { body: { x: 'y'.repeat(300_000) } });
    expect(run.error).toMatch(/E2BIG.*files/);
  });

  it('reads JSON in texts for a command as the rules do', async () => {
    const body = { json_parameters: [{ source: 'payload', name: 'payload' }] };
    const settings = { command: './report.js', arguments: [{ source: 'payload', name: 'payload.build.id' }] };
    const run = await execute(settings, { body: { payload: '{"build":{"id":7}}' } }, body);
    expect(reportOf(run).args).toEqual(['7']);
  });
});

function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}
