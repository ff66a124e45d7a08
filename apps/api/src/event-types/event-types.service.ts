import { isDeepStrictEqual } from 'node:util';
import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { readTenantTypes } from '#accept/published-types.queries';
import type { SchemaValidation } from '#accept/schema-validation';
import { isBuiltIn } from '#accept/tenant-event-types';
import { TenantDatabase } from '#database/tenant-database';
import { MAX_SCHEMA_BYTES, readSchema } from '#event-schemas/read-schema';
import type { CheckData } from '#event-schemas/compile-schema';
import { AppError, conflict, invalidRequest, notFound } from '#kernel/app-error';
import { isValidEventType } from '#webhook-rules/event-matching';
import { givenFields, recordAct, type Act } from '../audit-trail/record-act';
import type { Caller } from '../caller/caller';
import { TokenAuthenticator } from '../authentication/token-authenticator';
import type { CreateEventTypeDto, UpdateEventTypeDto } from './dto/event-type.dto';
import {
  archiveEventType,
  bumpEventTypesVersion,
  countEventTypes,
  findEventType,
  insertVersion,
  writeEventType,
  writeExample,
  writeValidation,
  type EventTypeRow,
} from './event-types.queries';

/** Types that can be published at a time, of one tenant's own. */
const MAX_TYPES = 500;
/** With the archived ones, which stay for the history's sake. */
const MAX_TYPES_EVER = 5_000;
const MAX_VERSIONS = 100;
/** Names that the service keeps for events of its own. */
const RESERVED_PREFIXES = ['webhook.', 'delivery.', 'test.'];

type JsonObject = Record<string, unknown>;

/** Changes a tenant's own event types. Changes are effective here at once, on other instances within a second. */
@Injectable()
export class EventTypesService {
  constructor(
    @Inject(TenantDatabase) private readonly database: TenantDatabase,
    @Inject(TokenAuthenticator) private readonly authenticator: TokenAuthenticator,
  ) {}

  /**
   * Makes a type in version 1; one that was archived comes back in a new version.
   * @throws AppError 400 for a name, schema or example that cannot be, 403 for a token bound to a project, 409 when it
   *   exists or there are too many.
   */
  async create(caller: Caller, wanted: CreateEventTypeDto): Promise<EventTypeRow> {
    const { name } = wanted;
    if (RESERVED_PREFIXES.some((prefix) => name.startsWith(prefix))) {
      throw invalidRequest([{ field: 'name', message: `must not begin with ${RESERVED_PREFIXES.join(', ')}` }]);
    }
    if (isBuiltIn(name)) throw conflict('event_type_exists', `${name} is a built-in event type`);
    const schema = wanted.schema ?? null;
    checkExample(wanted.example ?? null, checkOf(schema));
    return this.change(caller, { action: 'event_type.created', name }, async (manager) => {
      const { tenantId } = caller;
      const before = await findEventType(manager, tenantId, name);
      if (before !== null && before.archived_at === null) {
        throw conflict('event_type_exists', `The event type ${name} exists`);
      }
      await refuseBeyondLimits(manager, tenantId, before === null);
      const version = (before?.version ?? 0) + 1;
      refuseVersionsBeyondLimit(version);
      await writeEventType(manager, tenantId, { name, description: wanted.description ?? '', version });
      await insertVersion(manager, tenantId, {
        name,
        version,
        schema: toJson(schema),
        example: toJson(wanted.example),
      });
      return present(manager, tenantId, name);
    });
  }

  /**
   * Changes what is given; another schema makes a new version.
   * @throws AppError 400 for a schema or example that cannot be, 403 for a token bound to a project, 404, 409 when it is
   *   built in or archived or has too many versions.
   */
  async update(caller: Caller, name: string, change: UpdateEventTypeDto): Promise<EventTypeRow> {
    if (isBuiltIn(name)) throw conflict('built_in_event_type', `${name} is built in and cannot be changed`);
    // Compiling takes long: not while the tenant is locked.
    const newCheck = change.schema === undefined ? null : checkOf(change.schema);
    const act = { action: 'event_type.updated', name, fields: givenFields(change) } as const;
    return this.change(caller, act, async (manager) => {
      const { tenantId } = caller;
      const before = await present(manager, tenantId, name);
      const schemaBefore = parsed(before.schema);
      const isNewVersion = change.schema !== undefined && !isDeepStrictEqual(change.schema, schemaBefore);
      const check = newCheck ?? checkOf(schemaBefore);
      let example = change.example === undefined ? parsed(before.example) : change.example;
      if (change.example !== undefined) checkExample(change.example, check);
      // An example that nobody gave anew goes with the schema that it no longer satisfies.
      else if (example !== null && check(example, 'example').length > 0) example = null;
      const version = before.version + (isNewVersion ? 1 : 0);
      refuseVersionsBeyondLimit(version);
      await writeEventType(manager, tenantId, {
        name,
        description: change.description ?? before.description,
        version,
      });
      if (isNewVersion) {
        await insertVersion(manager, tenantId, {
          name,
          version,
          schema: toJson(change.schema),
          example: toJson(example),
        });
      } else {
        await writeExample(manager, tenantId, { name, version, example: toJson(example) });
      }
      return present(manager, tenantId, name);
    });
  }

