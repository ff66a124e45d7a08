import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import type { InboundEndpointEntity } from '#database/entities/inbound-endpoint.entity';
import { formatId } from '#kernel/ids';
import { IsText, MayBeAbsent } from '../../http/body-fields';
import { hookUrlOf, urlOf, type UrlSettings } from '../endpoint-urls';

const MAX_CONTENT_LENGTH = 1_000_000;
const EXAMPLE = `- id: deploy
  execute-command: /usr/local/bin/deploy
  trigger-rule:
    match: { type: value, value: refs/heads/main, parameter: { source: payload, name: ref } }
`;

export const COMMANDS = ['run', 'skip'] as const;

export class ImportHooksDto {
  @ApiProperty({ description: 'A hook file of adnanh/webhook, JSON or YAML, as text', example: EXAMPLE })
  @IsText(1, MAX_CONTENT_LENGTH)
  content!: string;

  @ApiPropertyOptional({
    enum: COMMANDS,
    default: 'run',
    description:
      'Whether the endpoints run the commands of their hooks, which only the operator can have, where INBOUND_COMMANDS is on; skip: endpoints without actions',
    example: 'skip',
  })
  @MayBeAbsent()
  @IsIn(COMMANDS, { message: `must be one of ${COMMANDS.join(', ')}` })
  commands?: (typeof COMMANDS)[number];
}

export class ImportedHookResponse {
  @ApiProperty({ example: 'deploy' })
  hook_id!: string;

  @ApiProperty({ example: 'inb_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  inbound_id!: string;

  @ApiProperty({ example: 'deploy' })
  name!: string;

  @ApiProperty({ example: 'https://hooks.example.com/webhooks/Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4/deploy' })
  url!: string;

  @ApiProperty({ type: String, nullable: true, description: 'Where INBOUND_HOOKS is on', example: null })
  hook_url!: string | null;

  static from(endpoint: InboundEndpointEntity, urls: UrlSettings): ImportedHookResponse {
    return {
      hook_id: endpoint.hookId ?? '',
      inbound_id: formatId('inb', endpoint.id),
      name: endpoint.name,
      url: urlOf(endpoint, urls),
      hook_url: hookUrlOf(endpoint, urls),
    };
  }
}

export class ImportedHooksResponse {
  @ApiProperty({ type: [ImportedHookResponse] })
  imported!: ImportedHookResponse[];
}
