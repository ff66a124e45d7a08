import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { IsNested, IsText, MayBeAbsent } from '../../http/body-fields';
import { CreateUserDto } from '../../users/dto/create-user.dto';
import { LimitsDto } from './limits';

const MAX_NAME_LENGTH = 255;
export const TENANT_STATUSES = ['active', 'suspended'] as const;

export class CreateTenantDto {
  @ApiProperty({ example: 'Example Inc.', minLength: 1, maxLength: MAX_NAME_LENGTH })
  @IsText(1, MAX_NAME_LENGTH)
  name!: string;

  @ApiProperty({ description: 'The first user, whom the first token belongs to' })
  @IsNested(() => CreateUserDto)
  user!: CreateUserDto;

  @ApiPropertyOptional()
  @MayBeAbsent()
  @IsNested(() => LimitsDto)
  limits?: LimitsDto;
}

export class UpdateTenantDto {
  @ApiPropertyOptional({ example: 'Example Inc.', minLength: 1, maxLength: MAX_NAME_LENGTH })
  @MayBeAbsent()
  @IsText(1, MAX_NAME_LENGTH)
  name?: string;

  @ApiPropertyOptional({ enum: TENANT_STATUSES, description: "A suspended tenant's tokens are refused with 403" })
  @MayBeAbsent()
  @IsIn(TENANT_STATUSES, { message: `must be one of ${TENANT_STATUSES.join(', ')}` })
  status?: (typeof TENANT_STATUSES)[number];

  @ApiPropertyOptional({ description: 'Replaces all limits; those left out go back to the default' })
  @MayBeAbsent()
  @IsNested(() => LimitsDto)
  limits?: LimitsDto;
}
