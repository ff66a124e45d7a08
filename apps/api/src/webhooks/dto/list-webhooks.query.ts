import { PageQuery } from '../../http/page';
import { QueryBoolean, QueryOneOf, QueryText } from '../../http/query-fields';

export const WEBHOOK_SORTS = ['created_at', 'updated_at', 'name'] as const;
export const ORDERS = ['asc', 'desc'] as const;

export class ListWebhooksQuery extends PageQuery {
  @QueryText(255, 'Only the webhooks of this project')
  project_id?: string;

  @QueryBoolean('Only the active or only the inactive ones')
  active?: boolean;

  @QueryOneOf(WEBHOOK_SORTS, 'What to sort by', 'created_at')
  sort: (typeof WEBHOOK_SORTS)[number] = 'created_at';

  @QueryOneOf(ORDERS, 'Which way to sort', 'desc')
  order: (typeof ORDERS)[number] = 'desc';
}
