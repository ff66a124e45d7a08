import { readFile } from 'node:fs/promises';

const TIMEOUT_MS = 30_000;

/** Options of `hooks import`. */
export interface ImportHooksOptions {
  skipCommands?: boolean;
  /** Imports as the operator, for this tenant. */
  tenant?: string;
}

interface Imported {
  imported: { hook_id: string; name: string; url: string; hook_url: string | null }[];
}

/**
 * Imports a hook file through the API.
 * @param failUsage ends the process with a message about how the command was called.
 * @returns the exit status.
 */
export async function importHooks(
  file: string,
  { skipCommands = false, tenant }: ImportHooksOptions,
  failUsage: (message: string) => never,
): Promise<number> {
  const tokenName = tenant === undefined ? 'TOKEN' : 'ADMIN_TOKEN';
  const token = process.env[tokenName];
  if (token === undefined || token === '') return failUsage(`${tokenName} is required in the environment`);
  const { API_URL: url = 'http://localhost:3000' } = process.env;
  const path = tenant === undefined ? '/api/inbound/import' : `/api/admin/tenants/${tenant}/inbound/import`;
  try {
    const content = await readFile(file, 'utf8');
    const response = await fetch(url.replace(/\/+$/, '') + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ content, commands: skipCommands ? 'skip' : 'run' }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body = (await response.json()) as Imported & { message?: string };
    if (!response.ok) {
      console.error(`cannot import ${file}: ${body.message ?? `the API responded with ${response.status}`}`);
      return 1;
    }
    for (const hook of body.imported) console.log(`${hook.hook_id}  ${hook.hook_url ?? hook.url}`);
    return 0;
  } catch (error) {
    const { message, cause } = error as Error & { cause?: Error };
    console.error(`cannot import ${file}: ${cause === undefined ? message : cause.message || message}`);
    return 1;
  }
}
