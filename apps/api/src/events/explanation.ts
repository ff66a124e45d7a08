import { matchesPattern } from '#webhook-rules/event-matching';
import { takesVersion } from '#webhook-rules/pinned-versions';

/** What an explanation needs of an event. */
export interface ExplainedEvent {
  type: string;
  version: string;
  projectId: string | null;
  isCancelled: boolean;
  isScheduled: boolean;
  /** Whether an inbound endpoint forwarded it to a URL, and to nobody else. */
  isForwarded: boolean;
}

/** What an explanation needs of a webhook, as it stands now. */
export interface ExplainedWebhook {
  events: string[];
  eventVersions: Record<string, string>;
  projectId: string | null;
  active: boolean;
  disabledReason: string | null;
  /** Whether it was made, or last changed, after the event. */
  isYounger: boolean;
  isChangedSince: boolean;
}

/** Its delivery of the event, if there is one. */
export interface ExplainedDelivery {
  state: string;
  attempts: number;
  error: string | null;
  /** The one that it stands behind, where it is blocked. */
  behind?: { publicId: string; isGivenUp: boolean } | undefined;
}

/** Whether and why a webhook did or did not get an event. */
export interface Explanation {
  outcome: string;
  reason: string;
}

const OF_STATE: Record<string, (delivery: ExplainedDelivery) => Explanation> = {
  delivered: ({ attempts }) => ({ outcome: 'delivered', reason: `Delivered at attempt ${attempts}` }),
  exhausted: ({ attempts, error }) => ({
    outcome: 'exhausted',
    reason: `Given up after ${attempts} attempts${error === null ? '' : `; the last: ${error}`}`,
  }),
  cancelled: ({ error }) => ({ outcome: 'cancelled', reason: error ?? 'The webhook was made inactive or deleted' }),
  queued: () => ({ outcome: 'waiting', reason: 'Waits for its turn' }),
  blocked: ({ behind }) => ({
    outcome: 'blocked',
    reason:
      behind === undefined
        ? 'Waits for an earlier event with the same ordering key'
        : behind.isGivenUp
          ? `An earlier event with the same ordering key was given up; redeliver or skip ${behind.publicId}, or set on_exhausted to skip`
          : `Waits for an earlier event with the same ordering key, delivery ${behind.publicId}`,
  }),
  in_flight: () => ({ outcome: 'in_flight', reason: 'An attempt is under way, or about to begin' }),
  retrying: ({ attempts, error }) => ({
    outcome: 'waiting',
    reason: `Waits for the attempt after the ${attempts}.${error === null ? '' : ` The last: ${error}`}`,
  }),
  throttled: () => ({
    outcome: 'throttled',
    reason: 'Nobody answers at the webhook; its deliveries wait until a probe succeeds',
  }),
  held: () => ({ outcome: 'held', reason: 'The webhook is inactive and holds its deliveries' }),
  scheduled: () => ({ outcome: 'scheduled', reason: 'Its time has not come' }),
};

/** Says why, in the order in which the service itself decides. */
export function explain(
  event: ExplainedEvent,
  webhook: ExplainedWebhook,
  delivery: ExplainedDelivery | null,
): Explanation {
  if (delivery !== null)
    return OF_STATE[delivery.state]?.(delivery) ?? { outcome: delivery.state, reason: delivery.state };
  if (event.isForwarded) {
    return { outcome: 'not_addressed', reason: 'An inbound endpoint forwarded the event to one URL only' };
  }
  if (event.isCancelled) return { outcome: 'cancelled', reason: 'The event was cancelled before it went out' };
  if (!webhook.events.some((pattern) => matchesPattern(pattern, event.type))) {
    return { outcome: 'not_subscribed', reason: `The webhook does not subscribe to ${event.type}` };
  }
  if (webhook.projectId !== null && webhook.projectId !== event.projectId) {
    return { outcome: 'other_project', reason: `The webhook only gets events of project ${webhook.projectId}` };
  }
  if (!takesVersion(webhook.eventVersions, event.type, event.version)) {
    return { outcome: 'other_version', reason: `The webhook is pinned to another version than ${event.version}` };
  }
  if (event.isScheduled) return { outcome: 'scheduled', reason: 'The event is scheduled and has not gone out' };
  if (!webhook.active) {
    return { outcome: 'inactive', reason: webhook.disabledReason ?? 'The webhook is inactive' };
  }
  if (webhook.isYounger) return { outcome: 'created_later', reason: 'The webhook was made after the event went out' };
  if (webhook.isChangedSince) {
    return {
      outcome: 'changed_later',
      reason: 'The webhook was changed since; as it stood then it did not get the event',
    };
  }
  return { outcome: 'waiting', reason: 'The event is about to be fanned out' };
}
