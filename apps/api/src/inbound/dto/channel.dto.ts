import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn, Matches } from 'class-validator';
import type { InboundChannelEntity } from '#database/entities/inbound-channel.entity';
import { CHANNEL_KINDS, type ChannelKind } from '#inbound-rules/notify/channel-settings';
import { formatInstant } from '#kernel/instants';
import { FreeJson, MayBeAbsent } from '../../http/body-fields';
import { CHANNEL_NAME } from '../channels.queries';

const INSTANT = '2024-01-01T12:00:00Z';
const SETTINGS = `Of the kind.
telegram: \`bot_token\`, \`chat_id\`, \`parse_mode\`. discord, slack, wecom: \`url\` of the incoming webhook.
dingtalk, feishu: \`url\`, \`secret\`. email: \`to\`, \`from\`. http: \`url\`, \`method\`, \`headers\`.`;

class ChannelSettingsDto {
  @ApiPropertyOptional({ default: false, description: 'Whether notify actions that name no channel send here' })
  @MayBeAbsent()
  @IsBoolean({ message: 'must be true or false' })
  is_default?: boolean;
}

export class CreateChannelDto extends ChannelSettingsDto {
  @ApiProperty({ example: 'team-chat' })
  @Matches(CHANNEL_NAME, {
    message: 'must begin with a letter or digit and hold at most 63 of a-z, 0-9, dot, underscore and hyphen',
  })
  name!: string;

  @ApiProperty({ enum: CHANNEL_KINDS, example: 'http' })
  @IsIn(CHANNEL_KINDS, { message: `must be one of ${CHANNEL_KINDS.join(', ')}` })
  kind!: ChannelKind;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description: SETTINGS,
    example: { url: 'https://chat.example.com/hooks/1' },
  })
  @FreeJson()
  settings!: unknown;
}

export class UpdateChannelDto extends ChannelSettingsDto {
  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    description: 'Replaced as a whole',
    example: { url: 'https://chat.example.com/hooks/2' },
  })
  @FreeJson()
  settings?: unknown;
}

export class ChannelResponse {
  @ApiProperty({ example: 'team-chat' })
  name!: string;

  @ApiProperty({ enum: CHANNEL_KINDS, example: 'http' })
  kind!: string;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description: 'Without the secret ones, among them URLs of incoming webhooks',
    example: { method: 'POST' },
  })
  settings!: Record<string, unknown>;

  @ApiProperty({ example: false })
  is_default!: boolean;

  @ApiProperty({ example: INSTANT })
  created_at!: string;

  @ApiProperty({ example: INSTANT })
  updated_at!: string;

  static from(channel: InboundChannelEntity): ChannelResponse {
    return {
      name: channel.name,
      kind: channel.kind,
      settings: channel.settings,
      is_default: channel.isDefault,
      created_at: formatInstant(channel.createdAt.getTime()),
      updated_at: formatInstant(channel.updatedAt.getTime()),
    };
  }
}

export class ChannelListResponse {
  @ApiProperty({ type: [ChannelResponse] })
  channels!: ChannelResponse[];
}

export class DeletedChannelResponse {
  @ApiProperty({ example: 'team-chat' })
  name!: string;

  @ApiProperty({ example: true })
  deleted!: true;
}
