import { ApiProperty } from '@nestjs/swagger';
import { formatInstant, formatInstantOrNull } from '#kernel/instants';
import { formatPublicKey, toJwk } from '#webhook-rules/ed25519-keys';
import { OverlapSeconds } from '../../http/overlap-field';
import type { SigningKeyRow } from '../signing-keys.queries';

const X = 'Rl8BSYuHeaP3c_nUZ7LKf6TMvLAJTPUXg6sSFi8ZaEE';
const KID = 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k';

export class RotateSigningKeyDto {
  @OverlapSeconds()
  overlap_seconds?: number;
}

export class SigningKeyResponse {
  @ApiProperty({ description: 'As at the JWKS URL', example: KID })
  kid!: string;

  @ApiProperty({
    description: 'As Standard Webhooks libraries take it',
    example: `whpk_${Buffer.from(X, 'base64url').toString('base64')}`,
  })
  public_key!: string;

  @ApiProperty({ example: '2024-01-01T12:00:00Z' })
  created_at!: string;

  @ApiProperty({
    type: String,
    nullable: true,
    description: 'Until when it signs beside the newest; null for the newest',
    example: null,
  })
  expires_at!: string | null;

  static from(row: SigningKeyRow): SigningKeyResponse {
    return {
      kid: toJwk(row.public_key).kid,
      public_key: formatPublicKey(row.public_key),
      created_at: formatInstant(row.created_at.getTime()),
      expires_at: formatInstantOrNull(row.expires_at),
    };
  }
}

export class SigningKeyListResponse {
  @ApiProperty({ type: [SigningKeyResponse], description: 'Those that sign, the newest first' })
  keys!: SigningKeyResponse[];

  @ApiProperty({
    description: 'Where receivers find the public keys, without a token',
    example: 'https://webhooks.example.com/api/tenants/tenant_01k9zq5v7c2m8x4r6t0w3y5b7d/jwks.json',
  })
  jwks_url!: string;
}

export class JwkResponse {
  @ApiProperty({ enum: ['OKP'] })
  kty!: 'OKP';

  @ApiProperty({ enum: ['Ed25519'] })
  crv!: 'Ed25519';

  @ApiProperty({ enum: ['sig'] })
  use!: 'sig';

  @ApiProperty({ enum: ['EdDSA'] })
  alg!: 'EdDSA';

  @ApiProperty({ description: 'The thumbprint of the key (RFC 7638)', example: KID })
  kid!: string;

  @ApiProperty({ description: 'The public key, base64url', example: X })
  x!: string;
}

export class JwksResponse {
  @ApiProperty({ type: [JwkResponse], description: 'The newest first; none while no webhook has wanted `v1a`' })
  keys!: JwkResponse[];

  static from(rows: SigningKeyRow[]): JwksResponse {
    return { keys: rows.map((row) => toJwk(row.public_key)) };
  }
}
