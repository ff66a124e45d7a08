import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import {
  ApiConflictResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { formatId } from '#kernel/ids';
import { formatInstant } from '#kernel/instants';
import { CurrentCaller, type Caller } from '../caller/caller';
import { ErrorResponse } from '../http/error-response';
import { IdParam } from '../http/id-param';
import { DEFAULT_OVERLAP_SECONDS } from '../http/overlap-field';
import { RequireScopes } from '../caller/require-scopes';
import { RotatedSecretResponse, RotateSecretDto } from './dto/rotate-secret.dto';
import { SecretRotationService } from './secret-rotation.service';

@ApiTags('Webhooks')
@Controller('api/webhooks/:webhook_id/secret')
export class SecretRotationController {
  constructor(@Inject(SecretRotationService) private readonly rotation: SecretRotationService) {}

  @Post('rotate')
  @HttpCode(200)
  @RequireScopes('webhooks:write')
  @ApiOperation({
    operationId: 'rotateSecret',
    summary: 'Replace the secret of a webhook',
    description:
      'For a while both sign: `webhook-signature` holds a signature by each, and `X-Trae-Signature-256` is by the oldest until it expires.',
  })
  @ApiParam({ name: 'webhook_id', type: String })
  @ApiOkResponse({ type: RotatedSecretResponse })
  @ApiNotFoundResponse({ description: 'No such webhook', type: ErrorResponse })
  @ApiConflictResponse({ description: 'Three earlier secrets still sign', type: ErrorResponse })
  async rotate(
    @CurrentCaller() caller: Caller,
    @IdParam('webhook_id', 'webhook', 'Webhook') id: string,
    @Body() body: RotateSecretDto,
  ): Promise<RotatedSecretResponse> {
    const overlapSeconds = body.overlap_seconds ?? DEFAULT_OVERLAP_SECONDS;
    const { secret, previous, updatedAt } = await this.rotation.rotate(caller, id, body.secret ?? null, overlapSeconds);
    return {
      webhook_id: formatId('webhook', id),
      secret,
      previous_secrets: previous.map((row) => ({ expires_at: formatInstant(row.expires_at.getTime()) })),
      updated_at: formatInstant(updatedAt.getTime()),
    };
  }
}
