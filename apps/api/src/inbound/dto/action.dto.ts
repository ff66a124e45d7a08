import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsInt, Max, Min } from 'class-validator';
import { ACTION_TYPES } from '#inbound-rules/read-action-settings';
import { FreeJson, IsNested, IsText, MayBeAbsent, MayBeNull } from '../../http/body-fields';
import { RetryPolicyDto } from '../../webhooks/dto/retry-policy.dto';
import { ObjectSetting } from './setting';

const POSITION = { message: 'must be a whole number from 0 to 100' };

const SETTINGS = `Of the type.
notify: \`channels\` (names; the tenant's default unless given), \`template\` with \`{{path}}\`, \`subject\`.
forward: either \`url\` (with \`secret\`, \`headers\`, \`timeout\` as of a webhook) or \`event\` to publish (with \`project_id\`); \`mapping\`.
log: \`table\`, \`mapping\`, \`max_records\`.
execute: either \`handler\`, registered by the operator, or \`url\` (with \`secret\`, \`headers\`); \`mapping\`, \`timeout\`.
custom: \`function\`, registered by the operator; \`options\`.`;

/** What can be set of an action. */
class CommonActionDto {
  @ApiPropertyOptional({
    type: String,
    nullable: true,
    description: 'A CEL expression over payload, headers, query and metadata; absent or null: always',
    example: 'payload.confidence > 0.8',
  })
  @MayBeNull()
  @IsText(1, 2_048)
  condition?: string | null;

  @ApiPropertyOptional({
    type: () => RetryPolicyDto,
    nullable: true,
    description: 'When a failed run is tried again; null for the default of the type',
  })
  @MayBeNull()
  @IsNested(() => RetryPolicyDto)
  retry_policy?: RetryPolicyDto | null;

  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: 100, description: 'Its place among the others' })
  @MayBeAbsent()
  @IsInt(POSITION)
  @Min(0, POSITION)
  @Max(100, POSITION)
  position?: number;
}

export class AddActionDto extends CommonActionDto {
  @ApiProperty({ enum: ACTION_TYPES, example: 'log' })
  @IsIn(ACTION_TYPES, { message: `must be one of ${ACTION_TYPES.join(', ')}` })
  type!: (typeof ACTION_TYPES)[number];

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description: SETTINGS,
    example: { table: 'signal_history' },
  })
  @FreeJson()
  settings!: unknown;
}

export class UpdateActionDto extends CommonActionDto {
  @ObjectSetting(SETTINGS, { table: 'signal_history' })
  settings?: unknown;
}
