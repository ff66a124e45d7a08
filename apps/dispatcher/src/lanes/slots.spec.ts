import { Slots } from './slots';

function slots(options: Partial<ConstructorParameters<typeof Slots>[0]> = {}): Slots {
  return new Slots({ maxInFlight: 4, maxSlow: 100, slowAfterMs: 1_000, ...options });
}

describe('Slots', () => {
  it('leaves a place to others however much one tenant has to send', () => {
    const places = slots();
    for (const id of ['a', 'b', 'c']) places.take('greedy', id, 0);
    expect(places.hasFreeFor('greedy')).toBe(false);
    expect(places.hasFreeFor('other')).toBe(true);
    places.take('other', 'd', 0);
    expect(places.hasFree()).toBe(false);
    places.release('a');
    expect(places.hasFreeFor('greedy')).toBe(true);
  });

  it('takes the place of a request that hangs and gives it to another', () => {
    const places = slots();
    for (const id of ['a', 'b', 'c']) places.take('t', id, 0);
    expect(places.sweep(999)).toBe(0);
    expect(places.sweep(1_000)).toBe(3);
    expect(places.hasFreeFor('t')).toBe(true);
    expect([places.inFlight, places.slowCount]).toEqual([3, 3]);
    for (const id of ['a', 'b', 'c']) places.release(id);
    expect([places.inFlight, places.slowCount]).toEqual([0, 0]);
  });

  it('keeps slow ones in their places once there are too many', () => {
    const places = slots({ maxSlow: 1 });
    for (const id of ['a', 'b', 'c']) places.take('t', id, 0);
    expect(places.sweep(5_000)).toBe(1);
    expect(places.hasFreeFor('t')).toBe(true);
    places.take('t', 'd', 5_000);
    expect(places.hasFreeFor('t')).toBe(false);
  });
});
