import { refusedField } from './publish-error';
import type { EventToPublish } from './publisher';

const COMMA = Buffer.from(',');

/**
 * The JSON of `POST /api/events`. The same event always makes the same bytes, by which the service recognises it when it
 * is published again.
 * @throws PublishError 400 when `data` is no JSON object, or a date none.
 */
export function publishRequestBody(event: EventToPublish): Buffer<ArrayBuffer> {
  const others = JSON.stringify({
    event: event.event,
    project_id: event.projectId,
    timestamp: instant('timestamp', event.timestamp),
    event_id: event.eventId,
    ordering_key: event.orderingKey,
    deliver_at: instant('deliver_at', event.deliverAt),
    priority: event.priority,
    version: event.version,
  });
  const start = others === '{}' ? '{' : `${others.slice(0, -1)},`;
  return Buffer.concat([Buffer.from(`${start}"data":`), dataBytes(event.data), Buffer.from('}')]);
}

/** The JSON of `POST /api/events/batch`. */
export function batchRequestBody(events: readonly EventToPublish[]): Buffer<ArrayBuffer> {
  const items = events.flatMap((event, index) =>
    index === 0 ? [publishRequestBody(event)] : [COMMA, publishRequestBody(event)],
  );
  return Buffer.concat([Buffer.from('{"events":['), ...items, Buffer.from(']}')]);
}

function instant(field: string, given: Date | string | undefined): string | undefined {
  if (!(given instanceof Date)) return given;
  if (Number.isNaN(given.getTime())) throw refusedField(field, 'must be a valid date');
  return given.toISOString();
}

function dataBytes(data: EventToPublish['data']): Buffer {
  if (typeof data === 'string' || data instanceof Uint8Array) return givenJson(data);
  // By the types always a text, but an object may say otherwise in its toJSON.
  let text: unknown;
  try {
    text = JSON.stringify(data);
  } catch (error) {
    throw refusedField('data', 'cannot be written as JSON', error);
  }
  if (typeof text !== 'string' || !text.startsWith('{')) throw refusedField('data', 'must be a JSON object');
  return Buffer.from(text);
}

/** Looked at before it goes between other fields: what is no object of its own could end `data` and add to them. */
function givenJson(json: string | Uint8Array): Buffer {
  let parsed: unknown;
  try {
    const text =
      typeof json === 'string' ? json : new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
    parsed = JSON.parse(text);
  } catch (error) {
    throw refusedField('data', 'must be JSON in UTF-8', error);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw refusedField('data', 'must be a JSON object');
  }
  return typeof json === 'string' ? Buffer.from(json) : Buffer.from(json.buffer, json.byteOffset, json.byteLength);
}
