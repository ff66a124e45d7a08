import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsIn, ValidateBy } from 'class-validator';
import { isCidr } from '#kernel/cidrs';
import { IsNested, IsText, MayBeAbsent } from '../../http/body-fields';
import { CreateUserDto } from '../../users/dto/create-user.dto';
import { LimitsDto } from './limits';

const MAX_NAME_LENGTH = 255;
export const TENANT_STATUSES = ['active', 'suspended'] as const;

const MAX_CIDRS = 100;

/** Address ranges; what is given twice counts once. */
function IsCidrList(): PropertyDecorator {
  const message = 'must be address ranges such as 10.0.0.0/8 or ::1/128';
  return applyDecorators(
    Transform(({ value }: { value: unknown }) => (Array.isArray(value) ? [...new Set<unknown>(value)] : value)),
    IsArray({ message: 'must be a list of address ranges' }),
    ArrayMaxSize(MAX_CIDRS, { message: `must have at most ${MAX_CIDRS} address ranges` }),
    ValidateBy(
      { name: 'isCidr', validator: { validate: (item) => typeof item === 'string' && isCidr(item) } },
      { each: true, message },
    ),
  );
}

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

  @ApiPropertyOptional({
    type: [String],
    description:
      "Special address ranges that this tenant's deliveries may reach, beside DELIVERY_ALLOWED_CIDRS; replaces the whole list",
    example: ['10.20.0.0/16', 'fd00:20::/32'],
  })
  @MayBeAbsent()
  @IsCidrList()
  allowed_cidrs?: string[];

  @ApiPropertyOptional({ description: 'Replaces all limits; those left out go back to the default' })
  @MayBeAbsent()
  @IsNested(() => LimitsDto)
  limits?: LimitsDto;
}
