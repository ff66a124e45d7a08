import type { WebhookEntity } from '#database/entities/webhook.entity';
import type { SecretBox } from '#database/secret-box';
import { sealContext } from '#database/seal-contexts';
import type { OpenedSecrets } from './dto/webhook.response';

/** The columns that hold custom headers, sealed. */
export function sealHeaders(
  box: SecretBox,
  webhookId: string,
  headers: Record<string, string>,
): Pick<WebhookEntity, 'sealedHeaders' | 'headerNames'> {
  const headerNames = Object.keys(headers);
  const sealedHeaders =
    headerNames.length === 0 ? null : box.seal(JSON.stringify(headers), sealContext.webhookHeaders(webhookId));
  return { sealedHeaders, headerNames };
}

/** The column that holds the secret, sealed. */
export function sealSecret(box: SecretBox, webhookId: string, secret: string): Buffer {
  return box.seal(secret, sealContext.webhookSecret(webhookId));
}

/** @throws Error when they were sealed with a key that is not configured. */
export function openSecrets(box: SecretBox, webhook: WebhookEntity): OpenedSecrets {
  return {
    secret: box.unseal(webhook.sealedSecret, sealContext.webhookSecret(webhook.id)),
    headers:
      webhook.sealedHeaders === null
        ? {}
        : (JSON.parse(box.unseal(webhook.sealedHeaders, sealContext.webhookHeaders(webhook.id))) as Record<
            string,
            string
          >),
  };
}
