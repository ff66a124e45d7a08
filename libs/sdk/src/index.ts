/**
 * What publishers and receivers import; it needs Node.js and nothing else. Services inside the platform that publish
 * without HTTP import `direct-event-publisher` beside it, which brings PostgreSQL and BullMQ.
 */
export { EventPublisher, type BatchEvent, type EventPublisherOptions, type RejectedEvent } from './event-publisher';
export { PublishError } from './publish-error';
export type { EventToPublish, PublishedEvent, Publisher } from './publisher';
export {
  SignatureError,
  verifyDelivery,
  type Delivery,
  type ReceivedHeaders,
  type SignatureProblem,
  type VerifyDeliveryOptions,
} from './verify-delivery';
