import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentCaller, type Caller } from '../caller/caller';
import { RequireScopes } from '../caller/require-scopes';
import { AuditReader } from './audit-reader';
import { AuditListResponse } from './dto/audit.response';
import { ListAuditQuery } from './dto/list-audit.query';

@ApiTags('Audit')
@Controller('api/audit')
export class AuditController {
  constructor(@Inject(AuditReader) private readonly audit: AuditReader) {}

  @Get()
  @RequireScopes('audit:read')
  @ApiOperation({
    operationId: 'listAudit',
    summary: 'Who did what with tokens, users, webhooks and event types, newest first',
    description:
      "The operator's acts upon the tenant are among them. A token bound to a project sees what belongs to that project.",
  })
  @ApiOkResponse({ type: AuditListResponse })
  async list(@CurrentCaller() caller: Caller, @Query() query: ListAuditQuery): Promise<AuditListResponse> {
    return AuditListResponse.from(await this.audit.list(caller.tenantId, caller.projectId, query), query.limit);
  }
}
