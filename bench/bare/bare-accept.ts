import Fastify from 'fastify';
import { GroupCommit } from '#kernel/group-commit';
import { newUuid } from '#kernel/ids';
import { EVENT_QUEUE } from '#queues/queue-names';
import { beginBareProcess } from './bare-process';
import { insertEvents, type BareEvent } from './bare.queries';

// The first half of the yardstick: takes an event, commits it together with others, and adds one job for all of them.

const GROUP = { maxItems: 500, maxBytes: 4 * 1024 * 1024, maxConcurrent: 2, maxWaiting: 100_000 };

async function main(): Promise<void> {
  const { pool, queues, port } = beginBareProcess('bare-accept');
  const queue = await queues.openQueue(EVENT_QUEUE);
  if (queue === null) throw new Error('closed before it was open');
  const commits = new GroupCommit<BareEvent, null>(
    async (events) => {
      await insertEvents(pool, events);
      const ids = events.map(({ id }) => id);
      void queue.add(EVENT_QUEUE, { ids }, { jobId: `batch-${ids[0] ?? ''}` });
      return events.map(() => null);
    },
    () => true,
    { ...GROUP, bytesOf: (event) => event.data.length },
  );

  const app = Fastify({ logger: false, keepAliveTimeout: 72_000 });
  app.get('/readyz', () => ({ status: 'ok' }));
  app.post('/api/events', async (request, reply) => {
    const { event, data } = request.body as { event: string; data: object };
    const id = newUuid(Date.now());
    await commits.add({ id, isWanted: event !== 'nobody.wants', data: Buffer.from(JSON.stringify(data)) });
    return reply.code(202).send({ event_id: id, event, status: 'accepted' });
  });
  await app.listen({ port, host: '127.0.0.1' });
}

void main();
