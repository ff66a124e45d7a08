import { ApiProperty } from '@nestjs/swagger';
import { BUILT_IN_VERSION } from '#accept/tenant-event-types';
import { BUILT_IN_DATA } from '#event-schemas/built-in-data';
import { formatInstant, formatInstantOrNull } from '#kernel/instants';
import type { BuiltInEventType } from '#webhook-rules/event-types';
import { Pagination } from '../../http/page';
import { RawJson } from '../../http/raw-json';
import type { EventTypeRow } from '../event-types.queries';
import { EXAMPLE_DATA, EXAMPLE_SCHEMA } from './event-type-examples';

export class EventTypeResponse {
  @ApiProperty({ example: 'invoice.paid' })
  name!: string;

  @ApiProperty({ example: 'An invoice was paid in full.' })
  description!: string;

  @ApiProperty({ example: '1', description: 'The version that the schema and the example belong to' })
  version!: string;

  @ApiProperty({ type: [String], example: ['1'], description: 'All versions; the last is the newest' })
  versions!: string[];

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    description: 'JSON Schema (draft 2020-12) of `data`; null where any data is accepted',
    example: EXAMPLE_SCHEMA,
  })
  schema!: object | null;

  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true, example: EXAMPLE_DATA })
  example!: object | null;

  @ApiProperty({ example: false, description: 'Whether every tenant has it' })
  built_in!: boolean;

  @ApiProperty({ type: String, nullable: true, example: '2024-01-01T12:00:00Z', description: 'null if it is built in' })
  created_at!: string | null;

  @ApiProperty({ type: String, nullable: true, example: '2024-01-01T12:00:00Z', description: 'null if it is built in' })
  updated_at!: string | null;

  @ApiProperty({
    type: String,
    nullable: true,
    example: null,
    description: 'Since when it cannot be published any more; null while it can',
  })
  archived_at!: string | null;

  /** @param version the row's schema and example are of; by default the newest. */
  static from(row: EventTypeRow, version = row.version): EventTypeResponse {
    return {
      name: row.name,
      description: row.description,
      version: String(version),
      versions: Array.from({ length: row.version }, (_, index) => String(index + 1)),
      schema: stored(row.schema),
      example: stored(row.example),
      built_in: false,
      created_at: formatInstant(row.created_at.getTime()),
      updated_at: formatInstant(row.updated_at.getTime()),
      archived_at: formatInstantOrNull(row.archived_at),
    };
  }

  static fromBuiltIn({ name, description }: BuiltInEventType): EventTypeResponse {
    const data = BUILT_IN_DATA.get(name);
    return {
      name,
      description,
      version: BUILT_IN_VERSION,
      versions: [BUILT_IN_VERSION],
      schema: data?.schema ?? null,
      example: data?.example ?? null,
      built_in: true,
      created_at: null,
      updated_at: null,
      archived_at: null,
    };
  }
}

export class EventTypeListResponse {
  @ApiProperty({ type: [EventTypeResponse], description: "The built-in ones first, then the tenant's own by name" })
  event_types!: EventTypeResponse[];

  @ApiProperty({ example: 20 })
  total!: number;

  @ApiProperty()
  pagination!: Pagination;
}

export class EventTypeArchivedResponse {
  @ApiProperty({ example: 'Event type archived successfully' })
  message!: string;

  @ApiProperty({ example: 'invoice.paid' })
  name!: string;

  @ApiProperty({ example: '2024-01-01T12:00:00Z' })
  archived_at!: string;
}

function stored(json: string | null): RawJson | null {
  return json === null ? null : new RawJson(Buffer.from(json));
}
