import { explain, type ExplainedEvent, type ExplainedWebhook } from './explanation';

const EVENT: ExplainedEvent = {
  type: 'build.failed',
  version: '1',
  projectId: 'p1',
  isCancelled: false,
  isScheduled: false,
  isForwarded: false,
};
const WEBHOOK: ExplainedWebhook = {
  events: ['build.*'],
  eventVersions: {},
  projectId: null,
  active: true,
  disabledReason: null,
  isYounger: false,
  isChangedSince: false,
};

describe('explain', () => {
  it.each<[string, Partial<ExplainedEvent>, Partial<ExplainedWebhook>]>([
    ['not_addressed', { isForwarded: true }, {}],
    ['not_subscribed', {}, { events: ['deployment.*'] }],
    ['not_subscribed', { type: 'webhook.failing' }, { events: ['*'] }],
    ['other_project', {}, { projectId: 'p2' }],
    ['other_version', {}, { eventVersions: { 'build.failed': '2' } }],
    ['cancelled', { isCancelled: true }, {}],
    ['scheduled', { isScheduled: true }, {}],
    ['inactive', {}, { active: false }],
    ['created_later', {}, { isYounger: true }],
    ['changed_later', {}, { isChangedSince: true }],
    ['waiting', {}, {}],
  ])('says %s where no delivery was made', (outcome, event, webhook) => {
    expect(explain({ ...EVENT, ...event }, { ...WEBHOOK, ...webhook }, null).outcome).toBe(outcome);
  });

  it.each([
    ['delivered', 'delivered', 'at attempt 2'],
    ['exhausted', 'exhausted', 'after 2 attempts; the last: HTTP 500: Oops'],
    ['throttled', 'throttled', 'until a probe succeeds'],
    ['retrying', 'waiting', 'The last: HTTP 500: Oops'],
    ['queued', 'waiting', 'its turn'],
    ['held', 'held', 'holds its deliveries'],
    ['blocked', 'blocked', 'an earlier event with the same ordering key'],
  ])('goes by the delivery in state %s where there is one, whatever the webhook is now', (state, outcome, reason) => {
    const answer = explain(EVENT, { ...WEBHOOK, active: false }, { state, attempts: 2, error: 'HTTP 500: Oops' });
    expect(answer).toEqual({ outcome, reason: expect.stringContaining(reason) as string });
  });

  it('repeats why a webhook was disabled', () => {
    const webhook = { ...WEBHOOK, active: false, disabledReason: 'The receiver answered 410 Gone' };
    expect(explain(EVENT, webhook, null)).toEqual({ outcome: 'inactive', reason: 'The receiver answered 410 Gone' });
  });
});
