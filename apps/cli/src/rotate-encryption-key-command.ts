import { loadEnvironment } from '#config/environment';
import { createServicePool } from '#database/pools';
import { resealColumn } from '#database/reseal.queries';
import { createSecretBox } from '#database/secret-box';
import { SEALED_COLUMNS } from '#database/sealed-columns';

/**
 * Seals every stored secret anew with the first key of ENCRYPTION_KEY, so that the others can be taken off the list. May
 * run beside the apps, and be repeated; 1 when something could not be opened.
 */
export async function rotateEncryptionKeyCommand(): Promise<number> {
  let environment;
  try {
    environment = loadEnvironment(process.env);
  } catch (error) {
    console.error((error as Error).message);
    return 1;
  }
  const box = createSecretBox(environment.encryptionKeys);
  const pool = createServicePool(environment.databaseUrl, 1, 'webhooks-cli', () => undefined);
  const unreadable = new Map<string, number>();
  try {
    for (const sealed of SEALED_COLUMNS) {
      const found = await resealColumn(pool, box, sealed);
      if (found.resealed > 0) console.log(`Sealed anew: ${found.resealed} of ${sealed.table}.${sealed.column}`);
      for (const [keyId, count] of found.unreadable) unreadable.set(keyId, (unreadable.get(keyId) ?? 0) + count);
    }
  } catch (error) {
    console.error(`Not all were sealed anew; run it again: ${(error as Error).message}`);
    return 1;
  } finally {
    await pool.end();
  }
  for (const [keyId, count] of unreadable) {
    console.error(`${count} did not open: sealed with key ${keyId}, which ENCRYPTION_KEY does not list, or altered`);
  }
  if (unreadable.size > 0) return 1;
  console.log(`All stored secrets are sealed with key ${box.keyId}, the first of ENCRYPTION_KEY.`);
  return 0;
}
