import { Controller, Get, Inject } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { formatId } from '#kernel/ids';
import { CurrentCaller, type Caller } from '../caller/caller';
import { RequireScopes } from '../caller/require-scopes';
import { LimitsResponse } from '../tenants/dto/limits';
import { UserResponse } from '../users/dto/user.response';
import { MeResponse } from './dto/me.response';
import { TokenResponse } from './dto/token.response';
import { TokensService } from './tokens.service';

@ApiTags('Tokens')
@Controller('api/me')
export class MeController {
  constructor(@Inject(TokensService) private readonly tokens: TokensService) {}

  @Get()
  @RequireScopes()
  @ApiOperation({ operationId: 'getMe', summary: 'Who the calling token is and what it may do' })
  @ApiOkResponse({ type: MeResponse })
  async get(@CurrentCaller() caller: Caller): Promise<MeResponse> {
    const { tenant, user, token } = await this.tokens.me(caller);
    return {
      tenant_id: formatId('tenant', tenant.id),
      tenant_name: tenant.name,
      user: UserResponse.from(user),
      token: TokenResponse.from(token),
      limits: LimitsResponse.from(tenant.limits),
    };
  }
}
