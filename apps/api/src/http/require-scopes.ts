import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiBearerAuth, ApiForbiddenResponse, ApiUnauthorizedResponse } from '@nestjs/swagger';
import { ErrorResponse } from './error-response';
import type { Scope } from './scopes';

/** Metadata key of the scopes a route requires. */
export const REQUIRED_SCOPES = 'requiredScopes';

/** Lets only tokens that have all these scopes call a route; without any, every valid token may. */
export function RequireScopes(...scopes: Scope[]): MethodDecorator & ClassDecorator {
  return applyDecorators(
    SetMetadata(REQUIRED_SCOPES, scopes),
    ApiBearerAuth(),
    ApiUnauthorizedResponse({ description: 'No token, or one that is not valid', type: ErrorResponse }),
    ApiForbiddenResponse({
      description: scopes.length === 0 ? 'The tenant is suspended' : `The token lacks the scope ${scopes.join(', ')}`,
      type: ErrorResponse,
    }),
  );
}
