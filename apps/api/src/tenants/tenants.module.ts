import { Module } from '@nestjs/common';
import { TokensModule } from '../tokens/tokens.module';
import { BootstrapService } from './bootstrap.service';
import { TenantsController } from './tenants.controller';
import { TenantsService } from './tenants.service';

@Module({ imports: [TokensModule], controllers: [TenantsController], providers: [BootstrapService, TenantsService] })
export class TenantsModule {}
