import { AppError } from '#kernel/app-error';
import type { NewEvent } from './new-event';
import { readPublishRequest, type PublishContext } from './publish-request';

const NOW_MS = Date.UTC(2026, 10, 22, 12);
const CONTEXT: PublishContext = {
  tenantId: '00000000-0000-7000-8000-000000000001',
  projectId: null,
  maxEventBytes: 64,
  eventTypeVersion: (type, wanted) => (type === 'build.completed' ? (wanted ?? '2') : null),
  nowMs: NOW_MS,
};
const VALID = '"event":"build.completed","data":{}';

function read(json: string, context: Partial<PublishContext> = {}, key: string | null = null): NewEvent {
  return readPublishRequest(JSON.parse(json), Buffer.from(json), key, { ...CONTEXT, ...context });
}

function refusal(json: string, context: Partial<PublishContext> = {}, key: string | null = null): AppError {
  try {
    read(json, context, key);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('readPublishRequest', () => {
  it('keeps the bytes of data as they stand', () => {
    const data = '{ "n" : 1.0, "big":12345678901234567890 }';
    expect(read(`{"event":"build.completed", "data" : ${data} }`).data.toString()).toBe(data);
  });

  it('fills in what was left out', () => {
    expect(read(`{${VALID}}`)).toMatchObject({
      type: 'build.completed',
      version: '2',
      projectId: null,
      clientEventId: null,
      occurredAtMs: NOW_MS,
      priority: 'normal',
      orderingKey: null,
      deliverAtMs: null,
    });
  });

  it('reads every field', () => {
    const event = read(
      `{${VALID},"project_id":"p1","timestamp":"2024-01-01T12:00:00Z","event_id":"e-1","ordering_key":"k",` +
        `"deliver_at":"2026-11-23T00:00:00Z","priority":"high","version":"1"}`,
    );
    expect(event).toMatchObject({
      projectId: 'p1',
      occurredAtMs: Date.UTC(2024, 0, 1, 12),
      clientEventId: 'e-1',
      orderingKey: 'k',
      deliverAtMs: Date.UTC(2026, 10, 23),
      priority: 'high',
      version: '1',
    });
  });

  it('delivers at once what was scheduled for the past', () => {
    expect(read(`{${VALID},"deliver_at":"2020-01-01T00:00:00Z"}`).deliverAtMs).toBeNull();
  });

  it.each([
    ['"data":{}', 'event'],
    ['"event":"build.completed"', 'data'],
    ['"event":"build.completed","data":[]', 'data'],
    ['"event":"build.completed","data":null', 'data'],
    ['"event":"no.such.type","data":{}', 'event'],
    ['"event":7,"data":{}', 'event'],
    [`${VALID},"data":{}`, 'data'],
    [`${VALID},"colour":"red"`, 'colour'],
    [`${VALID},"__proto__":{}`, '__proto__'],
    [`${VALID},"project_id":""`, 'project_id'],
    [`${VALID},"project_id":"a\\u0000b"`, 'project_id'],
    [`${VALID},"project_id":"\\ud800"`, 'project_id'],
    [`${VALID},"event_id":"a b"`, 'event_id'],
    [`${VALID},"event_id":"a.b"`, 'event_id'],
    [`${VALID},"timestamp":"yesterday"`, 'timestamp'],
    [`${VALID},"timestamp":1700000000`, 'timestamp'],
    [`${VALID},"deliver_at":"2027-11-23T00:00:00Z"`, 'deliver_at'],
    [`${VALID},"priority":"urgent"`, 'priority'],
    [`${VALID},"priority":"constructor"`, 'priority'],
  ])('refuses {%s} naming %s', (members, field) => {
    const error = refusal(`{${members}}`);
    expect(error.status).toBe(400);
    expect(error.details.map((detail) => detail.field)).toContain(field);
  });

  it('names every field that is wrong at once', () => {
    expect(refusal('{"event":1,"data":2,"priority":3}').details).toHaveLength(3);
  });

  it('refuses a key that no header should carry', () => {
    expect(refusal(`{${VALID}}`, {}, 'two words').details[0]?.field).toBe('Idempotency-Key');
  });

  it('refuses data that is too large, by its bytes', () => {
    const error = refusal(`{"event":"build.completed","data":{"text":"${'é'.repeat(40)}"}}`);
    expect([error.status, error.code]).toEqual([413, 'payload_too_large']);
  });

  it('lets a token that is bound to a project publish to that one only', () => {
    expect(read(`{${VALID}}`, { projectId: 'mine' }).projectId).toBe('mine');
    expect(refusal(`{${VALID},"project_id":"other"}`, { projectId: 'mine' }).status).toBe(403);
  });

  it('gives the same bytes under a key the same fingerprint, and others another', () => {
    const of = (text: string) => read(text, {}, 'key').fingerprint;
    expect(of(`{${VALID}}`)).toEqual(of(`{${VALID}}`));
    expect(of(`{${VALID} }`)).not.toEqual(of(`{${VALID}}`));
    expect(read(`{${VALID},"event_id":"mine"}`).fingerprint).toHaveLength(32);
  });
});
