import { Module } from '@nestjs/common';
import { BootstrapService } from './bootstrap.service';
import { TenantsController } from './tenants.controller';
import { TenantsService } from './tenants.service';

@Module({ controllers: [TenantsController], providers: [BootstrapService, TenantsService] })
export class TenantsModule {}
