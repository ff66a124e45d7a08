import type { DeliveryWork } from './delivery-work';
import { Lanes, type LaneSignal } from './lanes';
import { Slots } from './slots';

let made = 0;

function work(tenantId: string, webhookId: string, bytes = 1): DeliveryWork {
  const id = `${webhookId}-${++made}`;
  const event = { id, tenantId, projectId: null, type: 'a.b', clientEventId: null, occurredAtMs: 0, version: '1' };
  return {
    ...{ id, owner: 'o', epoch: 1, tenantId, webhookId, attempts: 0, probes: 0, keyHash: null, batch: null },
    event: { ...event, priority: 0, data: Buffer.alloc(bytes) },
  };
}

function works(count: number, tenantId: string, webhookId: string): DeliveryWork[] {
  return Array.from({ length: count }, () => work(tenantId, webhookId));
}

function setUp(options: { maxInFlight?: number; perWebhook?: number; capacity?: number; maxBytes?: number } = {}) {
  const started: DeliveryWork[] = [];
  const wanted: string[] = [];
  const lanes = new Lanes({
    slots: new Slots({ maxInFlight: options.maxInFlight ?? 100, maxSlow: 100, slowAfterMs: 1_000 }),
    maxInFlightPerWebhook: options.perWebhook ?? 8,
    laneCapacity: options.capacity ?? 20,
    maxBytes: options.maxBytes ?? 1_000,
  });
  lanes.events.on('turn', (begun) => started.push(begun));
  lanes.events.on('wanted', (webhook) => wanted.push(webhook.webhookId));
  const finish = (begun: DeliveryWork, signal: LaneSignal = 'responded'): void => {
    lanes.requestEnded(begun, signal);
    lanes.finished(begun, true);
  };
  const finishAll = (signal: LaneSignal = 'responded'): void => {
    for (const begun of started.splice(0)) finish(begun, signal);
  };
  return { lanes, started, wanted, finish, finishAll };
}

describe('Lanes', () => {
  it('begins few attempts to a webhook nothing is known of, and more with every answer', () => {
    const { lanes, started, finishAll } = setUp();
    lanes.push(works(20, 't', 'w'));
    const rounds: number[] = [];
    while (started.length > 0) {
      rounds.push(started.length);
      finishAll();
    }
    expect(rounds).toEqual([2, 8, 8, 2]);
  });

  it('shrinks to a single probe while nobody answers', () => {
    const { lanes, started, finishAll } = setUp();
    lanes.push(works(12, 't', 'w'));
    finishAll('unreachable');
    expect(started).toHaveLength(1);
    finishAll('unreachable');
    expect(started).toHaveLength(1);
    finishAll('responded');
    expect(started).toHaveLength(2);
  });

  it('takes turns between tenants, and within a tenant between its webhooks', () => {
    const { lanes, started } = setUp();
    lanes.push([...works(4, 'big', 'b1'), ...works(4, 'big', 'b2'), ...works(2, 'small', 's1')]);
    expect(started.map((begun) => begun.webhookId)).toEqual(['b1', 's1', 'b2', 's1', 'b1', 'b2']);
  });

  it('lets a tenant wait that has its share of the places, and goes on with others', () => {
    const { lanes, started, finish } = setUp({ maxInFlight: 4 });
    lanes.push([...works(2, 'big', 'b1'), ...works(2, 'big', 'b2'), ...works(1, 'small', 's1')]);
    expect(started.filter((begun) => begun.tenantId === 'big')).toHaveLength(3);
    expect(started.filter((begun) => begun.tenantId === 'small')).toHaveLength(1);
    const [first] = started.filter((begun) => begun.tenantId === 'big');
    if (first !== undefined) finish(first);
    expect(started.filter((begun) => begun.tenantId === 'big')).toHaveLength(4);
  });

  it('has room for a webhook up to its capacity, and for none beyond the byte budget', () => {
    const { lanes } = setUp({ capacity: 5, maxBytes: 100 });
    expect(lanes.room('w')).toBe(5);
    lanes.push(works(3, 't', 'w'));
    expect(lanes.room('w')).toBe(2);
    lanes.push([work('t', 'other', 200)]);
    expect(lanes.room('w')).toBe(0);
  });

  it('asks for more of a webhook that waits in the database once its lane is half empty', () => {
    const { lanes, wanted, finishAll } = setUp({ capacity: 8 });
    lanes.setBacklogged('t', 'w');
    lanes.push(works(8, 't', 'w'));
    finishAll();
    expect(wanted).toEqual([]);
    finishAll();
    expect(wanted).toContain('w');
  });

  it('holds what it was given until the outcome is recorded', () => {
    const { lanes, started, finishAll } = setUp();
    const [only] = works(1, 't', 'w');
    if (only === undefined) throw new Error('no work');
    lanes.push([only]);
    expect(started).toEqual([only]);
    expect(lanes.holds(only.id)).toBe(true);
    finishAll();
    expect(lanes.holds(only.id)).toBe(false);
    expect(lanes.size()).toEqual({ inFlight: 0, slow: 0, queued: 0, bytes: 0, lanes: 0 });
  });

  it('gives back what has not begun when drained, and is idle once the rest is finished', async () => {
    const { lanes, started, finishAll } = setUp();
    lanes.push(works(5, 't', 'w'));
    lanes.pause();
    expect(lanes.takeAll()).toHaveLength(3);
    expect(started).toHaveLength(2);
    const idle = lanes.untilIdle();
    finishAll();
    await idle;
    expect(lanes.size()).toMatchObject({ inFlight: 0, queued: 0, bytes: 0 });
  });

  it('keeps to a limit of requests at once', () => {
    const { lanes, started, finishAll } = setUp();
    lanes.setLimits('t', 'w', { perSecond: null, inFlight: 1 });
    lanes.push(works(3, 't', 'w'));
    expect(started).toHaveLength(1);
    finishAll();
    expect(started).toHaveLength(1);
  });

  it('sends the next request when one is answered, but no more than so many whose outcome is not committed', () => {
    const { lanes, started } = setUp({ perWebhook: 2 });
    lanes.push(works(20, 't', 'w'));
    for (let next = started.shift(); next !== undefined; next = started.shift()) lanes.requestEnded(next, 'responded');
    expect(lanes.size()).toMatchObject({ inFlight: 8, queued: 12 });
    expect(lanes.room('w')).toBe(0);
  });

  it('sends no more than may be under way while outcomes cannot be recorded', () => {
    const { lanes, started } = setUp({ perWebhook: 2 });
    lanes.setRecording(false);
    lanes.push(works(20, 't', 'w'));
    for (let next = started.shift(); next !== undefined; next = started.shift()) lanes.requestEnded(next, 'responded');
    expect(lanes.size()).toMatchObject({ inFlight: 2, queued: 18 });
  });

  it('keeps the places of answered requests until their outcome is committed', () => {
    const { lanes, started } = setUp({ maxInFlight: 4 });
    lanes.push([...works(4, 'big', 'b1'), ...works(4, 'big', 'b2')]);
    const first = started.splice(0);
    for (const begun of first) lanes.requestEnded(begun, 'responded');
    expect(started).toEqual([]);
    for (const begun of first) lanes.finished(begun, true);
    expect(started).toHaveLength(3);
  });
});
