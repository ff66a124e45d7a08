import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, Max, Min } from 'class-validator';
import { MayBeAbsent } from './body-fields';

export const DEFAULT_OVERLAP_SECONDS = 86_400;
const MAX_OVERLAP_SECONDS = 604_800;

/** For how long what is replaced goes on signing beside what replaces it: a day by default, a week at most. */
export function OverlapSeconds(): PropertyDecorator {
  const message = `must be a whole number of seconds from 0 to ${MAX_OVERLAP_SECONDS}`;
  return applyDecorators(
    ApiPropertyOptional({
      type: 'integer',
      minimum: 0,
      maximum: MAX_OVERLAP_SECONDS,
      default: DEFAULT_OVERLAP_SECONDS,
      description: 'For how long the earlier ones sign beside the new one; 0 ends all of them at once',
      example: DEFAULT_OVERLAP_SECONDS,
    }),
    MayBeAbsent(),
    IsInt({ message }),
    Min(0, { message }),
    Max(MAX_OVERLAP_SECONDS, { message }),
  );
}
