/** What is sent, and whom it has to reach. */
export interface Target {
  /** Beside content type and length: the token, or a signature. */
  headers: Readonly<Record<string, string>>;
  /** The request's body: one event, or a batch. */
  body: string;
  /** Paths at the receiver, each of which gets the event exactly once and answers 200. */
  paths: string[];
  /** How often it is chosen, beside the others. */
  weight: number;
}

/** How events come. */
export type LoadShape =
  /** At a constant rate, whether or not the service keeps up: latency counts from the intended instant. */
  | { kind: 'open'; perSecond: number; seconds: number }
  /** As fast as the service delivers: a new one once fewer than `window` have not been received. */
  | { kind: 'closed'; window: number; seconds: number }
  /** So many, as fast as they are accepted. */
  | { kind: 'burst'; requests: number };

export interface LoadSpec {
  /** Of the API, on loopback. */
  port: number;
  path: string;
  connections: number;
  targets: Target[];
  shape: LoadShape;
  /** Where the receiver tells how many deliveries it has answered 200; null where nothing is awaited but the 202. */
  feedbackPort: number | null;
  seed: number;
}

/** What came of a load; instants by `machineMs`, one entry for each request. */
export interface LoadResult {
  intendedAt: Float64Array;
  answeredAt: Float64Array;
  target: Uint32Array;
  status: Uint16Array;
  /** Ids of the accepted events or inbound requests, one list for each request. */
  eventIds: string[][];
  /** The first answer that was neither 202 nor 200. */
  firstRefusal: string | null;
  brokenConnections: number;
}

/** What a receiver has answered since it was asked last; one entry for each request. */
export interface ReceivedResult {
  /** The path and the event's id. */
  keys: string[];
  at: Float64Array;
  status: Uint16Array;
  forged: number;
}

export type ReceiverQuestion = { ask: 'count' } | { ask: 'take' };
export type ReceiverAnswer =
  | { kind: 'listening'; port: number; feedbackPort: number }
  | { kind: 'count'; succeeded: number }
  | ({ kind: 'taken' } & ReceivedResult);
