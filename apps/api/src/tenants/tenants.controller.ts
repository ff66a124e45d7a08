import { Body, Controller, Delete, Get, Inject, Patch, Post, Put, Query, UseGuards } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiSecurity,
  ApiTags,
  ApiUnauthorizedResponse,
} from '@nestjs/swagger';
import { formatId } from '#kernel/ids';
import { Public } from '#observability/public-route';
import { ErrorResponse } from '../http/error-response';
import { IdParam } from '../http/id-param';
import { PageQuery, Pagination } from '../http/page';
import { UserResponse } from '../users/dto/user.response';
import { AdminGuard } from '../authentication/admin.guard';
import { CurrentOperator, type Operator } from '../authentication/operator';
import { CreateTenantDto, UpdateTenantDto } from './dto/tenant.dto';
import {
  CreatedTenantResponse,
  TenantDeletedResponse,
  TenantDeletionResponse,
  TenantListResponse,
  TenantResponse,
} from './dto/tenant.response';
import { TenantsService } from './tenants.service';

const TenantId = (): ParameterDecorator => IdParam('tenant_id', 'tenant', 'Tenant');

@ApiTags('Operator')
@ApiSecurity('admin')
@ApiUnauthorizedResponse({ description: 'No token, or not the ADMIN_TOKEN', type: ErrorResponse })
@ApiNotFoundResponse({ description: 'No such tenant, or no ADMIN_TOKEN is configured', type: ErrorResponse })
// Opts out of tenants' tokens; the guard wants the operator's.
@Public()
@UseGuards(AdminGuard)
@Controller('api/admin/tenants')
export class TenantsController {
  constructor(@Inject(TenantsService) private readonly tenants: TenantsService) {}

  @Get()
  @ApiOperation({ operationId: 'listTenants', summary: 'List tenants' })
  @ApiOkResponse({ type: TenantListResponse })
  async list(@Query() page: PageQuery): Promise<TenantListResponse> {
    const { tenants, total } = await this.tenants.list(page);
    return {
      tenants: tenants.map((tenant) => TenantResponse.from(tenant)),
      total,
      pagination: Pagination.of(page, total),
    };
  }

  @Post()
  @ApiOperation({ operationId: 'createTenant', summary: 'Create a tenant with its first user and token' })
  @ApiCreatedResponse({ type: CreatedTenantResponse })
  async create(@CurrentOperator() operator: Operator, @Body() body: CreateTenantDto): Promise<CreatedTenantResponse> {
    const { tenant, user, tokenId, text } = await this.tenants.create(operator, body);
    return {
      ...TenantResponse.from(tenant),
      user: UserResponse.from({ ...user, createdAt: tenant.created_at }),
      token: { token_id: formatId('tok', tokenId), token: text, scopes: ['*'] },
    };
  }

  @Get(':tenant_id')
  @ApiOperation({ operationId: 'getTenant', summary: 'Get a tenant' })
  @ApiOkResponse({ type: TenantResponse })
  @ApiParam({ name: 'tenant_id', type: String })
  async get(@TenantId() id: string): Promise<TenantResponse> {
    return TenantResponse.from(await this.tenants.get(id));
  }

  @Patch(':tenant_id')
  @ApiOperation({
    operationId: 'patchTenant',
    summary: 'Rename, suspend or resume a tenant, or set its limits; effective within a second',
  })
  @ApiOkResponse({ type: TenantResponse })
  @ApiParam({ name: 'tenant_id', type: String })
  async patch(
    @CurrentOperator() operator: Operator,
    @TenantId() id: string,
    @Body() body: UpdateTenantDto,
  ): Promise<TenantResponse> {
    return TenantResponse.from(await this.tenants.update(operator, id, body));
  }

  @Put(':tenant_id')
  @ApiOperation({ operationId: 'updateTenant', summary: 'The same as PATCH: what is not given stays' })
  @ApiOkResponse({ type: TenantResponse })
  @ApiParam({ name: 'tenant_id', type: String })
  put(
    @CurrentOperator() operator: Operator,
    @TenantId() id: string,
    @Body() body: UpdateTenantDto,
  ): Promise<TenantResponse> {
    return this.patch(operator, id, body);
  }

  @Delete(':tenant_id')
  @ApiOperation({
    operationId: 'deleteTenant',
    summary: 'Delete a tenant: nothing works any more at once, and every row of it goes soon after',
  })
  @ApiOkResponse({ type: TenantDeletedResponse })
  @ApiParam({ name: 'tenant_id', type: String })
  async delete(@CurrentOperator() operator: Operator, @TenantId() id: string): Promise<TenantDeletedResponse> {
    const deletedAt = await this.tenants.delete(operator, id);
    return {
      message: 'Tenant deleted successfully',
      tenant_id: formatId('tenant', id),
      deleted_at: deletedAt.toISOString(),
    };
  }

  @Get(':tenant_id/deletion')
  @ApiOperation({ operationId: 'getTenantDeletion', summary: 'How far the deletion of a tenant has come' })
  @ApiOkResponse({ type: TenantDeletionResponse })
  @ApiParam({ name: 'tenant_id', type: String })
  async deletion(@TenantId() id: string): Promise<TenantDeletionResponse> {
    return TenantDeletionResponse.from(await this.tenants.deletion(id));
  }
}
