import { ApiProperty } from '@nestjs/swagger';
import { formatId } from '#kernel/ids';
import type { SlackLink } from '../slack-links.queries';

export class SlackLinkResponse {
  @ApiProperty({
    example: 'https://hooks.example.com/chat/slack/Zk1mQ0o2b3J3d2V0eXVpb3A',
    description: 'The Request URL of the slash command',
  })
  request_url!: string;

  @ApiProperty({
    example: 'tok_01k9zq5v7c2m8x4r6t0w3y5b7d',
    description: 'Commands may do what this token may, for as long as it is valid',
  })
  token_id!: string;

  @ApiProperty({ example: 'T0001', nullable: true, type: String })
  team_id!: string | null;

  @ApiProperty({ example: ['U2147483697'], isArray: true, type: String })
  user_ids!: string[];

  @ApiProperty({ example: '2026-03-09T10:00:00Z' })
  created_at!: string;

  @ApiProperty({ example: '2026-03-09T10:00:00Z' })
  updated_at!: string;

  static from(link: SlackLink, publicUrl: string): SlackLinkResponse {
    return {
      request_url: `${publicUrl}/chat/slack/${link.urlKey}`,
      token_id: formatId('tok', link.tokenId),
      team_id: link.teamId,
      user_ids: link.userIds,
      created_at: link.createdAt.toISOString(),
      updated_at: link.updatedAt.toISOString(),
    };
  }
}

export class SlackLinkDeletedResponse {
  @ApiProperty({ example: 'Slack unlinked successfully' })
  message!: string;
}
