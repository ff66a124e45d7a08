import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean } from 'class-validator';
import { FreeJson, MayBeAbsent } from '../../http/body-fields';
import { ApiProperty } from '@nestjs/swagger';
import { REQUEST_STATUSES } from './log.query';
import { RunResponse, SentResponse, StepResponse } from './log.response';

/** A request that the service makes itself, signed as a sender would. */
export class TestEndpointDto {
  @ApiPropertyOptional({
    description: "The payload, any JSON; a sample, made of the endpoint's schema where it has one, unless given",
    example: { action: 'BUY', symbol: 'BTC', price: 100000 },
  })
  @FreeJson()
  payload?: unknown;

  @ApiPropertyOptional({
    default: false,
    description: 'Whether only to say what each step would do, and act on nothing',
  })
  @MayBeAbsent()
  @IsBoolean({ message: 'must be true or false' })
  dry_run?: boolean;
}

/** What the service made of a request that it made itself. */
export class TestResultResponse {
  @ApiProperty({
    type: String,
    nullable: true,
    description: 'In the log; null for a dry run',
    example: 'req_01k9zq5v7c2m8x4r6t0w3y5b7d',
  })
  request_id!: string | null;

  @ApiProperty({ enum: REQUEST_STATUSES, example: 'accepted' })
  status!: string;

  @ApiProperty({ example: 'accepted' })
  code!: string;

  @ApiProperty({ type: [StepResponse] })
  steps!: StepResponse[];

  @ApiProperty({ nullable: true, example: { action: 'BUY' } })
  payload!: unknown;

  @ApiProperty({ type: [RunResponse], description: 'As far as they came within 5 seconds', example: [] })
  actions!: RunResponse[];

  @ApiProperty()
  response!: SentResponse;
}
