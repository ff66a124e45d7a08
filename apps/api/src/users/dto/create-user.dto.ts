import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsEmail } from 'class-validator';
import { IsText, MayBeAbsent } from '../../http/body-fields';

const MAX_NAME_LENGTH = 255;

export class CreateUserDto {
  @ApiProperty({ example: 'Ada Lovelace', minLength: 1, maxLength: MAX_NAME_LENGTH })
  @IsText(1, MAX_NAME_LENGTH)
  name!: string;

  @ApiPropertyOptional({ example: 'ada@example.com' })
  @MayBeAbsent()
  @IsEmail({}, { message: 'must be an e-mail address' })
  email?: string;
}
