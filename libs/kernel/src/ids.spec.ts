import {
  deliveryUuid,
  deliveryUuidRange,
  firstUuidAt,
  formatId,
  isUuid,
  newUuid,
  parseId,
  redeliveryUuid,
  uuidTimeMs,
} from './ids';

const NOW_MS = Date.UTC(2026, 10, 22, 12, 0, 0);

describe('ids', () => {
  it('survive the way to the public form and back', () => {
    for (const uuid of [
      '00000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
      newUuid(NOW_MS),
    ]) {
      const id = formatId('webhook', uuid);
      expect(id).toMatch(/^webhook_[0-9a-z]{26}$/);
      expect(parseId('webhook', id)).toBe(uuid);
    }
  });

  it('grow within one millisecond and when the clock steps back', () => {
    const made = Array.from({ length: 10_000 }, (_, index) => newUuid(NOW_MS - (index % 3)));
    expect([...made].sort()).toEqual(made);
    expect(new Set(made).size).toBe(made.length);
    expect(made.every(isUuid)).toBe(true);
  });

  it('sort as public text in the order in which they were made', () => {
    const made = Array.from({ length: 1_000 }, (_, index) => formatId('event', newUuid(NOW_MS + index * 7)));
    expect([...made].sort()).toEqual(made);
  });

  it('carry their instant', () => {
    const laterMs = NOW_MS + 86_400_000;
    expect(uuidTimeMs(newUuid(laterMs))).toBe(laterMs);
    expect(firstUuidAt(laterMs) <= newUuid(laterMs)).toBe(true);
    expect(firstUuidAt(laterMs + 1_000) > newUuid(laterMs)).toBe(true);
  });

  it.each([
    'webhook_',
    'webhook_zzz',
    'event_01k9',
    'webhook_81k9aaaaaaaaaaaaaaaaaaaaaa',
    'webhook_01k9aaaaaaaaaaaaaaaaaaaaIL',
    '',
  ])('refuses %p as a webhook id', (id) => {
    expect(parseId('webhook', id)).toBeNull();
  });

  it('derives the same delivery for the same event and webhook, and another for another webhook', () => {
    const event = newUuid(NOW_MS);
    const [first, second] = [newUuid(NOW_MS), newUuid(NOW_MS)];
    expect(deliveryUuid(event, first)).toBe(deliveryUuid(event, first));
    expect(deliveryUuid(event, first)).not.toBe(deliveryUuid(event, second));
    expect(isUuid(deliveryUuid(event, first))).toBe(true);
    expect(uuidTimeMs(deliveryUuid(event, first))).toBe(uuidTimeMs(event));
  });

  it('keeps the deliveries of an event within its range and those of the next event out of it', () => {
    const [event, next] = [newUuid(NOW_MS), newUuid(NOW_MS)];
    const range = deliveryUuidRange(event);
    const own = deliveryUuid(event, newUuid(NOW_MS));
    const foreign = deliveryUuid(next, newUuid(NOW_MS));
    expect(own >= range.first && own <= range.last).toBe(true);
    expect(foreign >= range.first && foreign <= range.last).toBe(false);
  });

  it('derives the redelivery a job makes of a delivery behind the id of the job, at its time', () => {
    const [original, other] = [newUuid(NOW_MS), newUuid(NOW_MS)];
    const [job, next] = [newUuid(NOW_MS), newUuid(NOW_MS)];
    const made = redeliveryUuid(job, original);
    expect(made).toBe(redeliveryUuid(job, original));
    expect(new Set([made, redeliveryUuid(job, other), redeliveryUuid(next, original)]).size).toBe(3);
    expect(made > job).toBe(true);
    expect(uuidTimeMs(made)).toBe(uuidTimeMs(job));
  });
});
