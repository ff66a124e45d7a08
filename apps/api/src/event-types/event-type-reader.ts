import { Inject, Injectable } from '@nestjs/common';
import { BUILT_IN_VERSION } from '#accept/tenant-event-types';
import { TenantDatabase } from '#database/tenant-database';
import { notFound } from '#kernel/app-error';
import { isValidEventType, matchesPattern } from '#webhook-rules/event-matching';
import { BUILT_IN_EVENT_TYPES, type BuiltInEventType } from '#webhook-rules/event-types';
import type { ListEventTypesQuery } from './dto/event-types.query';
import { findEventType, listEventTypes, type EventTypeFilter, type EventTypeRow } from './event-types.queries';

const ALL = '*';
/** More digits than any version has, and fewer than the database could not take. */
const VERSION = /^[1-9]\d{0,8}$/;

/** Reads event types, built-in and own. */
@Injectable()
export class EventTypeReader {
  constructor(@Inject(TenantDatabase) private readonly database: TenantDatabase) {}

  /** One page: the built-in types first, in the reference's order, then the own ones by name. */
  async list(
    tenantId: string,
    query: ListEventTypesQuery,
  ): Promise<{ builtIn: BuiltInEventType[]; own: EventTypeRow[]; total: number }> {
    const pattern = query.pattern ?? ALL;
    const isArchived = query.archived === true;
    const builtIn =
      query.built_in === false || isArchived
        ? []
        : BUILT_IN_EVENT_TYPES.filter((type) => matchesPattern(pattern, type.name));
    const builtInPage = builtIn.slice(query.offset, query.offset + query.limit);
    if (query.built_in === true) return { builtIn: builtInPage, own: [], total: builtIn.length };
    const page = { limit: query.limit - builtInPage.length, offset: Math.max(0, query.offset - builtIn.length) };
    const { rows, total } = await this.database.run(tenantId, (manager) =>
      listEventTypes(manager, tenantId, ownFilter(pattern, isArchived), page),
    );
    return { builtIn: builtInPage, own: rows, total: builtIn.length + total };
  }

  /**
   * One type, archived ones included, in the version that is asked for or its newest.
   * @throws AppError 404.
   */
  async get(
    tenantId: string,
    name: string,
    version: string | null,
  ): Promise<{ builtIn: BuiltInEventType } | { own: EventTypeRow; version: number }> {
    const builtIn = BUILT_IN_EVENT_TYPES.find((type) => type.name === name);
    if (builtIn !== undefined && (version ?? BUILT_IN_VERSION) === BUILT_IN_VERSION) return { builtIn };
    if (builtIn !== undefined || (version !== null && !VERSION.test(version)) || !isValidEventType(name)) {
      throw notFound('Event type');
    }
    const wanted = version === null ? null : Number(version);
    const own = await this.database.run(tenantId, (manager) => findEventType(manager, tenantId, name, wanted));
    if (own === null) throw notFound('Event type');
    return { own, version: wanted ?? own.version };
  }
}

function ownFilter(pattern: string, archived: boolean): EventTypeFilter {
  if (pattern === ALL) return { archived, prefix: '', name: null };
  if (pattern.endsWith('.*')) return { archived, prefix: pattern.slice(0, -1), name: null };
  return { archived, prefix: '', name: pattern };
}
