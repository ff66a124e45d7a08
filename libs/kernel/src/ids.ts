import { hash, randomBytes } from 'node:crypto';

/**
 * Public ids are `<prefix>_<26 characters>`: a 128-bit value in lower-case Crockford base32, so that
 * they sort by time as text too. Inside the process and in the database the same value is a UUID whose
 * first 48 bits are Unix milliseconds (RFC 9562, version 7), so that a lookup by id touches one partition.
 */
export type IdPrefix =
  | 'webhook'
  | 'event'
  | 'del'
  | 'del_test'
  | 'inb'
  | 'act'
  | 'chan'
  | 'req'
  | 'run'
  | 'tenant'
  | 'user'
  | 'tok'
  | 'job'
  | 'audit'
  | 'dispatcher';

const BODY_LENGTH = 26;
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const ALPHABET_CODES = Buffer.from(ALPHABET, 'latin1');
const NO_DIGIT = 255;
/** The value of a hex digit by its character code. */
const HEX_VALUE = new Uint8Array(128).fill(NO_DIGIT);
for (let digit = 0; digit < 16; digit += 1) HEX_VALUE[digit.toString(16).charCodeAt(0)] = digit;
/** Where an id is put together; a text grown character by character costs several times as much. */
const body = Buffer.alloc(BODY_LENGTH);
const VALUE_OF = new Map([...ALPHABET].map((character, value) => [character, value]));
const BODY = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const RANDOM_POOL_BYTES = 8192;
const MAX_COUNTER = 0xfff;

let lastMs = 0;
let counter = 0;
let randomPool = '';
let randomOffset = 0;
/** The beginning of the ids of one millisecond. */
let writtenMs = -1;
let writtenTime = '';

/** A fresh UUIDv7; ids made by one process never go backwards, also within a millisecond. */
export function newUuid(nowMs: number): string {
  if (nowMs > lastMs) {
    lastMs = nowMs;
    counter = 0;
  } else if (++counter > MAX_COUNTER) {
    lastMs += 1;
    counter = 0;
  }
  return formatUuid(lastMs, 0x7000 | counter, randomHex15());
}

/**
 * The id of the delivery of one event to one webhook: derived, so that fanning out twice makes the
 * same rows, and beginning with the event's own first 64 bits, so that the deliveries of an event lie
 * next to each other in the index.
 */
export function deliveryUuid(eventUuid: string, webhookUuid: string): string {
  const digest = hash('sha256', eventUuid + webhookUuid);
  return `${eventUuid.slice(0, 14)}8${eventUuid.slice(15, 18)}-8${digest.slice(0, 3)}-${digest.slice(3, 15)}`;
}

/**
 * The id of the delivery that a bulk redelivery makes of another: derived, so that nothing is made twice, and of the
 * job's own millisecond, but greater than the job's id, so that a job whose range ends at its own id never meets it.
 */
export function redeliveryUuid(jobUuid: string, originalUuid: string): string {
  return deliveryUuid(jobUuid, originalUuid);
}

/** The smallest and the largest id of the deliveries of one event; see {@link deliveryUuid}. */
export function deliveryUuidRange(eventUuid: string): { first: string; last: string } {
  const head = `${eventUuid.slice(0, 14)}8${eventUuid.slice(15, 18)}`;
  return { first: `${head}-0000-000000000000`, last: `${head}-ffff-ffffffffffff` };
}

/** The smallest id of an instant (Unix ms): ids made at or after it are not smaller. */
export function firstUuidAt(atMs: number): string {
  const hex = Math.max(0, Math.floor(atMs)).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-0000-0000-000000000000`;
}

/** The instant (Unix ms) at which an id was made. */
export function uuidTimeMs(uuid: string): number {
  return Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16);
}

/** The public form of an id, for example `webhook_01k9…`. */
export function formatId(prefix: IdPrefix, uuid: string): string {
  // 128 bits are 26 characters of 5 bits; the first carries only 3, as if two bits of 0 came before.
  let pending = 0;
  let bits = 2;
  let length = 0;
  for (let at = 0; at < uuid.length; at += 1) {
    const digit = HEX_VALUE[uuid.charCodeAt(at)] ?? NO_DIGIT;
    if (digit === NO_DIGIT) continue;
    pending = ((pending << 4) | digit) & 0x1ff;
    bits += 4;
    if (bits < 5) continue;
    bits -= 5;
    body[length] = ALPHABET_CODES[(pending >> bits) & 31] ?? 0;
    length += 1;
  }
  return `${prefix}_${body.toString('latin1', 0, length)}`;
}

/** The UUID behind a public id, or null when it is not one of this prefix. Never throws. */
export function parseId(prefix: IdPrefix, id: string): string | null {
  if (!id.startsWith(`${prefix}_`)) return null;
  const body = id.slice(prefix.length + 1);
  if (!BODY.test(body)) return null;
  let hex = '';
  const value = (at: number): number => VALUE_OF.get(body[at] ?? '') ?? 0;
  hex += ((value(0) << 5) | value(1)).toString(16).padStart(2, '0');
  for (let at = 2; at < 26; at += 4) {
    const bits = (value(at) << 15) | (value(at + 1) << 10) | (value(at + 2) << 5) | value(at + 3);
    hex += bits.toString(16).padStart(5, '0');
  }
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Whether a string is a UUID in the form the database answers with. */
export function isUuid(value: string): boolean {
  return UUID.test(value);
}

function formatUuid(ms: number, versionAndCounter: number, random: string): string {
  if (ms !== writtenMs) {
    const time = ms.toString(16).padStart(12, '0');
    writtenTime = `${time.slice(0, 8)}-${time.slice(8)}-`;
    writtenMs = ms;
  }
  return `${writtenTime}${versionAndCounter.toString(16)}-8${random.slice(0, 3)}-${random.slice(3)}`;
}

/** 15 hex digits; drawn from a pool, since a call into the system's generator costs more than the rest of an id. */
function randomHex15(): string {
  if (randomOffset + 15 > randomPool.length) {
    randomPool = randomBytes(RANDOM_POOL_BYTES).toString('hex');
    randomOffset = 0;
  }
  randomOffset += 15;
  return randomPool.slice(randomOffset - 15, randomOffset);
}
