import { ApiProperty } from '@nestjs/swagger';
import type { TokenEntity } from '#database/entities/token.entity';
import { formatId } from '#kernel/ids';
import { Pagination } from '../../http/page';

export class TokenResponse {
  @ApiProperty({ example: 'tok_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  token_id!: string;

  @ApiProperty({ example: 'CI publisher' })
  name!: string;

  @ApiProperty({ example: 'user_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  user_id!: string;

  @ApiProperty({ type: [String], example: ['events:write'] })
  scopes!: string[];

  @ApiProperty({ type: String, nullable: true, example: 'proj_123' })
  project_id!: string | null;

  @ApiProperty({ example: '2024-01-01T12:00:00.000Z' })
  created_at!: string;

  @ApiProperty({ type: String, nullable: true, example: '2027-01-01T00:00:00.000Z' })
  expires_at!: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'To the minute', example: '2024-01-01T12:00:00.000Z' })
  last_used_at!: string | null;

  static from(token: TokenEntity): TokenResponse {
    return {
      token_id: formatId('tok', token.id),
      name: token.name,
      user_id: formatId('user', token.userId),
      scopes: token.scopes,
      project_id: token.projectId,
      created_at: token.createdAt.toISOString(),
      expires_at: token.expiresAt?.toISOString() ?? null,
      last_used_at: token.lastUsedAt?.toISOString() ?? null,
    };
  }
}

export class CreatedTokenResponse extends TokenResponse {
  @ApiProperty({
    description: 'The token itself; shown this once and stored nowhere',
    example: 'trae_mZ3kq0d7PxC1bq8V5tF2aYJ9rLw4uHs6eNgToXiRKvA',
  })
  token!: string;
}

export class TokenListResponse {
  @ApiProperty({ type: [TokenResponse] })
  tokens!: TokenResponse[];

  @ApiProperty({ example: 1 })
  total!: number;

  @ApiProperty()
  pagination!: Pagination;
}

export class TokenRevokedResponse {
  @ApiProperty({ example: 'Token revoked successfully' })
  message!: string;

  @ApiProperty({ example: 'tok_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  token_id!: string;

  @ApiProperty({ example: '2024-01-01T12:00:00.000Z' })
  revoked_at!: string;
}
