import type { DeliveryWork } from './delivery-work';
import { WorkQueue } from './work-queue';

function work(id: string, priority: number): DeliveryWork {
  return {
    id,
    owner: 'o',
    epoch: 1,
    tenantId: 't',
    webhookId: 'w',
    attempts: 0,
    probes: 0,
    batch: null,
    keyHash: null,
    event: {
      id,
      tenantId: 't',
      projectId: null,
      type: 'a.b',
      clientEventId: null,
      occurredAtMs: 0,
      version: '1',
      priority,
      data: Buffer.alloc(0),
    },
  };
}

function taken(queue: WorkQueue): string[] {
  const ids: string[] = [];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) ids.push(next.id);
  return ids;
}

describe('WorkQueue', () => {
  it('is first in, first out among equals', () => {
    const queue = new WorkQueue();
    for (const id of ['a', 'b', 'c']) queue.push(work(id, 0));
    expect(taken(queue)).toEqual(['a', 'b', 'c']);
  });

  it('lets high go first and low wait for at most ten turns', () => {
    const queue = new WorkQueue();
    for (let index = 0; index < 40; index += 1) {
      queue.push(work(`low`, -1));
      queue.push(work(`normal`, 0));
      queue.push(work(`high`, 1));
    }
    const first = taken(queue).slice(0, 20);
    expect(first[0]).toBe('high');
    expect(first.filter((id) => id === 'high')).toHaveLength(12);
    expect(first.filter((id) => id === 'normal')).toHaveLength(6);
    expect(first.filter((id) => id === 'low')).toHaveLength(2);
  });

  it('gives everything out at once', () => {
    const queue = new WorkQueue();
    queue.push(work('a', -1));
    queue.push(work('b', 1));
    expect(queue.length).toBe(2);
    expect(
      queue
        .takeAll()
        .map((item) => item.id)
        .sort(),
    ).toEqual(['a', 'b']);
    expect(queue.length).toBe(0);
  });
});
