import { SetMetadata, type CustomDecorator } from '@nestjs/common';

/** Metadata key of routes that need no token. */
export const PUBLIC_ROUTE = 'publicRoute';

/** Opts a controller or a route out of authentication. */
export const Public = (): CustomDecorator => SetMetadata(PUBLIC_ROUTE, true);
