import type { Pool } from 'pg';
import { DueWebhooks } from './due-webhooks';

describe('DueWebhooks', () => {
  let whole: number;
  let newlyDue: number;

  /** @param wholeLookMs how long a look at all that wait takes */
  function due(wholeLookMs: number): DueWebhooks {
    whole = 0;
    newlyDue = 0;
    const query = ({ name }: { name: string }): Promise<{ rows: unknown[] }> => {
      if (name === 'find-newly-due-webhooks') {
        newlyDue += 1;
        return Promise.resolve({ rows: [{ at: new Date(), webhook_id: `new-${newlyDue}`, tenant_id: 'tenant' }] });
      }
      whole += 1;
      jest.advanceTimersByTime(wholeLookMs);
      return Promise.resolve({ rows: [] });
    };
    return new DueWebhooks({ query } as unknown as Pool);
  }

  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('looks at all that wait again and again while that costs nothing', async () => {
    const looks = due(0);
    for (let count = 0; count < 5; count += 1) await looks.find();
    expect([whole, newlyDue]).toEqual([5, 0]);
  });

  it('spends a twentieth of the time on it when many wait, and looks for what falls due in between', async () => {
    const looks = due(100);
    await looks.find();
    for (let second = 0; second < 10; second += 1) {
      expect((await looks.find()).webhooks).toEqual([{ webhookId: `new-${newlyDue}`, tenantId: 'tenant' }]);
      jest.advanceTimersByTime(190);
    }
    expect([whole, newlyDue]).toEqual([1, 10]);
    jest.advanceTimersByTime(200);
    await looks.find();
    expect(whole).toBe(2);
  });

  it('puts it off for five seconds at most', async () => {
    const looks = due(2_000);
    await looks.find();
    jest.advanceTimersByTime(5_000);
    await looks.find();
    expect(whole).toBe(2);
  });
});
