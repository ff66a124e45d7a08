import { RunSlots } from './run-slots';

const due = (tenantId: string, ...endpointIds: string[]) => endpointIds.map((endpointId) => ({ tenantId, endpointId }));
const rooms = (places: RunSlots, waiting: { tenantId: string; endpointId: string }[]) =>
  Object.fromEntries(places.share(waiting, () => 0.5).map(({ endpointId, room }) => [endpointId, room]));

describe('RunSlots', () => {
  it('shares places between tenants, not between their endpoints', () => {
    const places = new RunSlots(6, 16);
    expect(rooms(places, [...due('a', 'a1', 'a2', 'a3', 'a4'), ...due('b', 'b1')])).toMatchObject({ b1: 3 });
  });

  it('gives all places to one endpoint when nobody else wants any, up to the limit of an endpoint', () => {
    expect(rooms(new RunSlots(6, 16), due('a', 'a1'))).toEqual({ a1: 6 });
    expect(rooms(new RunSlots(64, 16), due('a', 'a1'))).toEqual({ a1: 16 });
  });

  it('gives none to an endpoint that has all it may, and the first to whoever has least', () => {
    const places = new RunSlots(4, 2);
    places.take({ tenantId: 'a', endpointId: 'a1', runId: '1' }, 0);
    places.take({ tenantId: 'a', endpointId: 'a1', runId: '2' }, 0);
    places.take({ tenantId: 'a', endpointId: 'a2', runId: '3' }, 0);
    expect(rooms(places, [...due('a', 'a1', 'a2'), ...due('b', 'b1')])).toEqual({ b1: 1 });
    places.release({ tenantId: 'a', endpointId: 'a1', runId: '1' });
    places.release({ tenantId: 'a', endpointId: 'a1', runId: '2' });
    expect(rooms(places, due('a', 'a1'))).toEqual({ a1: 2 });
  });

  it('has room again once runs have become slow, but not for their endpoint', () => {
    const places = new RunSlots(2, 2);
    places.take({ tenantId: 'a', endpointId: 'a1', runId: '1' }, 0);
    places.take({ tenantId: 'a', endpointId: 'a1', runId: '2' }, 0);
    expect(places.free).toBe(0);
    expect(places.sweep(1_000)).toBe(true);
    expect(rooms(places, [...due('a', 'a1'), ...due('b', 'b1')])).toEqual({ b1: 2 });
    expect(places.inFlight).toBe(2);
  });

  it('never gives more than there is', () => {
    const places = new RunSlots(10, 3);
    const waiting = Array.from({ length: 30 }, (_, number) => ({
      tenantId: `t${number % 7}`,
      endpointId: `e${number}`,
    }));
    const given = places.share(waiting, Math.random);
    expect(given.reduce((sum, { room }) => sum + room, 0)).toBe(10);
    expect(new Set(given.map(({ tenantId }) => tenantId)).size).toBe(7);
  });
});
