import { readFile } from 'node:fs/promises';

const USAGE = `Usage: hooks import FILE [--skip-commands] [--tenant TENANT_ID]

Makes inbound endpoints of a hook file of adnanh/webhook (JSON or YAML).
  API_URL      where the API is; http://localhost:3000 unless given
  TOKEN        of a tenant, with the scope inbound:write: its hooks cannot run commands
  ADMIN_TOKEN  of the operator, together with --tenant: their commands run where INBOUND_COMMANDS is on`;
const TIMEOUT_MS = 30_000;

interface Imported {
  imported: { hook_id: string; name: string; url: string; hook_url: string | null }[];
}

/** Imports a hook file through the API. */
export async function hooksCommand(args: string[]): Promise<number> {
  const wanted = readArguments(args);
  const { API_URL: url = 'http://localhost:3000', TOKEN: token, ADMIN_TOKEN: adminToken } = process.env;
  const bearer = wanted?.tenantId === null ? token : adminToken;
  if (wanted === null || bearer === undefined || bearer === '') {
    console.error(USAGE);
    return 1;
  }
  const path =
    wanted.tenantId === null ? '/api/inbound/import' : `/api/admin/tenants/${wanted.tenantId}/inbound/import`;
  try {
    const content = await readFile(wanted.file, 'utf8');
    const response = await fetch(url.replace(/\/+$/, '') + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: JSON.stringify({ content, commands: wanted.skipsCommands ? 'skip' : 'run' }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const answer = (await response.json()) as Imported & { message?: string };
    if (!response.ok) {
      console.error(`${wanted.file} was not imported: ${answer.message ?? `the API answered ${response.status}`}`);
      return 1;
    }
    for (const hook of answer.imported) console.log(`${hook.hook_id}  ${hook.hook_url ?? hook.url}`);
    return 0;
  } catch (error) {
    const { message, cause } = error as Error & { cause?: Error };
    console.error(`${wanted.file} was not imported: ${cause === undefined ? message : cause.message || message}`);
    return 1;
  }
}

function readArguments(args: string[]): { file: string; skipsCommands: boolean; tenantId: string | null } | null {
  const [subcommand, ...rest] = args;
  let file: string | null = null;
  let tenantId: string | null = null;
  let skipsCommands = false;
  for (let at = 0; at < rest.length; at += 1) {
    const given = rest[at] ?? '';
    if (given === '--skip-commands') skipsCommands = true;
    else if (given === '--tenant' && /^tenant_\w+$/.test(rest[at + 1] ?? '')) tenantId = rest[(at += 1)] ?? null;
    else if (!given.startsWith('--') && file === null) file = given;
    else return null;
  }
  return subcommand === 'import' && file !== null ? { file, skipsCommands, tenantId } : null;
}
