import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AuthGuard } from './auth.guard';
import { FailedLogins } from './failed-logins';
import { TokenAuthenticator } from './token-authenticator';

/** Every route asks for a token unless it is public; global, since guards of any feature count failed logins. */
@Global()
@Module({
  providers: [AuthGuard, FailedLogins, TokenAuthenticator, { provide: APP_GUARD, useExisting: AuthGuard }],
  exports: [FailedLogins, TokenAuthenticator],
})
export class AuthenticationModule {}
