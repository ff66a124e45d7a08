import { ApiProperty } from '@nestjs/swagger';
import { formatId, uuidTimeMs } from '#kernel/ids';
import { formatInstant } from '#kernel/instants';
import type { Redelivery } from '../redelivery.service';

export class RedeliveryResponse {
  @ApiProperty({ example: 'del_01k9zq7m3f5h8j0n2p4s6v8x0z' })
  delivery_id!: string;

  @ApiProperty({ example: 'del_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  original_delivery_id!: string;

  @ApiProperty({ example: 'build.failed' })
  event_type!: string;

  @ApiProperty({ enum: ['pending'], example: 'pending' })
  status!: 'pending';

  @ApiProperty({ example: '2024-01-01T12:00:00Z' })
  scheduled_at!: string;

  @ApiProperty({ example: 'https://api.example.com/webhooks/trae' })
  webhook_url!: string;

  static from({ id, original, webhookUrl }: Redelivery): RedeliveryResponse {
    return {
      delivery_id: formatId('del', id),
      original_delivery_id: formatId('del', original.id),
      event_type: original.event_type,
      status: 'pending',
      scheduled_at: formatInstant(uuidTimeMs(id)),
      webhook_url: webhookUrl,
    };
  }
}
