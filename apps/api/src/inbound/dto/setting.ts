import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional, type ApiPropertyOptions } from '@nestjs/swagger';
import { FreeJson } from '../../http/body-fields';

/** A setting that the rules themselves read and refuse; see `compileEndpointRules`. */
export function Setting(options: ApiPropertyOptions): PropertyDecorator {
  return applyDecorators(ApiPropertyOptional(options), FreeJson());
}

/** {@link Setting} that is an object, or null. */
export function ObjectSetting(description: string, example?: object): PropertyDecorator {
  return Setting({
    type: 'object',
    nullable: true,
    additionalProperties: true,
    description,
    ...(example !== undefined && { example }),
  });
}
