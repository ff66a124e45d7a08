import { Module } from '@nestjs/common';
import { MeController } from './me.controller';
import { TokensController } from './tokens.controller';
import { TokensService } from './tokens.service';

@Module({ controllers: [MeController, TokensController], providers: [TokensService] })
export class TokensModule {}
