import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { isEmail, ValidateBy } from 'class-validator';
import { IsText, MayBeAbsent } from '../../http/body-fields';

const MAX_NAME_LENGTH = 255;

/** class-validator's own throws on half a surrogate pair. */
function IsEmailAddress(): PropertyDecorator {
  return ValidateBy(
    {
      name: 'isEmailAddress',
      validator: { validate: (value) => typeof value === 'string' && value.isWellFormed() && isEmail(value) },
    },
    { message: 'must be an e-mail address' },
  );
}

export class CreateUserDto {
  @ApiProperty({ example: 'Ada Lovelace', minLength: 1, maxLength: MAX_NAME_LENGTH })
  @IsText(1, MAX_NAME_LENGTH)
  name!: string;

  @ApiPropertyOptional({ example: 'ada@example.com' })
  @MayBeAbsent()
  @IsEmailAddress()
  email?: string;
}
