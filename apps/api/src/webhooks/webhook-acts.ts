import type { WebhookEntity } from '#database/entities/webhook.entity';
import { formatId } from '#kernel/ids';
import { givenFields, type Act } from '../audit-trail/record-act';
import type { UpdateWebhookDto } from './dto/webhook.dto';

/** The part of every act upon a webhook that says which one. */
export function aboutWebhook({ id, projectId }: WebhookEntity): Pick<Act, 'resource' | 'projectId'> {
  return { resource: { type: 'webhook', id: formatId('webhook', id) }, projectId };
}

/** What a change means for the audit trail: the names of the fields, never their values, which may be secret. */
export function actsOf(before: WebhookEntity, change: UpdateWebhookDto): Act[] {
  const about = aboutWebhook(before);
  const { active, ...rest } = change;
  const fields = givenFields(rest);
  const acts: Act[] = fields.length === 0 ? [] : [{ action: 'webhook.updated', ...about, details: { fields } }];
  if (change.secret !== undefined) acts.push({ action: 'webhook.secret_changed', ...about });
  if (active !== undefined && active !== before.active) {
    acts.push({ action: active ? 'webhook.enabled' : 'webhook.disabled', ...about });
  }
  return acts;
}
