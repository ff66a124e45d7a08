import { Module } from '@nestjs/common';
import { MeController } from './me.controller';
import { TokenAuthenticator } from './token-authenticator';
import { TokensController } from './tokens.controller';
import { TokensService } from './tokens.service';

@Module({
  controllers: [MeController, TokensController],
  providers: [TokenAuthenticator, TokensService],
  exports: [TokenAuthenticator],
})
export class TokensModule {}
