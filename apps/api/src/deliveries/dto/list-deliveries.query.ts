import { isUuid } from '#kernel/ids';
import { invalidRequest } from '#kernel/app-error';
import { PageQuery } from '../../http/page';
import { QueryEventType, QueryInstant, QueryInteger, QueryOneOf, QueryText } from '../../http/query-fields';
import { DELIVERY_STATUSES, type DeliveryStatus } from '../../delivery-history/delivery-status';
import type { HistoryFilter } from '../../delivery-history/history-filter';

/** Passing over more rows than this one by one costs too much; a cursor goes straight there. */
const MAX_OFFSET = 10_000;
const CURSOR = /^[A-Za-z0-9_-]{22}$/;

export class ListDeliveriesQuery extends PageQuery {
  @QueryInteger(0, MAX_OFFSET, `How many to pass over; beyond ${MAX_OFFSET}, use cursor`, 0)
  override offset: number = 0;

  @QueryText(64, '`pagination.next_cursor` of the page before, with the same filters')
  cursor?: string;

  @QueryOneOf(DELIVERY_STATUSES, 'Only those of this status')
  status?: DeliveryStatus;

  @QueryEventType('Only those of exactly this event type')
  event_type?: string;

  @QueryInstant('Only those made at or after this instant')
  start_date?: Date;

  @QueryInstant('Only those made before this instant; a date alone includes its day', true)
  end_date?: Date;
}

/** @throws AppError 400 for a range that ends before it begins, and for a cursor that is none. */
export function toHistoryFilter(query: ListDeliveriesQuery): HistoryFilter {
  const { start_date: start, end_date: end } = query;
  if (start !== undefined && end !== undefined && start > end) {
    throw invalidRequest([{ field: 'end_date', message: 'must not be before start_date' }]);
  }
  const beforeId = readCursor(query);
  return {
    ...(beforeId !== undefined && { beforeId }),
    ...(query.status !== undefined && { status: query.status }),
    ...(query.event_type !== undefined && { eventType: query.event_type }),
    ...(start !== undefined && { fromMs: Math.max(0, start.getTime()) }),
    ...(end !== undefined && { untilMs: Math.max(0, end.getTime()) }),
  };
}

/** @throws AppError 400 for a cursor that is none, or an offset beside it. */
function readCursor({ offset, cursor }: ListDeliveriesQuery): string | undefined {
  if (cursor === undefined) return undefined;
  const beforeId = CURSOR.test(cursor) ? asUuid(Buffer.from(cursor, 'base64url').toString('hex')) : '';
  if (!isUuid(beforeId)) throw invalidRequest([{ field: 'cursor', message: 'must be a next_cursor of this list' }]);
  if (offset > 0) throw invalidRequest([{ field: 'offset', message: 'must not be given with a cursor' }]);
  return beforeId;
}

/** The cursor of the page after a delivery. */
export function cursorAfter(id: string): string {
  return Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');
}

function asUuid(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
