import { ApiProperty } from '@nestjs/swagger';
import { formatId } from '#kernel/ids';
import { formatInstant } from '#kernel/instants';
import type { SkippedDelivery } from '../blocked-line.service';

export class SkippedDeliveryResponse {
  @ApiProperty({ example: 'del_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  delivery_id!: string;

  @ApiProperty({ enum: ['failed'], example: 'failed', description: 'It stays given up' })
  status!: 'failed';

  @ApiProperty({ example: '2024-01-01T12:00:00Z' })
  skipped_at!: string;

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'del_01k9zq7m3f5h8j0n2p4s6v8x0z',
    description: 'The next of its ordering key, which goes now; null where none was waiting',
  })
  next_delivery_id!: string | null;

  static from({ id, skippedAtMs, nextId }: SkippedDelivery): SkippedDeliveryResponse {
    return {
      delivery_id: formatId('del', id),
      status: 'failed',
      skipped_at: formatInstant(skippedAtMs),
      next_delivery_id: nextId === null ? null : formatId('del', nextId),
    };
  }
}
