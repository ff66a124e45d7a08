import { Global, Module } from '@nestjs/common';
import { FailedLogins } from './failed-logins';
import { MeController } from './me.controller';
import { TokenAuthenticator } from './token-authenticator';
import { TokensController } from './tokens.controller';
import { TokensService } from './tokens.service';

@Global()
@Module({
  controllers: [MeController, TokensController],
  providers: [FailedLogins, TokenAuthenticator, TokensService],
  exports: [FailedLogins, TokenAuthenticator],
})
export class TokensModule {}
