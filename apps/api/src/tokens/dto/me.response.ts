import { ApiProperty } from '@nestjs/swagger';
import { LimitsResponse } from '../../tenants/dto/limits';
import { UserResponse } from '../../users/dto/user.response';
import { TokenResponse } from './token.response';

/** Who the calling token is. */
export class MeResponse {
  @ApiProperty({ example: 'tenant_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  tenant_id!: string;

  @ApiProperty({ example: 'Example Inc.' })
  tenant_name!: string;

  @ApiProperty()
  user!: UserResponse;

  @ApiProperty()
  token!: TokenResponse;

  @ApiProperty()
  limits!: LimitsResponse;
}
