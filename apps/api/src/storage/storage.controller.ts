import { Controller, Get, Inject, UseGuards } from '@nestjs/common';
import {
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiSecurity,
  ApiTags,
  ApiUnauthorizedResponse,
} from '@nestjs/swagger';
import { Public } from '#observability/public-route';
import { ErrorResponse } from '../http/error-response';
import { AdminGuard } from '../authentication/admin.guard';
import { StorageResponse } from './dto/storage.response';
import { StorageService } from './storage.service';

@ApiTags('Operator')
@ApiSecurity('admin')
@ApiUnauthorizedResponse({ description: 'No token, or not the ADMIN_TOKEN', type: ErrorResponse })
@ApiNotFoundResponse({ description: 'No ADMIN_TOKEN is configured', type: ErrorResponse })
// Opts out of tenants' tokens; the guard wants the operator's.
@Public()
@UseGuards(AdminGuard)
@Controller('api/admin/storage')
export class StorageController {
  constructor(@Inject(StorageService) private readonly storage: StorageService) {}

  @Get()
  @ApiOperation({
    operationId: 'getStorage',
    summary: 'What is on the disk, and what retention drops next',
    description: 'From the catalog of the database: nothing is counted or scanned, so it may be asked at any time.',
  })
  @ApiOkResponse({ type: StorageResponse })
  async get(): Promise<StorageResponse> {
    return StorageResponse.from(await this.storage.read(), Date.now());
  }
}
