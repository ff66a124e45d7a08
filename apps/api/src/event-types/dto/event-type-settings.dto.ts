import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { applyDecorators } from '@nestjs/common';
import {
  DEFAULT_VALIDATION,
  VALIDATION_MODES,
  type SchemaValidation,
  type ValidationMode,
} from '#accept/schema-validation';
import { IsNested, MayBeAbsent } from '../../http/body-fields';

const MODES = 'enforce refuses such data with 422, warn accepts it with warnings, off does not look';

function Mode(of: string, defaultMode: ValidationMode): PropertyDecorator {
  return applyDecorators(
    ApiPropertyOptional({ enum: VALIDATION_MODES, default: defaultMode, description: `For ${of}: ${MODES}` }),
    MayBeAbsent(),
    IsIn(VALIDATION_MODES, { message: `must be one of ${VALIDATION_MODES.join(', ')}` }),
  );
}

export class SchemaValidationDto {
  @Mode('the built-in event types', DEFAULT_VALIDATION.built_in)
  built_in?: ValidationMode;

  @Mode("the tenant's own event types", DEFAULT_VALIDATION.own)
  own?: ValidationMode;
}

export class UpdateEventTypeSettingsDto {
  @ApiProperty({ description: 'What happens to data that does not satisfy its schema; what is left out stays' })
  @IsNested(() => SchemaValidationDto)
  schema_validation!: SchemaValidationDto;
}

export class SchemaValidationResponse implements SchemaValidation {
  @ApiProperty({ enum: VALIDATION_MODES, example: DEFAULT_VALIDATION.built_in })
  built_in!: ValidationMode;

  @ApiProperty({ enum: VALIDATION_MODES, example: DEFAULT_VALIDATION.own })
  own!: ValidationMode;
}

export class EventTypeSettingsResponse {
  @ApiProperty()
  schema_validation!: SchemaValidationResponse;
}
