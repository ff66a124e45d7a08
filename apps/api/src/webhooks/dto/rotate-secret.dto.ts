import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { MayBeAbsent } from '../../http/body-fields';
import { OverlapSeconds } from '../../http/overlap-field';
import { IsWebhookSecret } from '../webhook-fields';

export class RotateSecretDto {
  @ApiPropertyOptional({
    description: 'The new secret; one is generated when none is given',
    example: 'your-next-webhook-secret-key',
  })
  @MayBeAbsent()
  @IsWebhookSecret()
  secret?: string;

  @OverlapSeconds()
  overlap_seconds?: number;
}

/** A replaced secret that still signs; which one it is says its end alone. */
export class PreviousSecretResponse {
  @ApiProperty({ example: '2024-01-02T12:00:00Z' })
  expires_at!: string;
}

export class RotatedSecretResponse {
  @ApiProperty({ example: 'webhook_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  webhook_id!: string;

  @ApiProperty({ example: 'your-next-webhook-secret-key' })
  secret!: string;

  @ApiProperty({
    type: [PreviousSecretResponse],
    description: 'The earlier secrets that sign beside it, the latest first',
  })
  previous_secrets!: PreviousSecretResponse[];

  @ApiProperty({ example: '2024-01-01T12:00:00Z' })
  updated_at!: string;
}
