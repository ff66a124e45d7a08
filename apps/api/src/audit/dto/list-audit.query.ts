import { AUDIT_ACTIONS, type AuditAction } from '#database/audit-log.queries';
import { invalidRequest } from '#kernel/app-error';
import { firstUuidAt, parseId } from '#kernel/ids';
import { DEFAULT_LIMIT, MAX_LIMIT } from '../../http/page';
import { QueryInstant, QueryInteger, QueryOneOf, QueryText } from '../../http/query-fields';
import type { AuditFilter } from '../audit.queries';

/** After every id that can be made. */
const LAST_UUID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

export class ListAuditQuery {
  @QueryInteger(1, MAX_LIMIT, 'How many to answer at most', DEFAULT_LIMIT)
  limit: number = DEFAULT_LIMIT;

  @QueryText(64, '`pagination.next_cursor` of the page before, with the same filters')
  cursor?: string;

  @QueryOneOf(AUDIT_ACTIONS, 'Only these acts')
  action?: AuditAction;

  @QueryText(64, "Only what this one did: a token's id, a user's id, `operator` or `system`")
  actor?: string;

  @QueryText(255, 'Only what was done to this: an id, or the name of an event type')
  resource?: string;

  @QueryInstant('Only what was done at or after this instant')
  from?: Date;

  @QueryInstant('Only what was done before this instant; a date alone includes its day', true)
  to?: Date;
}

/** @throws AppError 400 for an actor or a cursor that is none, and for a range that ends before it begins. */
export function toAuditFilter(query: ListAuditQuery, projectId: string | null): AuditFilter {
  const { from, to } = query;
  if (from !== undefined && to !== undefined && from > to) {
    throw invalidRequest([{ field: 'to', message: 'must not be before from' }]);
  }
  const ends = [to === undefined ? LAST_UUID : firstUuidAt(to.getTime()), readCursor(query.cursor)];
  return {
    projectId,
    action: query.action ?? null,
    ...readActor(query.actor),
    resourceId: query.resource ?? null,
    from: firstUuidAt(from?.getTime() ?? 0),
    until: ends.sort()[0] ?? LAST_UUID,
  };
}

function readCursor(cursor: string | undefined): string {
  if (cursor === undefined) return LAST_UUID;
  const id = parseId('audit', cursor);
  if (id === null) throw invalidRequest([{ field: 'cursor', message: 'must be a next_cursor of this list' }]);
  return id;
}

function readActor(actor: string | undefined): Pick<AuditFilter, 'actor' | 'tokenId' | 'userId'> {
  const anybody = { actor: null, tokenId: null, userId: null };
  if (actor === undefined) return anybody;
  if (actor === 'operator' || actor === 'system') return { ...anybody, actor };
  const [tokenId, userId] = [parseId('tok', actor), parseId('user', actor)];
  if (tokenId !== null) return { ...anybody, tokenId };
  if (userId !== null) return { ...anybody, userId };
  throw invalidRequest([{ field: 'actor', message: 'must be the id of a token or a user, operator or system' }]);
}
