import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsBoolean, IsIn, IsInt, IsNumber, Max, Min } from 'class-validator';
import { applyDecorators } from '@nestjs/common';
import type { StoredRetryPolicy } from '#database/entities/webhook.entity';
import {
  BACKOFF_STRATEGIES,
  DEFAULT_RETRY_POLICY,
  RETRY_POLICY_BOUNDS,
  type BackoffStrategy,
} from '#webhook-rules/retry-policy';
import { MayBeAbsent } from '../../http/body-fields';

const STATUS = RETRY_POLICY_BOUNDS.retryOnStatus;

function Whole({ min, max }: { min: number; max: number }, description: string, example: number): PropertyDecorator {
  const message = `must be a whole number from ${min} to ${max}`;
  return applyDecorators(
    ApiPropertyOptional({ type: 'integer', minimum: min, maximum: max, description, example, default: example }),
    MayBeAbsent(),
    IsInt({ message }),
    Min(min, { message }),
    Max(max, { message }),
  );
}

/** When a failed delivery is tried again; what is left out has its default. */
export class RetryPolicyDto {
  @Whole(RETRY_POLICY_BOUNDS.maxAttempts, 'All attempts, the first included', DEFAULT_RETRY_POLICY.maxAttempts)
  max_attempts?: number;

  @ApiPropertyOptional({
    enum: BACKOFF_STRATEGIES,
    default: DEFAULT_RETRY_POLICY.backoffStrategy,
    description:
      'linear: initial_delay × attempt; exponential: initial_delay × 2^(attempt − 1); fixed: initial_delay; each up to max_delay',
  })
  @MayBeAbsent()
  @IsIn(BACKOFF_STRATEGIES, { message: `must be one of ${BACKOFF_STRATEGIES.join(', ')}` })
  backoff_strategy?: BackoffStrategy;

  @Whole(RETRY_POLICY_BOUNDS.initialDelayMs, 'Milliseconds', DEFAULT_RETRY_POLICY.initialDelayMs)
  initial_delay?: number;

  @Whole(RETRY_POLICY_BOUNDS.maxDelayMs, 'Milliseconds', DEFAULT_RETRY_POLICY.maxDelayMs)
  max_delay?: number;

  @ApiPropertyOptional({
    type: 'array',
    items: { type: 'integer', minimum: STATUS.min, maximum: STATUS.max },
    maxItems: STATUS.maxItems,
    description: 'The statuses that are retried, instead of 500 and above and 429',
    example: [500, 502, 503, 504],
  })
  @MayBeAbsent()
  @IsArray({ message: 'must be a list of HTTP statuses' })
  @ArrayMaxSize(STATUS.maxItems, { message: `must hold at most ${STATUS.maxItems} statuses` })
  @IsInt({ each: true, message: 'must hold whole numbers' })
  @Min(STATUS.min, { each: true, message: `must hold statuses from ${STATUS.min} to ${STATUS.max}` })
  @Max(STATUS.max, { each: true, message: `must hold statuses from ${STATUS.min} to ${STATUS.max}` })
  retry_on_status?: number[];

  @ApiPropertyOptional({ default: true, description: 'Whether an attempt that took too long is retried' })
  @MayBeAbsent()
  @IsBoolean({ message: 'must be true or false' })
  retry_on_timeout?: boolean;

  @ApiPropertyOptional({
    type: 'number',
    minimum: 0,
    maximum: 1,
    default: 0,
    description: 'The share of a delay that chance may take off it',
  })
  @MayBeAbsent()
  @IsNumber({}, { message: 'must be a number from 0 to 1' })
  @Min(0, { message: 'must be a number from 0 to 1' })
  @Max(1, { message: 'must be a number from 0 to 1' })
  jitter?: number;
}

/** The policy as it is stored: the reference's four fields always, the others only where they were given. */
export function toStoredRetryPolicy(dto: RetryPolicyDto = {}): StoredRetryPolicy {
  return {
    max_attempts: dto.max_attempts ?? DEFAULT_RETRY_POLICY.maxAttempts,
    backoff_strategy: dto.backoff_strategy ?? DEFAULT_RETRY_POLICY.backoffStrategy,
    initial_delay: dto.initial_delay ?? DEFAULT_RETRY_POLICY.initialDelayMs,
    max_delay: dto.max_delay ?? DEFAULT_RETRY_POLICY.maxDelayMs,
    ...(dto.retry_on_status !== undefined && { retry_on_status: dto.retry_on_status }),
    ...(dto.retry_on_timeout !== undefined && { retry_on_timeout: dto.retry_on_timeout }),
    ...(dto.jitter !== undefined && { jitter: dto.jitter }),
  };
}

export class RetryPolicyResponse implements StoredRetryPolicy {
  @ApiProperty({ example: 3 })
  max_attempts!: number;

  @ApiProperty({ enum: BACKOFF_STRATEGIES, example: 'exponential' })
  backoff_strategy!: BackoffStrategy;

  @ApiProperty({ description: 'Milliseconds', example: 1000 })
  initial_delay!: number;

  @ApiProperty({ description: 'Milliseconds', example: 60000 })
  max_delay!: number;

  @ApiPropertyOptional({ type: [Number], description: 'Only where it was given' })
  retry_on_status?: number[];

  @ApiPropertyOptional({ description: 'Only where it was given' })
  retry_on_timeout?: boolean;

  @ApiPropertyOptional({ description: 'Only where it was given' })
  jitter?: number;
}
