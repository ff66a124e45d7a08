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
import { CreateTokenDto } from './dto/create-token.dto';
import { CreatedTokenResponse, TokenListResponse, TokenResponse, TokenRevokedResponse } from './dto/token.response';
import { TokensService } from './tokens.service';

@ApiTags('Tokens')
@RequireScopes('tokens:write')
@Controller('api/tokens')
export class TokensController {
  constructor(@Inject(TokensService) private readonly tokens: TokensService) {}

  @Get()
  @ApiOperation({ operationId: 'listTokens', summary: 'List the tokens that are not revoked' })
  @ApiOkResponse({ type: TokenListResponse })
  async list(@CurrentCaller() caller: Caller, @Query() page: PageQuery): Promise<TokenListResponse> {
    const [tokens, total] = await this.tokens.list(caller, page);
    return { tokens: tokens.map((token) => TokenResponse.from(token)), total, pagination: Pagination.of(page, total) };
  }

  @Post()
  @ApiOperation({
    operationId: 'createToken',
    summary: 'Create a token; the answer is the only place it is ever shown',
  })
  @ApiCreatedResponse({ type: CreatedTokenResponse })
  async create(@CurrentCaller() caller: Caller, @Body() body: CreateTokenDto): Promise<CreatedTokenResponse> {
    const { token, text } = await this.tokens.create(caller, body);
    return { ...TokenResponse.from(token), token: text };
  }

  @Delete(':token_id')
  @ApiOperation({ operationId: 'revokeToken', summary: 'Revoke a token, everywhere within a second' })
  @ApiOkResponse({ type: TokenRevokedResponse })
  @ApiParam({ name: 'token_id', type: String })
  @ApiNotFoundResponse({ type: ErrorResponse })
  async revoke(
    @CurrentCaller() caller: Caller,
    @IdParam('token_id', 'tok', 'Token') id: string,
  ): Promise<TokenRevokedResponse> {
    const revokedAt = await this.tokens.revoke(caller, id);
    return {
      message: 'Token revoked successfully',
      token_id: formatId('tok', id),
      revoked_at: revokedAt.toISOString(),
    };
  }
}
