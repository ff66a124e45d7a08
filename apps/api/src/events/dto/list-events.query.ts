import { MAX_LIMIT, DEFAULT_LIMIT } from '../../http/page';
import { QueryEventType, QueryInstant, QueryInteger, QueryText } from '../../http/query-fields';

export class ListEventsQuery {
  @QueryInteger(1, MAX_LIMIT, 'How many to answer at most', DEFAULT_LIMIT)
  limit: number = DEFAULT_LIMIT;

  @QueryText(255, 'Where to go on: `next_cursor` of the page before')
  cursor?: string;

  @QueryEventType('Only events of exactly this type')
  event_type?: string;

  @QueryText(255, 'Only events of this project')
  project_id?: string;

  @QueryInstant('Accepted at this instant or later')
  start_date?: Date;

  @QueryInstant('Accepted before this instant; a date alone includes that day', true)
  end_date?: Date;
}
