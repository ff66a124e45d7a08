import { ApiProperty } from '@nestjs/swagger';
import { AUDIT_ACTIONS, AUDIT_RESOURCES, type AuditAction, type AuditResource } from '#database/audit-log.queries';
import { formatId, uuidTimeMs } from '#kernel/ids';
import type { AuditRow } from '../audit.queries';

const ACTORS = ['token', 'operator', 'system'] as const;

class AuditActorResponse {
  @ApiProperty({ enum: ACTORS, example: 'token', description: '`system`: the service by itself' })
  type!: (typeof ACTORS)[number];

  @ApiProperty({ type: String, nullable: true, example: 'tok_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  token_id!: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'user_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  user_id!: string | null;
}

class AuditResourceResponse {
  @ApiProperty({ enum: AUDIT_RESOURCES, example: 'webhook' })
  type!: AuditResource;

  @ApiProperty({ example: 'webhook_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  id!: string;
}

export class AuditEntryResponse {
  @ApiProperty({ example: 'audit_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  audit_id!: string;

  @ApiProperty({ enum: AUDIT_ACTIONS, example: 'webhook.updated' })
  action!: AuditAction;

  @ApiProperty()
  actor!: AuditActorResponse;

  @ApiProperty()
  resource!: AuditResourceResponse;

  @ApiProperty({ type: String, nullable: true, example: 'proj_123', description: 'The project of the resource' })
  project_id!: string | null;

  @ApiProperty({ type: String, nullable: true, example: '203.0.113.9', description: 'Where the request came from' })
  client_ip!: string | null;

  @ApiProperty({ type: String, nullable: true, example: 'req_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  request_id!: string | null;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: { fields: ['url', 'headers'] },
    description: 'What changed, by the names of the fields; why. Never a secret',
  })
  details!: object;

  @ApiProperty({ example: '2024-01-01T12:00:00.000Z' })
  created_at!: string;

  static from(row: AuditRow): AuditEntryResponse {
    return {
      audit_id: formatId('audit', row.id),
      action: row.action,
      actor: {
        type: row.actor,
        token_id: row.token_id === null ? null : formatId('tok', row.token_id),
        user_id: row.user_id === null ? null : formatId('user', row.user_id),
      },
      resource: { type: row.resource_type, id: row.resource_id },
      project_id: row.project_id,
      client_ip: row.client_ip,
      request_id: row.request_id,
      details: row.details,
      created_at: new Date(uuidTimeMs(row.id)).toISOString(),
    };
  }
}

class AuditPagination {
  @ApiProperty({ example: 20 })
  limit!: number;

  @ApiProperty({ example: false })
  has_more!: boolean;

  @ApiProperty({ type: String, nullable: true, example: null })
  next_cursor!: string | null;
}

export class AuditListResponse {
  @ApiProperty({ type: [AuditEntryResponse] })
  entries!: AuditEntryResponse[];

  @ApiProperty()
  pagination!: AuditPagination;

  /** @param rows one more than `limit` where there are more. */
  static from(rows: AuditRow[], limit: number): AuditListResponse {
    const entries = rows.slice(0, limit).map((row) => AuditEntryResponse.from(row));
    const has_more = rows.length > limit;
    return {
      entries,
      pagination: { limit, has_more, next_cursor: has_more ? (entries.at(-1)?.audit_id ?? null) : null },
    };
  }
}
