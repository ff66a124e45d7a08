import { Body, Controller, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { ApiConflictResponse, ApiForbiddenResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { formatId } from '#kernel/ids';
import { CurrentCaller, type Caller } from '../caller/caller';
import { ErrorResponse } from '../http/error-response';
import { DEFAULT_OVERLAP_SECONDS } from '../http/overlap-field';
import { RequireScopes } from '../caller/require-scopes';
import { RotateSigningKeyDto, SigningKeyListResponse, SigningKeyResponse } from './dto/signing-key.dto';
import type { SigningKeyRow } from './signing-keys.queries';
import { SigningKeysService } from './signing-keys.service';

@ApiTags('Webhooks')
@Controller('api/signing-keys')
export class SigningKeysController {
  constructor(
    @Inject(SigningKeysService) private readonly signingKeys: SigningKeysService,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {}

  @Get()
  @RequireScopes('webhooks:read')
  @ApiOperation({
    operationId: 'listSigningKeys',
    summary: 'List the public keys that verify `v1a` signatures',
    description: 'The first is made when a webhook first wants `v1a`.',
  })
  @ApiOkResponse({ type: SigningKeyListResponse })
  async list(@CurrentCaller() { tenantId }: Caller): Promise<SigningKeyListResponse> {
    return this.response(tenantId, await this.signingKeys.list(tenantId));
  }

  @Post('rotate')
  @HttpCode(200)
  @RequireScopes('webhooks:write')
  @ApiOperation({
    operationId: 'rotateSigningKey',
    summary: 'Make a new signing key, beside which the earlier ones sign for a while',
  })
  @ApiOkResponse({ type: SigningKeyListResponse })
  @ApiForbiddenResponse({ description: 'The token is bound to a project, or lacks the scope', type: ErrorResponse })
  @ApiConflictResponse({ description: 'Three earlier keys still sign', type: ErrorResponse })
  async rotate(@CurrentCaller() caller: Caller, @Body() body: RotateSigningKeyDto): Promise<SigningKeyListResponse> {
    const keys = await this.signingKeys.rotate(caller, body.overlap_seconds ?? DEFAULT_OVERLAP_SECONDS);
    return this.response(caller.tenantId, keys);
  }

  private response(tenantId: string, rows: SigningKeyRow[]): SigningKeyListResponse {
    return {
      keys: rows.map((row) => SigningKeyResponse.from(row)),
      jwks_url: `${this.environment.publicUrl}/api/tenants/${formatId('tenant', tenantId)}/jwks.json`,
    };
  }
}
