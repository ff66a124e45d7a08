import type { ErrorDetail } from '#kernel/app-error';
import { isJsonObject } from '#event-schemas/json-schema';
import { readHeaderName, refuseUnknown } from '../read-settings';
import {
  HMAC_ALGORITHMS,
  SCHEME_OPTIONS,
  SIGNATURE_ENCODINGS,
  SIGNATURE_SCHEMES,
  type SignatureScheme,
  type SignatureSettings,
} from './signature-settings';
import { signedContentProblem } from './signed-content';

const DEFAULT_SIGNATURE: SignatureSettings = { scheme: 'webhook' };

const MAX_TOLERANCE_SECONDS = 86_400;
const MAX_PREFIX_LENGTH = 64;
const MAX_CONTENT_LENGTH = 512;

/** Reads `{ "scheme": …, …options }`, or the scheme's name alone; the default is `webhook`. */
export function readSignatureSettings(given: unknown, problems: ErrorDetail[]): SignatureSettings {
  if (given === undefined) return DEFAULT_SIGNATURE;
  const settings = typeof given === 'string' ? { scheme: given } : given;
  if (!isJsonObject(settings) || !isScheme(settings['scheme'])) {
    problems.push({ field: 'signature.scheme', message: `must be one of ${SIGNATURE_SCHEMES.join(', ')}` });
    return DEFAULT_SIGNATURE;
  }
  const scheme = settings['scheme'];
  refuseUnknown(settings, ['scheme', ...SCHEME_OPTIONS[scheme]], 'signature', problems);
  const read: Draft = { scheme };
  const { header, timestamp_header: timestampHeader, algorithm, encoding, prefix } = settings;
  if (header !== undefined) {
    const name = readHeaderName(header, 'signature.header', problems);
    if (name !== null) read.header = name;
  } else if (scheme === 'hmac')
    problems.push({ field: 'signature.header', message: 'is required for the scheme hmac' });
  if (timestampHeader !== undefined) {
    const name = readHeaderName(timestampHeader, 'signature.timestamp_header', problems);
    if (name !== null) read.timestamp_header = name;
  }
  const isAlgorithm = oneOf(HMAC_ALGORITHMS, 'signature.algorithm', problems);
  if (isAlgorithm(algorithm)) read.algorithm = algorithm;
  const isEncoding = oneOf(SIGNATURE_ENCODINGS, 'signature.encoding', problems);
  if (isEncoding(encoding)) read.encoding = encoding;
  const isPrefix = shortText(MAX_PREFIX_LENGTH, 'signature.prefix', problems);
  if (isPrefix(prefix)) read.prefix = prefix;
  readTolerance(settings['tolerance_seconds'], read, problems);
  readContent(settings['signed_content'], timestampHeader !== undefined, read, problems);
  return read;
}

type Draft = { -readonly [Key in keyof SignatureSettings]: SignatureSettings[Key] };

function readTolerance(given: unknown, read: Draft, problems: ErrorDetail[]): void {
  if (given === undefined) return;
  if (Number.isInteger(given) && Number(given) >= 1 && Number(given) <= MAX_TOLERANCE_SECONDS) {
    read.tolerance_seconds = Number(given);
  } else {
    problems.push({
      field: 'signature.tolerance_seconds',
      message: `must be a whole number from 1 to ${MAX_TOLERANCE_SECONDS}`,
    });
  }
}

function readContent(given: unknown, hasTimestamp: boolean, read: Draft, problems: ErrorDetail[]): void {
  const isContent = shortText(MAX_CONTENT_LENGTH, 'signature.signed_content', problems);
  if (!isContent(given)) return;
  const problem = signedContentProblem(given, hasTimestamp);
  if (problem === null) read.signed_content = given;
  else problems.push({ field: 'signature.signed_content', message: problem });
}

function isScheme(given: unknown): given is SignatureScheme {
  return SIGNATURE_SCHEMES.includes(given as SignatureScheme);
}

function oneOf<T extends string>(allowed: readonly T[], field: string, problems: ErrorDetail[]) {
  return (given: unknown): given is T => {
    if (given === undefined) return false;
    if (allowed.includes(given as T)) return true;
    problems.push({ field, message: `must be one of ${allowed.join(', ')}` });
    return false;
  };
}

function shortText(maxLength: number, field: string, problems: ErrorDetail[]) {
  return (given: unknown): given is string => {
    if (given === undefined) return false;
    if (typeof given === 'string' && given.length <= maxLength) return true;
    problems.push({ field, message: `must be a text of at most ${maxLength} characters` });
    return false;
  };
}
