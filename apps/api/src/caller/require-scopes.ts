import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiForbiddenResponse, ApiSecurity, ApiUnauthorizedResponse } from '@nestjs/swagger';
import { ErrorResponse } from '../http/error-response';
import type { Scope } from './scopes';

/** Metadata key of the scopes a route requires. */
export const REQUIRED_SCOPES = 'requiredScopes';

/** Lets only tokens that have all these scopes call a route; without any, every valid token may. */
export function RequireScopes(...scopes: Scope[]): MethodDecorator & ClassDecorator {
  return applyDecorators(
    SetMetadata(REQUIRED_SCOPES, scopes),
    // Since OpenAPI 3.1 the requirement of any scheme may name the roles that are needed.
    ApiSecurity('bearer', scopes),
    ApiUnauthorizedResponse({ type: ErrorResponse }),
    ApiForbiddenResponse({
      description: scopes.length === 0 ? 'The tenant is suspended' : `The token lacks the scope ${scopes.join(', ')}`,
      type: ErrorResponse,
    }),
  );
}
