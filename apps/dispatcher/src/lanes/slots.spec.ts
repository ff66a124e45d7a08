import { Slots } from './slots';

function slots(options: Partial<ConstructorParameters<typeof Slots>[0]> = {}): Slots {
  return new Slots({ maxInFlight: 4, maxSlow: 100, slowAfterMs: 1_000, ...options });
}

describe('Slots', () => {
  it('leaves a slot to others however much one tenant has to send', () => {
    const taken = slots();
    for (const id of ['a', 'b', 'c']) taken.take('greedy', id, 0);
    expect(taken.hasFreeFor('greedy')).toBe(false);
    expect(taken.hasFreeFor('other')).toBe(true);
    taken.take('other', 'd', 0);
    expect(taken.hasFree()).toBe(false);
    taken.release('a');
    expect(taken.hasFreeFor('greedy')).toBe(true);
  });

  it('takes the slot of a request that hangs and gives it to another', () => {
    const taken = slots();
    for (const id of ['a', 'b', 'c']) taken.take('t', id, 0);
    expect(taken.sweep(999)).toBe(0);
    expect(taken.sweep(1_000)).toBe(3);
    expect(taken.hasFreeFor('t')).toBe(true);
    expect([taken.inFlight, taken.slowCount]).toEqual([3, 3]);
    for (const id of ['a', 'b', 'c']) taken.release(id);
    expect([taken.inFlight, taken.slowCount]).toEqual([0, 0]);
  });

  it('keeps slow ones in their slots once there are too many', () => {
    const taken = slots({ maxSlow: 1 });
    for (const id of ['a', 'b', 'c']) taken.take('t', id, 0);
    expect(taken.sweep(5_000)).toBe(1);
    expect(taken.hasFreeFor('t')).toBe(true);
    taken.take('t', 'd', 5_000);
    expect(taken.hasFreeFor('t')).toBe(false);
  });
});
