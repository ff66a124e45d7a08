import { handledAnswer } from './answers';
import type { Endpoint } from './endpoint-definition';
import type { WebhookAnswer, WebhookHandler, WebhookMetadata } from './webhook-types';

export const HANDLER_TIMEOUT_MS = 30_000;

/** Answers what a handler returns; null, and a warning, when it threw or did not end. */
export async function callHandler(
  handler: WebhookHandler,
  payload: unknown,
  metadata: WebhookMetadata,
  { response }: Endpoint,
  warn: (details: object, message: string) => void,
): Promise<WebhookAnswer | null> {
  let deadline: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_resolve, reject) => {
      deadline = setTimeout(() => {
        reject(new Error(`it did not end within ${HANDLER_TIMEOUT_MS / 1_000} seconds`));
      }, HANDLER_TIMEOUT_MS);
    });
    const returned = await Promise.race([Promise.resolve().then(() => handler(payload, metadata)), late]);
    return handledAnswer(returned, response, metadata.id);
  } catch (error) {
    const details = { webhook: metadata.endpoint, request: metadata.id, error: String(error) };
    warn(details, 'the handler of a webhook has failed');
    return null;
  } finally {
    clearTimeout(deadline);
  }
}
