import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { hasCode } from './error-code';

export interface KeptSecret {
  readonly value: string;
  /** Whether it was made just now. */
  readonly isNew: boolean;
}

/**
 * The secret kept in the file, made by `make` (32 random bytes, base64url) when the file is missing or empty. Only the
 * user that we are can read the file.
 */
export async function keptSecret(
  file: string,
  make = () => randomBytes(32).toString('base64url'),
): Promise<KeptSecret> {
  const kept = await readFile(file, 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return '';
    throw error;
  });
  if (kept.trim() !== '') return { value: kept.trim(), isNew: false };
  const value = make();
  // By another name first: a start that is killed here must not leave half a secret.
  await writeFile(`${file}.new`, `${value}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return { value, isNew: true };
}
