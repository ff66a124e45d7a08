import { ApiProperty } from '@nestjs/swagger';
import type { InboundActionEntity } from '#database/entities/inbound-action.entity';
import { formatId } from '#kernel/ids';
import { formatInstant } from '#kernel/instants';
import { RetryPolicyResponse } from '../../webhooks/dto/retry-policy.dto';
import { ACTION_TYPES } from '#inbound-rules/read-action-settings';

const INSTANT = '2024-01-01T12:00:00Z';

/** How the hidden webhook of a forward is doing. */
export interface ForwardState {
  active: boolean;
  disabledReason: string | null;
}

export class ActionResponse {
  @ApiProperty({ example: 'act_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  action_id!: string;

  @ApiProperty({ enum: ACTION_TYPES, example: 'log' })
  type!: (typeof ACTION_TYPES)[number];

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description: 'Secret ones (secret, headers) are not shown',
    example: { table: 'signal_history' },
  })
  settings!: Record<string, unknown>;

  @ApiProperty({ type: String, nullable: true, example: 'payload.confidence > 0.8' })
  condition!: string | null;

  @ApiProperty({
    type: RetryPolicyResponse,
    nullable: true,
    example: null,
    description: 'Null: the default of the type',
  })
  retry_policy!: RetryPolicyResponse | null;

  @ApiProperty({ example: 0 })
  position!: number;

  @ApiProperty({
    type: String,
    nullable: true,
    example: null,
    description: 'Why a forward to a URL is switched off, as webhooks are that fail for long; a change switches it on',
  })
  disabled_reason!: string | null;

  @ApiProperty({ example: INSTANT })
  created_at!: string;

  @ApiProperty({ example: INSTANT })
  updated_at!: string;

  static from(action: InboundActionEntity, forward?: ForwardState): ActionResponse {
    return {
      action_id: formatId('act', action.id),
      type: action.type,
      settings: action.settings,
      condition: action.condition,
      retry_policy: action.retryPolicy,
      position: action.position,
      disabled_reason: forward === undefined || forward.active ? null : (forward.disabledReason ?? 'inactive'),
      created_at: formatInstant(action.createdAt.getTime()),
      updated_at: formatInstant(action.updatedAt.getTime()),
    };
  }
}

export class AddedActionResponse extends ActionResponse {
  @ApiProperty({
    type: String,
    nullable: true,
    example: null,
    description: 'Of a forward to a URL: what its deliveries are signed with, shown this once',
  })
  secret!: string | null;
}

export class ActionListResponse {
  @ApiProperty({ type: [ActionResponse] })
  actions!: ActionResponse[];
}

export class RemovedActionResponse {
  @ApiProperty({ example: 'act_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  action_id!: string;

  @ApiProperty({ example: true })
  deleted!: true;
}
