import { Body, Controller, Delete, Get, Inject, Post, Query } from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import { formatId } from '#kernel/ids';
import { CurrentCaller, type Caller } from '../caller/caller';
import { ErrorResponse } from '../http/error-response';
import { IdParam } from '../http/id-param';
import { PageQuery, Pagination } from '../http/page';
import { RequireScopes } from '../caller/require-scopes';
import { CreateUserDto } from './dto/create-user.dto';
import { UserDeletedResponse, UserListResponse, UserResponse } from './dto/user.response';
import { UsersService } from './users.service';

@ApiTags('Users')
@RequireScopes('tokens:write')
@Controller('api/users')
export class UsersController {
  constructor(@Inject(UsersService) private readonly users: UsersService) {}

  @Get()
  @ApiOperation({ operationId: 'listUsers', summary: "List the tenant's users" })
  @ApiOkResponse({ type: UserListResponse })
  async list(@CurrentCaller() caller: Caller, @Query() page: PageQuery): Promise<UserListResponse> {
    const [users, total] = await this.users.list(caller.tenantId, page);
    return { users: users.map((user) => UserResponse.from(user)), total, pagination: Pagination.of(page, total) };
  }

  @Post()
  @ApiOperation({ operationId: 'createUser', summary: 'Create a user' })
  @ApiCreatedResponse({ type: UserResponse })
  async create(@CurrentCaller() caller: Caller, @Body() body: CreateUserDto): Promise<UserResponse> {
    return UserResponse.from(await this.users.create(caller, body));
  }

  @Get(':user_id')
  @ApiOperation({ operationId: 'getUser', summary: 'Get a user' })
  @ApiOkResponse({ type: UserResponse })
  @ApiParam({ name: 'user_id', type: String })
  @ApiNotFoundResponse({ type: ErrorResponse })
  async get(@CurrentCaller() caller: Caller, @IdParam('user_id', 'user', 'User') id: string): Promise<UserResponse> {
    return UserResponse.from(await this.users.get(caller.tenantId, id));
  }

  @Delete(':user_id')
  @ApiOperation({ operationId: 'deleteUser', summary: 'Delete a user and revoke their tokens' })
  @ApiOkResponse({ type: UserDeletedResponse })
  @ApiParam({ name: 'user_id', type: String })
  @ApiNotFoundResponse({ type: ErrorResponse })
  async delete(
    @CurrentCaller() caller: Caller,
    @IdParam('user_id', 'user', 'User') id: string,
  ): Promise<UserDeletedResponse> {
    const deletedAt = await this.users.delete(caller, id);
    return {
      message: 'User deleted successfully',
      user_id: formatId('user', id),
      deleted_at: deletedAt.toISOString(),
    };
  }
}
