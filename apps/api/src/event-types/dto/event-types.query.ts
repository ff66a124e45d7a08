import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { ValidateBy } from 'class-validator';
import { isValidEventPattern } from '#webhook-rules/event-matching';
import { MayBeAbsent } from '../../http/body-fields';
import { MAX_LIMIT, PageQuery } from '../../http/page';
import { QueryBoolean, QueryInteger, QueryText } from '../../http/query-fields';

function QueryPattern(description: string): PropertyDecorator {
  return applyDecorators(
    ApiPropertyOptional({ type: 'string', description, example: 'build.*' }),
    MayBeAbsent(),
    ValidateBy(
      {
        name: 'isEventPattern',
        validator: { validate: (pattern) => typeof pattern === 'string' && isValidEventPattern(pattern) },
      },
      { message: 'must be an event type such as build.completed, build.* or *' },
    ),
  );
}

export class ListEventTypesQuery extends PageQuery {
  @QueryInteger(1, MAX_LIMIT, 'How many to answer at most', MAX_LIMIT)
  override limit: number = MAX_LIMIT;

  @QueryPattern('Only the types that a webhook gets which subscribes to this')
  pattern?: string;

  @QueryBoolean("Only the built-in types, or only the tenant's own")
  built_in?: boolean;

  @QueryBoolean('The archived types instead of those that can be published; by default false')
  archived?: boolean;
}

export class EventTypeVersionQuery {
  @QueryText(10, 'The version whose schema and example are wanted; by default the newest')
  version?: string;
}
