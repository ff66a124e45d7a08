import type { BlockList } from 'node:net';
import type { ReceivedWebhook, WebhookAnswer } from '../webhook-types';

/** What the mounts know of the manager. */
export interface Mounted {
  /** The path that webhooks are under. */
  readonly path: string;
  /** The path of the base URL, which a proxy may have left in front. */
  readonly basePath: string;
  readonly maxBodyBytes: number;
  readonly trusted: BlockList;
  receive(name: string, request: ReceivedWebhook): Promise<WebhookAnswer>;
  warn(details: object, message: string): void;
}
