import { ApiProperty } from '@nestjs/swagger';
import type { UserEntity } from '#database/entities/user.entity';
import { formatId } from '#kernel/ids';
import { Pagination } from '../../http/page';

export class UserResponse {
  @ApiProperty({ example: 'user_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  user_id!: string;

  @ApiProperty({ example: 'Ada Lovelace' })
  name!: string;

  @ApiProperty({ type: String, nullable: true, example: 'ada@example.com' })
  email!: string | null;

  @ApiProperty({ example: '2024-01-01T12:00:00.000Z' })
  created_at!: string;

  static from(user: Pick<UserEntity, 'id' | 'name' | 'email' | 'createdAt'>): UserResponse {
    return {
      user_id: formatId('user', user.id),
      name: user.name,
      email: user.email,
      created_at: user.createdAt.toISOString(),
    };
  }
}

export class UserListResponse {
  @ApiProperty({ type: [UserResponse] })
  users!: UserResponse[];

  @ApiProperty({ example: 1 })
  total!: number;

  @ApiProperty()
  pagination!: Pagination;
}

export class UserDeletedResponse {
  @ApiProperty({ example: 'User deleted successfully' })
  message!: string;

  @ApiProperty({ example: 'user_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  user_id!: string;

  @ApiProperty({ example: '2024-01-01T12:00:00.000Z' })
  deleted_at!: string;
}
