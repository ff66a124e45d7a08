/**
 * Array parameters in PostgreSQL's binary format, which `pg` sends as they are. As text, Node escapes each element and
 * PostgreSQL parses it: for an instant that took both of them longer than storing it. A column of nothing but nulls is
 * an empty array, since `unnest` fills up the shorter columns with nulls.
 */

const HEADER_BYTES = 20;
const NULL_LENGTH = -1;
/** Unix ms of 2000-01-01, from which PostgreSQL counts. */
const POSTGRES_EPOCH_MS = 946_684_800_000;
const TWO_TO_32 = 4_294_967_296;

/** Of `pg_type`; the same in every installation. */
const OIDS = { bool: 16, bytea: 17, int2: 21, int4: 23, text: 25, timestamptz: 1184, uuid: 2950 } as const;

/** For `$n::uuid[]`, of ids in their canonical form. */
export function uuidArray(values: readonly (string | null)[]): Buffer {
  return fixedArray(OIDS.uuid, 16, values, writeUuid);
}

/** For `$n::timestamptz[]`, of Unix ms. */
export function instantArray(values: readonly (number | null)[]): Buffer {
  return fixedArray(OIDS.timestamptz, 8, values, (buffer, atMs, at) => {
    // Exact: microseconds stay below 2^53 until the year 2285. In halves, since a BigInt is slow to make.
    const micros = (Math.trunc(atMs) - POSTGRES_EPOCH_MS) * 1000;
    const high = Math.floor(micros / TWO_TO_32);
    buffer.writeInt32BE(high, at);
    buffer.writeUInt32BE(micros - high * TWO_TO_32, at + 4);
  });
}

/** For `$n::integer[]`. */
export function integerArray(values: readonly (number | null)[]): Buffer {
  return fixedArray(OIDS.int4, 4, values, (buffer, value, at) => buffer.writeInt32BE(value, at));
}

/** For `$n::smallint[]`. */
export function smallintArray(values: readonly (number | null)[]): Buffer {
  return fixedArray(OIDS.int2, 2, values, (buffer, value, at) => buffer.writeInt16BE(value, at));
}

/** For `$n::boolean[]`. */
export function booleanArray(values: readonly (boolean | null)[]): Buffer {
  return fixedArray(OIDS.bool, 1, values, (buffer, value, at) => buffer.writeUInt8(value ? 1 : 0, at));
}

/** For `$n::text[]`. */
export function textArray(values: readonly (string | null)[]): Buffer {
  let bytes = 0;
  let previous: string | null = null;
  let previousBytes = 0;
  for (const value of values) {
    if (value === null) continue;
    if (value !== previous) previousBytes = Buffer.byteLength(value);
    previous = value;
    bytes += previousBytes;
  }
  return array(OIDS.text, bytes, values, (buffer, value, at) => buffer.write(value, at));
}

/** For `$n::bytea[]`. */
export function byteaArray(values: readonly (Buffer | null)[]): Buffer {
  let bytes = 0;
  for (const value of values) if (value !== null) bytes += value.length;
  return array(OIDS.bytea, bytes, values, (buffer, value, at) => value.copy(buffer, at));
}

function fixedArray<T>(
  oid: number,
  bytesEach: number,
  values: readonly (T | null)[],
  write: (buffer: Buffer, value: T, at: number) => void,
): Buffer {
  return array(oid, bytesEach * values.length, values, (buffer, value, at) => {
    write(buffer, value, at);
    return bytesEach;
  });
}

/** @param write answers how many bytes it wrote. */
function array<T>(
  oid: number,
  bytes: number,
  values: readonly (T | null)[],
  write: (buffer: Buffer, value: T, at: number) => number,
): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + 4 * values.length + bytes);
  let at = HEADER_BYTES;
  let nulls = 0;
  let previous: T | null = null;
  let previousAt = 0;
  for (const value of values) {
    if (value === null) {
      nulls += 1;
      previous = null;
      at = buffer.writeInt32BE(NULL_LENGTH, at);
    } else if (value === previous) {
      // Tenants, types and versions repeat themselves within a batch.
      const end = at + (at - previousAt);
      buffer.copyWithin(at, previousAt, at);
      previousAt = at;
      at = end;
    } else {
      const length = write(buffer, value, at + 4);
      buffer.writeInt32BE(length, at);
      previous = value;
      previousAt = at;
      at += 4 + length;
    }
  }
  const isEmpty = nulls === values.length;
  buffer.writeInt32BE(isEmpty ? 0 : 1, 0);
  buffer.writeInt32BE(nulls > 0 && !isEmpty ? 1 : 0, 4);
  buffer.writeInt32BE(oid, 8);
  if (isEmpty) return buffer.subarray(0, 12);
  buffer.writeInt32BE(values.length, 12);
  buffer.writeInt32BE(1, 16);
  return buffer.subarray(0, at);
}

const DASH = 45;
/** By character code. */
const HEX_DIGITS = new Uint8Array(128);
for (let digit = 0; digit < 16; digit += 1) {
  HEX_DIGITS[digit.toString(16).charCodeAt(0)] = digit;
  HEX_DIGITS[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

function writeUuid(buffer: Buffer, uuid: string, at: number): void {
  let to = at;
  for (let index = 0; index < uuid.length; index += 2) {
    if (uuid.charCodeAt(index) === DASH) index += 1;
    buffer[to] = ((HEX_DIGITS[uuid.charCodeAt(index)] ?? 0) << 4) | (HEX_DIGITS[uuid.charCodeAt(index + 1)] ?? 0);
    to += 1;
  }
}
