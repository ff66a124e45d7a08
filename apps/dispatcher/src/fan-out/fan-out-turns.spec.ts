import { setImmediate as nextTurn } from 'node:timers/promises';
import { FanOutTurns } from './fan-out-turns';

describe('FanOutTurns', () => {
  let log: string[];
  let turns: FanOutTurns;

  beforeEach(() => {
    log = [];
    turns = new FanOutTurns();
  });

  function add(tenantId: string, name: string, steps: number): void {
    let left = steps;
    turns.add({
      tenantId,
      step: async () => {
        await nextTurn();
        log.push(name);
        left -= 1;
        return left > 0;
      },
    });
  }

  it('gives tenants turns, and within a tenant finishes first what came first', async () => {
    add('a', 'a1', 3);
    add('a', 'a2', 2);
    add('b', 'b1', 2);
    await turns.untilIdle();
    expect(log).toEqual(['a1', 'b1', 'a1', 'b1', 'a1', 'a2', 'a2']);
  });

  it('lets a tenant that comes later in after one step', async () => {
    add('a', 'a1', 5);
    while (log.length < 2) await nextTurn();
    add('b', 'b1', 1);
    await turns.untilIdle();
    expect(log.indexOf('b1')).toBeLessThanOrEqual(4);
    expect(turns.length).toBe(0);
  });

  it('goes on after having been idle', async () => {
    add('a', 'a1', 1);
    await turns.untilIdle();
    add('a', 'a2', 1);
    await turns.untilIdle();
    expect(log).toEqual(['a1', 'a2']);
  });
});
