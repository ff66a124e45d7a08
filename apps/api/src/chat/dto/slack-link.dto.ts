import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayUnique, IsArray, Matches } from 'class-validator';
import { MayBeAbsent, IsText } from '../../http/body-fields';

const MAX_USERS = 1_000;

export class SlackLinkDto {
  @ApiProperty({
    example: '8f742231b10e8888abcd99yyyzzz85a5',
    minLength: 16,
    maxLength: 128,
    writeOnly: true,
    description: 'The signing secret of the Slack app, under Basic Information. It is never shown again',
  })
  @IsText(16, 128)
  signing_secret!: string;

  @ApiPropertyOptional({ example: 'T0001', description: 'Only commands from this workspace' })
  @MayBeAbsent()
  @Matches(/^[A-Z0-9]{2,30}$/, { message: 'must be the id of a Slack workspace, such as T0001' })
  team_id?: string;

  @ApiPropertyOptional({
    example: ['U2147483697'],
    isArray: true,
    type: String,
    maxItems: MAX_USERS,
    description: 'Only commands of these users; absent or empty: of everybody in the workspace',
  })
  @MayBeAbsent()
  @IsArray({ message: 'must be a list of Slack user ids' })
  @ArrayMaxSize(MAX_USERS, { message: `must name at most ${MAX_USERS} users` })
  @ArrayUnique({ message: 'must name each user once' })
  @Matches(/^[A-Z0-9]{2,30}$/, { each: true, message: 'must name Slack user ids, such as U2147483697' })
  user_ids?: string[];
}
