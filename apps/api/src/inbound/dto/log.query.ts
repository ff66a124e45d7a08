import { QueryInstant, QueryInteger, QueryOneOf, QueryText } from '../../http/query-fields';
import type { RequestStatus } from '../receive/received-request';

export const REQUEST_STATUSES = ['accepted', 'ignored', 'challenge', 'duplicate', 'rejected'] as const;
const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

/** Which part of what an endpoint received is wanted, newest first. */
export class RecordsQuery {
  @QueryInteger(1, MAX_LIMIT, 'How many to answer at most', DEFAULT_LIMIT)
  limit: number = DEFAULT_LIMIT;

  @QueryInstant('Only from this instant on')
  since?: Date;

  @QueryInstant('Only before this instant; a date alone includes that day', true)
  until?: Date;

  @QueryText(64, 'The `next` of the page before')
  after?: string;
}

export class LogQuery extends RecordsQuery {
  @QueryOneOf(REQUEST_STATUSES, 'Only these; rejected ones are kept in debug mode only')
  status?: RequestStatus;
}
