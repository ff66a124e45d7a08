import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMinSize, ArrayUnique, IsArray, IsIn } from 'class-validator';
import { IsText, MayBeAbsent } from '../../http/body-fields';
import { IsInstant } from '../../http/instant-field';
import { SCOPES, type Scope } from '../../caller/scopes';

const MAX_NAME_LENGTH = 255;

function IsScopeList(): PropertyDecorator {
  return applyDecorators(
    IsArray({ message: 'must be a list of scopes' }),
    ArrayMinSize(1, { message: 'must name at least one scope' }),
    ArrayUnique({ message: 'must name each scope once' }),
    IsIn(SCOPES, { each: true, message: `must name scopes of ${SCOPES.join(', ')}` }),
  );
}

export class CreateTokenDto {
  @ApiProperty({ example: 'CI publisher', minLength: 1, maxLength: MAX_NAME_LENGTH })
  @IsText(1, MAX_NAME_LENGTH)
  name!: string;

  @ApiProperty({
    enum: SCOPES,
    isArray: true,
    example: ['events:write'],
    description: 'Only what the calling token may do itself. `x:write` includes `x:read`; `*` includes everything.',
  })
  @IsScopeList()
  scopes!: Scope[];

  @ApiPropertyOptional({ example: '2027-01-01T00:00:00Z', type: String, description: 'Absent: it never expires' })
  @MayBeAbsent()
  @IsInstant()
  expires_at?: Date;

  @ApiPropertyOptional({ example: 'proj_123', description: 'Binds the token to one project' })
  @MayBeAbsent()
  @IsText(1, MAX_NAME_LENGTH)
  project_id?: string;

  @ApiPropertyOptional({ example: 'user_01k9zq5v7c2m8x4r6t0w3y5b7d', description: "Absent: the caller's own user" })
  @MayBeAbsent()
  @IsText(1, MAX_NAME_LENGTH)
  user_id?: string;
}
