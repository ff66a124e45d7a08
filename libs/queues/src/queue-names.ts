/** One job a batch of accepted events: the ids of its `event_batches` rows. */
export const EVENT_QUEUE = 'events';
/** One delayed job for each moment at which waiting deliveries fall due. */
export const WAKE_UP_QUEUE = 'wake-ups';

/** One job a commit of inbound requests whose actions are to be run. */
export const INBOUND_QUEUE = 'inbound';

export interface EventJob {
  batchIds: string[];
}

export interface WakeUpJob {
  /** Unix ms. */
  atMs: number;
}

export interface InboundJob {
  /** Whose runs wait; which ones they are, `waiting_inbound_actions` says. */
  endpoints: InboundEndpoint[];
}

export interface InboundEndpoint {
  tenantId: string;
  endpointId: string;
}
