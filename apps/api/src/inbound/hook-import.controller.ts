import { Body, Controller, Inject, Post, UseGuards } from '@nestjs/common';
import {
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiForbiddenResponse,
  ApiNotFoundResponse,
  ApiOperation,
  ApiParam,
  ApiSecurity,
  ApiTags,
  ApiUnauthorizedResponse,
} from '@nestjs/swagger';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { Public } from '#observability/public-route';
import { actorOf } from '../audit-trail/record-act';
import { CurrentCaller, type Caller } from '../caller/caller';
import { ErrorResponse } from '../http/error-response';
import { IdParam } from '../http/id-param';
import { RequireScopes } from '../caller/require-scopes';
import { AdminGuard } from '../authentication/admin.guard';
import { CurrentOperator, type Operator } from '../authentication/operator';
import { ImportedHookResponse, ImportedHooksResponse, ImportHooksDto } from './dto/import.dto';
import { HookImportService, type Importer } from './hook-import.service';

const DESCRIPTION =
  'All documented properties, JSON or YAML. Each hook becomes an endpoint, also at /hooks/{id} where the operator enabled that; all of them or, when anything is wrong, none.';

@ApiTags('Inbound')
@Controller('api/inbound/import')
export class HookImportController {
  constructor(
    private readonly hooks: HookImportService,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {}

  @Post()
  @RequireScopes('inbound:write')
  @ApiOperation({
    operationId: 'importHooks',
    summary: 'Make inbound endpoints of a hook file of adnanh/webhook',
    description: `${DESCRIPTION} Commands are the operator's alone: give \`commands: "skip"\`.`,
  })
  @ApiCreatedResponse({ type: ImportedHooksResponse })
  @ApiConflictResponse({ description: 'A name or hook id is taken', type: ErrorResponse })
  import(@CurrentCaller() caller: Caller, @Body() body: ImportHooksDto): Promise<ImportedHooksResponse> {
    return importHooks(
      this.hooks,
      { author: caller, actor: actorOf(caller), isOperator: false },
      body,
      this.environment,
    );
  }
}

@ApiTags('Operator')
@ApiSecurity('admin')
@ApiUnauthorizedResponse({ description: 'No token, or not the ADMIN_TOKEN', type: ErrorResponse })
// Opts out of tenants' tokens; the guard wants the operator's.
@Public()
@UseGuards(AdminGuard)
@Controller('api/admin/tenants/:tenant_id/inbound/import')
export class OperatorHookImportController {
  constructor(
    private readonly hooks: HookImportService,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {}

  @Post()
  @ApiParam({ name: 'tenant_id', type: String })
  @ApiOperation({
    operationId: 'importTenantHooks',
    summary: 'Make inbound endpoints of a tenant of a hook file of adnanh/webhook, commands included',
    description: DESCRIPTION,
  })
  @ApiCreatedResponse({ type: ImportedHooksResponse })
  @ApiForbiddenResponse({ description: 'INBOUND_COMMANDS is off', type: ErrorResponse })
  @ApiNotFoundResponse({ description: 'No such tenant, or no ADMIN_TOKEN is configured', type: ErrorResponse })
  @ApiConflictResponse({ description: 'A name or hook id is taken', type: ErrorResponse })
  import(
    @CurrentOperator() operator: Operator,
    @IdParam('tenant_id', 'tenant', 'Tenant') tenantId: string,
    @Body() body: ImportHooksDto,
  ): Promise<ImportedHooksResponse> {
    const author = { tenantId, projectId: null, userId: null };
    return importHooks(this.hooks, { author, actor: operator, isOperator: true }, body, this.environment);
  }
}

async function importHooks(
  hooks: HookImportService,
  importer: Importer,
  body: ImportHooksDto,
  environment: Environment,
): Promise<ImportedHooksResponse> {
  const made = await hooks.import(importer, body);
  return { imported: made.map((endpoint) => ImportedHookResponse.from(endpoint, environment)) };
}