  /**
   * Takes a type out of use; everything that was published stays.
   * @throws AppError 403 for a token bound to a project, 404, 409 when it is built in or archived.
   */
  async archive(caller: Caller, name: string): Promise<Date> {
    if (isBuiltIn(name)) throw conflict('built_in_event_type', `${name} is built in and cannot be archived`);
    return this.change(caller, { action: 'event_type.archived', name }, async (manager) => {
      await present(manager, caller.tenantId, name);
      return archiveEventType(manager, caller.tenantId, name);
    });
  }

  /** @throws AppError 403 for a token bound to a project. */
  async setValidation(caller: Caller, change: Partial<SchemaValidation>): Promise<SchemaValidation> {
    const act = { action: 'event_type.validation_changed', name: '*', fields: givenFields(change) } as const;
    return this.change(caller, act, async (manager) => {
      const { validation: before } = await readTenantTypes(caller.tenantId, (text, values) =>
        manager.query(text, values),
      );
      const validation = { built_in: change.built_in ?? before.built_in, own: change.own ?? before.own };
      await writeValidation(manager, caller.tenantId, validation);
      return validation;
    });
  }

  private async change<T>(
    caller: Caller,
    { action, name, fields }: { action: Act['action']; name: string; fields?: string[] },
    work: (manager: EntityManager) => Promise<T>,
  ): Promise<T> {
    // They belong to the tenant as a whole, which a token bound to a project does not reach.
    if (caller.projectId !== null) {
      throw new AppError(403, 'project_token', 'A token bound to a project cannot change event types');
    }
    const done = await this.database.run(caller.tenantId, async (manager) => {
      await bumpEventTypesVersion(manager, caller.tenantId);
      const result = await work(manager);
      const act: Act = { action, resource: { type: 'event_type', id: name } };
      await recordAct(manager, caller, fields === undefined ? act : { ...act, details: { fields } });
      return result;
    });
    this.authenticator.forget({ tenantIds: [caller.tenantId] });
    return done;
  }
}

/** @throws AppError 404, 409 when it is archived. */
async function present(manager: EntityManager, tenantId: string, name: string): Promise<EventTypeRow> {
  const row = isValidEventType(name) ? await findEventType(manager, tenantId, name) : null;
  if (row === null) throw notFound('Event type');
  if (row.archived_at !== null) {
    throw conflict('event_type_archived', `The event type ${name} is archived; creating it again brings it back`);
  }
  return row;
}

/** @throws AppError 400 naming the place within the schema. */
function checkOf(schema: JsonObject | null): CheckData {
  if (schema === null) return () => [];
  const read = readSchema(schema);
  if ('problem' in read) throw invalidRequest([read.problem]);
  return read.check;
}

/** @throws AppError 400 naming the place within the example. */
function checkExample(example: JsonObject | null, check: CheckData): void {
  if (example === null) return;
  if (Buffer.byteLength(JSON.stringify(example)) > MAX_SCHEMA_BYTES) {
    throw invalidRequest([{ field: 'example', message: `must have at most ${MAX_SCHEMA_BYTES} bytes` }]);
  }
  const details = check(example, 'example');
  if (details.length > 0) throw invalidRequest(details);
}

/** Runs after the tenant is locked, so that two requests cannot both take the last place. */
async function refuseBeyondLimits(manager: EntityManager, tenantId: string, isNew: boolean): Promise<void> {
  const { present: usable, all } = await countEventTypes(manager, tenantId);
  if (usable < MAX_TYPES && (!isNew || all < MAX_TYPES_EVER)) return;
  throw conflict(
    'event_type_limit_reached',
    `There are as many event types as there may be: ${MAX_TYPES}, and ${MAX_TYPES_EVER} with the archived ones`,
  );
}

function refuseVersionsBeyondLimit(version: number): void {
  if (version <= MAX_VERSIONS) return;
  throw conflict('version_limit_reached', `An event type may have ${MAX_VERSIONS} versions`);
}

function toJson(value: JsonObject | null | undefined): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}

function parsed(json: string | null): JsonObject | null {
  return json === null ? null : (JSON.parse(json) as JsonObject);
}
