import { ApiProperty } from '@nestjs/swagger';

/** One field of a refused request. */
export class ErrorResponseDetail {
  @ApiProperty({ example: 'url' })
  field!: string;

  @ApiProperty({ example: 'must be an http or https URL' })
  message!: string;
}

/** The one shape of every error. */
export class ErrorResponse {
  @ApiProperty({ example: 400 })
  statusCode!: number;

  @ApiProperty({ description: 'Stable, for programs', example: 'invalid_request' })
  code!: string;

  @ApiProperty({ description: 'One sentence, for people', example: 'url: must be an http or https URL' })
  message!: string;

  @ApiProperty({ type: [ErrorResponseDetail] })
  details!: ErrorResponseDetail[];

  @ApiProperty({ description: 'Also in the header X-Request-Id', example: 'req_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  request_id!: string;
}
