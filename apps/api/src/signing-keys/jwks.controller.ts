import { Controller, Get, Header, Inject } from '@nestjs/common';
import { ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { Public } from '#observability/public-route';
import { ErrorResponse } from '../http/error-response';
import { IdParam } from '../http/id-param';
import { JwksResponse } from './dto/signing-key.dto';
import { SigningKeysService } from './signing-keys.service';

/** Public keys are public: receivers ask without a token, through whatever caches stand between. */
@ApiTags('Webhooks')
@Public()
@Controller('api/tenants/:tenant_id')
export class JwksController {
  constructor(@Inject(SigningKeysService) private readonly signingKeys: SigningKeysService) {}

  @Get('jwks.json')
  @Header('cache-control', 'public, max-age=300')
  @ApiOperation({
    operationId: 'getJwks',
    summary: "The tenant's public signing keys, as a JWK set",
    description: 'Needs no token, and may be cached for five minutes.',
  })
  @ApiParam({ name: 'tenant_id', type: String })
  @ApiOkResponse({ type: JwksResponse })
  @ApiNotFoundResponse({ description: 'No such tenant', type: ErrorResponse })
  async get(@IdParam('tenant_id', 'tenant', 'Tenant') tenantId: string): Promise<JwksResponse> {
    return JwksResponse.from(await this.signingKeys.publicKeys(tenantId));
  }
}
