import { createHash } from 'node:crypto';
import { AppError, invalidRequest, type ErrorDetail } from '#kernel/app-error';
import { newUuid } from '#kernel/ids';
import { parseInstant } from '#kernel/instants';
import { isValidEventType } from '#webhook-rules/event-matching';
import { jsonMembers } from './json-members';
import { PRIORITIES, type NewEvent, type Priority } from './new-event';

/** Who publishes, and what is allowed to them. */
export interface PublishContext {
  tenantId: string;
  /** The only project a bound token may publish to; null for any. */
  projectId: string | null;
  maxEventBytes: number;
  /** The version of an event type that is wanted, by default its newest; null when there is none. */
  eventTypeVersion: (type: string, wanted?: string | null) => string | null;
  nowMs: number;
}

const FIELDS = [
  'event',
  'data',
  'project_id',
  'timestamp',
  'event_id',
  'ordering_key',
  'deliver_at',
  'priority',
  'version',
];
const NO_FINGERPRINT = Buffer.alloc(0);
const MAX_KEY_LENGTH = 255;
const MAX_AHEAD_MS = 30 * 86_400_000;
/** No dot, since Standard Webhooks signs `id.timestamp.body`; nothing that a header could not carry. */
const EVENT_ID = /^[A-Za-z0-9_:-]{1,255}$/;
/** C0 and C1 control characters: none belongs into a key, and PostgreSQL refuses NUL. */
// eslint-disable-next-line no-control-regex -- naming control characters is the purpose
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/**
 * Validates one event of a publish request: `{ event, data, project_id?, timestamp?, event_id?,
 * ordering_key?, deliver_at?, priority?, version? }`.
 * @param parsed the request, parsed.
 * @param raw the same as bytes, from which `data` is taken as it stands.
 * @throws AppError 400 naming every field that is wrong; 413 when `data` is too large; 403 for another
 *   project than the token's.
 */
export function readPublishRequest(
  parsed: unknown,
  raw: Buffer,
  idempotencyKey: string | null,
  context: PublishContext,
): NewEvent {
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw invalidRequest([{ field: 'body', message: 'must be a JSON object' }]);
  }
  const members = jsonMembers(raw);
  const body = parsed as Record<string, unknown>;
  const problems: ErrorDetail[] = unknownFields(members.map((member) => member.key));
  const read = fieldReader(body, problems);

  const type = readEventType(body['event'], body['version'], context, problems);
  const data = members.find((member) => member.key === 'data');
  if (data === undefined || typeof body['data'] !== 'object' || body['data'] === null || Array.isArray(body['data'])) {
    problems.push({ field: 'data', message: 'must be a JSON object' });
  }
  const projectId = read.shortText('project_id');
  const orderingKey = read.shortText('ordering_key');
  const clientEventId = read.eventId();
  const occurredAtMs = read.instant('timestamp');
  const deliverAtMs = read.instant('deliver_at');
  if (deliverAtMs !== null && deliverAtMs > context.nowMs + MAX_AHEAD_MS) {
    problems.push({ field: 'deliver_at', message: 'must be at most 30 days ahead' });
  }
  const priority = read.priority();
  if (idempotencyKey !== null && !IDEMPOTENCY_KEY.test(idempotencyKey)) {
    problems.push({
      field: 'Idempotency-Key',
      message: 'must have 1 to 255 printable ASCII characters without spaces',
    });
  }
  if (problems.length > 0 || data === undefined) throw invalidRequest(problems);

  const bytes = data.end - data.start;
  if (bytes > context.maxEventBytes) {
    throw new AppError(
      413,
      'payload_too_large',
      `data: has ${bytes} bytes; at most ${context.maxEventBytes} are allowed`,
      {
        details: [{ field: 'data', message: `must have at most ${context.maxEventBytes} bytes` }],
      },
    );
  }
  if (context.projectId !== null && projectId !== null && projectId !== context.projectId) {
    throw new AppError(403, 'project_forbidden', `project_id: this token is bound to project ${context.projectId}`);
  }
  return {
    id: newUuid(context.nowMs),
    tenantId: context.tenantId,
    projectId: projectId ?? context.projectId,
    type: type.name,
    version: type.version,
    clientEventId,
    occurredAtMs: occurredAtMs ?? context.nowMs,
    priority,
    orderingKey,
    deliverAtMs: deliverAtMs !== null && deliverAtMs > context.nowMs ? deliverAtMs : null,
    data: raw.subarray(data.start, data.end),
    idempotencyKey,
    fingerprint: idempotencyKey === null && clientEventId === null ? NO_FINGERPRINT : fingerprintOf(raw),
  };
}

function fingerprintOf(raw: Buffer): Buffer {
  return createHash('sha256').update(raw).digest();
}

function unknownFields(keys: string[]): ErrorDetail[] {
  const problems: ErrorDetail[] = [];
  for (const [index, key] of keys.entries()) {
    if (!FIELDS.includes(key))
      problems.push({ field: key, message: `is not a known field; allowed are ${FIELDS.join(', ')}` });
    else if (keys.indexOf(key) !== index) problems.push({ field: key, message: 'is given twice' });
  }
  return problems;
}

function readEventType(
  given: unknown,
  wantedVersion: unknown,
  context: PublishContext,
  problems: ErrorDetail[],
): { name: string; version: string } {
  if (typeof given !== 'string' || !isValidEventType(given)) {
    problems.push({ field: 'event', message: 'must be an event type such as build.completed' });
    return { name: '', version: '' };
  }
  const version = context.eventTypeVersion(given);
  if (version === null)
    problems.push({ field: 'event', message: `${given} is not a known event type; GET /api/event-types lists them` });
  if (version === null || wantedVersion === undefined || wantedVersion === null) {
    return { name: given, version: version ?? '' };
  }
  if (typeof wantedVersion === 'string' && context.eventTypeVersion(given, wantedVersion) === wantedVersion) {
    return { name: given, version: wantedVersion };
  }
  problems.push({ field: 'version', message: `must be a version of ${given}, as text such as "1"` });
  return { name: given, version };
}

function fieldReader(body: Record<string, unknown>, problems: ErrorDetail[]) {
  const optional = <T>(field: string, allowed: string, read: (value: unknown) => T | null): T | null => {
    const value = body[field];
    if (value === undefined || value === null) return null;
    const found = read(value);
    if (found === null) problems.push({ field, message: allowed });
    return found;
  };
  return {
    shortText: (field: string): string | null =>
      optional(field, `must be a text of 1 to ${MAX_KEY_LENGTH} characters without control characters`, (value) =>
        typeof value === 'string' &&
        value.length >= 1 &&
        value.length <= MAX_KEY_LENGTH &&
        !CONTROL.test(value) &&
        value.isWellFormed()
          ? value
          : null,
      ),
    eventId: (): string | null =>
      optional('event_id', 'must have 1 to 255 characters of A-Z a-z 0-9 _ : -', (value) =>
        typeof value === 'string' && EVENT_ID.test(value) ? value : null,
      ),
    instant: (field: string): number | null =>
      optional(field, 'must be an ISO 8601 date and time with Z or an offset', (value) =>
        typeof value === 'string' ? parseInstant(value) : null,
      ),
    priority: (): Priority =>
      optional('priority', `must be one of ${Object.keys(PRIORITIES).join(', ')}`, (value) =>
        typeof value === 'string' && Object.hasOwn(PRIORITIES, value) ? (value as Priority) : null,
      ) ?? 'normal',
  };
}
