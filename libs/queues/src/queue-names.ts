/** One job a batch of accepted events: the ids of its `pending_fan_outs` rows. */
export const EVENT_QUEUE = 'events';
/** One delayed job for each moment at which waiting deliveries fall due. */
export const WAKE_UP_QUEUE = 'wake-ups';

export interface EventJob {
  fanOutIds: string[];
}

export interface WakeUpJob {
  /** Unix ms. */
  atMs: number;
}
