import { ApiProperty } from '@nestjs/swagger';
import { formatId } from '#kernel/ids';
import { Pagination } from '../../http/page';
import { UserResponse } from '../../users/dto/user.response';
import type { TenantRow } from '../tenants.queries';
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
