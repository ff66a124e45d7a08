import { ApiProperty } from '@nestjs/swagger';
import { formatId, uuidTimeMs } from '#kernel/ids';
import { formatInstant, formatInstantOrNull } from '#kernel/instants';
import { RawJson } from '../../http/raw-json';
import { shownBody } from '../shown-body';
import type { LoggedRun, LogRow, RecordRow } from '../logs.queries';
import { REQUEST_STATUSES } from './log.query';

const INSTANT = '2024-01-01T12:00:00Z';
const RUN_STATUSES = ['waiting', 'running', 'succeeded', 'failed', 'skipped'] as const;

/** What one step of the verdict found. */
export class StepResponse {
  @ApiProperty({ example: 'signature' })
  step!: string;

  @ApiProperty({ example: true })
  passed!: boolean;

  @ApiProperty({ example: 'Signed by the newest secret' })
  detail!: string;
}

export class RunResponse {
  @ApiProperty({ example: 'run_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  run_id!: string;

  @ApiProperty({ example: 'act_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  action_id!: string;

  @ApiProperty({ example: 'log' })
  type!: string;

  @ApiProperty({ enum: RUN_STATUSES, example: 'succeeded' })
  status!: string;

  @ApiProperty({ example: 1 })
  attempts!: number;

  @ApiProperty({ nullable: true, example: null, description: 'What the action answered, by its type' })
  result!: unknown;

  @ApiProperty({ type: String, nullable: true, example: null })
  error!: string | null;

  @ApiProperty({ type: String, nullable: true, example: null })
  next_attempt_at!: string | null;

  @ApiProperty({ type: String, nullable: true, example: INSTANT })
  started_at!: string | null;

  @ApiProperty({ type: String, nullable: true, example: INSTANT })
  finished_at!: string | null;

  static from(run: LoggedRun): RunResponse {
    return {
      run_id: formatId('run', run.runId),
      action_id: formatId('act', run.actionId),
      type: run.type,
      status: run.status,
      attempts: run.attempts,
      result: run.result,
      error: run.error,
      next_attempt_at: formatInstantOrNull(run.nextAttemptAt),
      started_at: formatInstantOrNull(run.startedAt),
      finished_at: formatInstantOrNull(run.finishedAt),
    };
  }
}

export class SentResponse {
  @ApiProperty({ example: 200 })
  status!: number;

  @ApiProperty({
    type: 'object',
    additionalProperties: { type: 'string' },
    example: { 'content-type': 'application/json; charset=utf-8' },
  })
  headers!: Record<string, string>;

  @ApiProperty({ type: String, nullable: true, example: '{"status":"accepted","id":"req_01k9zq5v7c2m8x4r6t0w3y5b7d"}' })
  body!: string | null;
}

/** A request in an endpoint's log. */
export class LoggedRequestResponse {
  @ApiProperty({ example: 'req_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  request_id!: string;

  @ApiProperty({ example: INSTANT })
  timestamp!: string;

  @ApiProperty({ enum: REQUEST_STATUSES, example: 'accepted' })
  status!: string;

  @ApiProperty({ example: 'accepted', description: 'Why, for programs' })
  code!: string;

  @ApiProperty({ type: [StepResponse] })
  steps!: StepResponse[];

  @ApiProperty({ example: false })
  test!: boolean;

  @ApiProperty({ type: String, nullable: true, example: null })
  replay_of!: string | null;

  @ApiProperty({ type: String, nullable: true, example: null })
  duplicate_of!: string | null;

  @ApiProperty({ example: '192.0.2.7' })
  ip!: string;

  @ApiProperty({ example: 'POST' })
  method!: string;

  @ApiProperty({ example: '' })
  query!: string;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description: 'Secret ones are masked',
    example: { 'content-type': 'application/json' },
  })
  headers!: Record<string, unknown>;

  @ApiProperty({
    nullable: true,
    description: 'The body as JSON where it is, else as text or base64',
    example: { action: 'BUY' },
  })
  payload!: unknown;

  @ApiProperty({
    enum: ['json', 'text', 'base64', 'empty', 'gone'],
    example: 'json',
    description: 'How payload is to be read',
  })
  payload_encoding!: string;

  @ApiProperty({ example: 16 })
  body_bytes!: number;

  @ApiProperty({ type: [RunResponse], example: [] })
  actions!: RunResponse[];

  @ApiProperty()
  response!: SentResponse;

  static from(row: LogRow, body: Buffer | undefined, runs: LoggedRun[]): LoggedRequestResponse {
    const { payload, encoding } = shownBody(row, body);
    return {
      request_id: formatId('req', row.id),
      timestamp: formatInstant(uuidTimeMs(row.id)),
      status: row.status,
      code: row.code,
      steps: JSON.parse(row.steps) as StepResponse[],
      test: row.is_test,
      replay_of: row.replay_of === null ? null : formatId('req', row.replay_of),
      duplicate_of: row.duplicate_of === null ? null : formatId('req', row.duplicate_of),
      ip: row.ip,
      method: row.method,
      query: row.query,
      headers: JSON.parse(row.headers) as Record<string, unknown>,
      payload,
      payload_encoding: encoding,
      body_bytes: row.body_bytes,
      actions: runs.map((run) => RunResponse.from(run)),
      response: {
        status: row.response_status,
        headers: JSON.parse(row.response_headers ?? '{}') as Record<string, string>,
        body: givenAnswer(row),
      },
    };
  }
}

export class LogResponse {
  @ApiProperty({ type: [LoggedRequestResponse] })
  logs!: LoggedRequestResponse[];

  @ApiProperty({
    type: String,
    nullable: true,
    description: 'For `after` of the next page; null on the last',
    example: null,
  })
  next!: string | null;
}

export class RecordResponse {
  @ApiProperty({ example: 'run_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  record_id!: string;

  @ApiProperty({ example: 'req_01k9zq5v7c2m8x4r6t0w3y5b7d' })
  request_id!: string;

  @ApiProperty({ nullable: true, example: { action: 'BUY' } })
  data!: unknown;

  @ApiProperty({ example: INSTANT })
  created_at!: string;

  static from(row: RecordRow): RecordResponse {
    return {
      record_id: formatId('run', row.id),
      request_id: formatId('req', row.request_id),
      data: new RawJson(Buffer.from(row.data)),
      created_at: formatInstant(row.created_at.getTime()),
    };
  }
}

export class RecordListResponse {
  @ApiProperty({ type: [RecordResponse] })
  records!: RecordResponse[];

  @ApiProperty({
    type: String,
    nullable: true,
    description: 'For `after` of the next page; null on the last',
    example: null,
  })
  next!: string | null;
}

/** A request was found to be a duplicate after its answer was prepared for the log; the sender was told so. */
function givenAnswer({ id, status, duplicate_of, response_body }: LogRow): string | null {
  const prepared = JSON.stringify({ status: 'accepted', id: formatId('req', id) });
  if (status !== 'duplicate' || response_body !== prepared) return response_body;
  return JSON.stringify({ status: 'duplicate', id: formatId('req', duplicate_of ?? id) });
}
