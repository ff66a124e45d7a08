import { Module } from '@nestjs/common';
import { AuditReader } from './audit-reader';
import { AuditController } from './audit.controller';
import { TenantAuditController } from './tenant-audit.controller';

@Module({ controllers: [AuditController, TenantAuditController], providers: [AuditReader] })
export class AuditModule {}
