import { Controller, Get, Inject, Query, UseGuards } from '@nestjs/common';
import {
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiSecurity,
  ApiTags,
  ApiUnauthorizedResponse,
} from '@nestjs/swagger';
import { Public } from '#observability/public-route';
import { ErrorResponse } from '../http/error-response';
import { IdParam } from '../http/id-param';
import { AdminGuard } from '../authentication/admin.guard';
import { AuditReader } from './audit-reader';
import { AuditListResponse } from './dto/audit.response';
import { ListAuditQuery } from './dto/list-audit.query';

@ApiTags('Operator')
@ApiSecurity('admin')
@ApiUnauthorizedResponse({ description: 'No token, or not the ADMIN_TOKEN', type: ErrorResponse })
@ApiNotFoundResponse({ description: 'No such id, or no ADMIN_TOKEN is configured', type: ErrorResponse })
@Public()
@UseGuards(AdminGuard)
@Controller('api/admin/tenants/:tenant_id/audit')
export class TenantAuditController {
  constructor(@Inject(AuditReader) private readonly audit: AuditReader) {}

  @Get()
  @ApiOperation({
    operationId: 'listTenantAudit',
    summary: 'The audit trail of a tenant, newest first; of a deleted one for as long as its data is there',
  })
  @ApiOkResponse({ type: AuditListResponse })
  @ApiParam({ name: 'tenant_id', type: String })
  async list(
    @IdParam('tenant_id', 'tenant', 'Tenant') tenantId: string,
    @Query() query: ListAuditQuery,
  ): Promise<AuditListResponse> {
    return AuditListResponse.from(await this.audit.list(tenantId, null, query), query.limit);
  }
}
