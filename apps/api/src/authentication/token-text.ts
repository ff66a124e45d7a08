import { createHash, hash, randomBytes } from 'node:crypto';

const RANDOM_BYTES = 32;
/** Nothing shorter is ever issued or accepted as BOOTSTRAP_TOKEN, so that guessing costs no lookup. */
export const MIN_TOKEN_LENGTH = 32;
export const MAX_TOKEN_LENGTH = 512;

/** A fresh token: `trae_` and 43 URL-safe characters, 256 bits. */
export function newToken(): string {
  return `trae_${randomBytes(RANDOM_BYTES).toString('base64url')}`;
}

/** What is stored of a token: its SHA-256. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** {@link hashToken} as text (base64), at half the cost, which every request pays. */
export function tokenKey(token: string): string {
  return hash('sha256', token, 'base64');
}
