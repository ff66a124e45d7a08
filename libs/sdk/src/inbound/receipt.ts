import type { InboundRequest } from '#inbound-rules/inbound-request';
import type { Verdict } from '#inbound-rules/verdict';
import type { Endpoint } from './endpoint-definition';
import type { WebhookAnswer, WebhookStatus } from './webhook-types';

/** A request to an endpoint. */
export interface Received {
  readonly endpoint: Endpoint;
  readonly request: InboundRequest;
  /** Whether the application made it to try the endpoint out. */
  readonly isTest: boolean;
}

/** What became of it. */
export interface Receipt {
  /** UUID. */
  readonly id: string;
  readonly status: WebhookStatus;
  readonly verdict: Verdict;
  readonly answer: WebhookAnswer;
}
