import { Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { TokensModule } from '../tokens/tokens.module';
import { AuthGuard } from './auth.guard';
import { ErrorFilter } from './error.filter';
import { RequestValidationPipe } from './validation.pipe';

/** What holds for every route: authentication, validation and the one error shape. */
@Module({
  imports: [TokensModule],
  providers: [
    AuthGuard,
    { provide: APP_GUARD, useExisting: AuthGuard },
    { provide: APP_PIPE, useClass: RequestValidationPipe },
    { provide: APP_FILTER, useClass: ErrorFilter },
  ],
})
export class HttpModule {}
