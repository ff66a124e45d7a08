import { ApiProperty } from '@nestjs/swagger';
import { formatId } from '#kernel/ids';
import { formatInstant, formatInstantOrNull } from '#kernel/instants';
import { Pagination } from '../../http/page';
import { UserResponse } from '../../users/dto/user.response';
import type { TenantDeletionRow, TenantRow } from '../tenants.queries';
import { LimitsResponse } from './limits';
import { TENANT_STATUSES } from './tenant.dto';

export class TenantResponse {
  @ApiProperty({ example: 'tenant_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  tenant_id!: string;

  @ApiProperty({ example: 'Example Inc.' })
  name!: string;

  @ApiProperty({ enum: TENANT_STATUSES })
  status!: 'active' | 'suspended';

  @ApiProperty()
  limits!: LimitsResponse;

  @ApiProperty({
    type: [String],
    description: 'Special address ranges that its deliveries may reach, beside those of the installation',
    example: [],
  })
  allowed_cidrs!: string[];

  @ApiProperty({ example: '2024-01-01T12:00:00.000Z' })
  created_at!: string;

  static from(tenant: TenantRow): TenantResponse {
    return {
      tenant_id: formatId('tenant', tenant.id),
      name: tenant.name,
      status: tenant.status,
      limits: LimitsResponse.from(tenant.limits),
      allowed_cidrs: tenant.allowed_cidrs,
      created_at: tenant.created_at.toISOString(),
    };
  }
}

export class FirstTokenResponse {
  @ApiProperty({ example: 'tok_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  token_id!: string;

  @ApiProperty({
    description: 'The token itself; shown this once and stored nowhere',
    example: 'trae_mZ3kq0d7PxC1bq8V5tF2aYJ9rLw4uHs6eNgToXiRKvA',
  })
  token!: string;

  @ApiProperty({ type: [String], example: ['*'] })
  scopes!: string[];
}

export class CreatedTenantResponse extends TenantResponse {
  @ApiProperty()
  user!: UserResponse;

  @ApiProperty()
  token!: FirstTokenResponse;
}

export class TenantListResponse {
  @ApiProperty({ type: [TenantResponse] })
  tenants!: TenantResponse[];

  @ApiProperty({ example: 1 })
  total!: number;

  @ApiProperty()
  pagination!: Pagination;
}

export class TenantDeletedResponse {
  @ApiProperty({ example: 'Tenant deleted successfully' })
  message!: string;

  @ApiProperty({ example: 'tenant_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  tenant_id!: string;

  @ApiProperty({ example: '2024-01-01T12:00:00.000Z' })
  deleted_at!: string;
}

const DELETION_STATUSES = ['waiting', 'running', 'done'] as const;

export class TenantDeletionResponse {
  @ApiProperty({ example: 'tenant_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  tenant_id!: string;

  @ApiProperty({ enum: DELETION_STATUSES, description: 'Rows begin to go two to four minutes after the request' })
  status!: (typeof DELETION_STATUSES)[number];

  @ApiProperty({ example: 'deliveries', description: 'The table that rows go from' })
  step!: string;

  @ApiProperty({ example: 120_000 })
  rows_deleted!: number;

  @ApiProperty({ example: '2024-01-01T12:00:00Z' })
  requested_at!: string;

  @ApiProperty({ type: String, nullable: true, example: '2024-01-01T12:02:00Z' })
  started_at!: string | null;

  @ApiProperty({ type: String, nullable: true, example: null })
  finished_at!: string | null;

  static from(row: TenantDeletionRow): TenantDeletionResponse {
    return {
      tenant_id: formatId('tenant', row.id),
      status: row.finished_at !== null ? 'done' : row.started_at !== null ? 'running' : 'waiting',
      step: row.step,
      rows_deleted: Number(row.rows_deleted),
      requested_at: formatInstant(row.requested_at.getTime()),
      started_at: formatInstantOrNull(row.started_at),
      finished_at: formatInstantOrNull(row.finished_at),
    };
  }
}
