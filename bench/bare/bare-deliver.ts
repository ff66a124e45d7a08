import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { Pool as HttpPool } from 'undici';
import { GroupCommit } from '#kernel/group-commit';
import { EVENT_QUEUE } from '#queues/queue-names';
import { beginBareProcess, required } from './bare-process';
import { insertOutcomes, readEvents, type BareOutcome } from './bare.queries';

// The second half: takes the jobs, signs and sends each event, and writes what came of them, many at once.

const JOBS_AT_ONCE = 4;
const CONNECTIONS = 64;
const GROUP = { maxItems: 500, maxBytes: 4 * 1024 * 1024, maxConcurrent: 2, maxWaiting: Number.MAX_SAFE_INTEGER };

function main(): void {
  const { pool, queues, port } = beginBareProcess('bare-deliver');
  const secret = required('BENCH_SECRET');
  const url = new URL(required('BENCH_URL'));
  const http = new HttpPool(url.origin, { connections: CONNECTIONS, keepAliveTimeout: 60_000 });
  const commits = new GroupCommit<BareOutcome, null>(
    async (outcomes) => {
      await insertOutcomes(pool, outcomes);
      return outcomes.map(() => null);
    },
    () => true,
    { ...GROUP, bytesOf: () => 0 },
  );

  const deliver = async ({ id, data }: { id: string; data: Buffer }): Promise<void> => {
    const startedAtMs = Date.now();
    const body = Buffer.concat([Buffer.from(`{"event_id":"${id}","data":`), data, Buffer.from('}')]);
    const signature = createHmac('sha256', secret).update(body).digest('hex');
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'x-trae-signature-256': `sha256=${signature}`,
    };
    const answer = await http.request({ path: url.pathname, method: 'POST', headers, body });
    await answer.body.dump();
    await commits.add({ eventId: id, status: answer.statusCode, startedAtMs, durationMs: Date.now() - startedAtMs });
  };
  queues.consume<{ ids: string[] }>(
    EVENT_QUEUE,
    async (job) => {
      const events = await readEvents(pool, job.data.ids);
      // The next job need not wait for this one's receivers.
      void Promise.all(events.map(deliver));
    },
    JOBS_AT_ONCE,
  );
  createServer((_, response) => response.end('{}')).listen(port, '127.0.0.1');
}

main();
