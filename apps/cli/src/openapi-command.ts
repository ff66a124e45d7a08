import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Runs the API's own writer in a process of its own, since apps do not import each other. */
export async function openApiCommand(file: string): Promise<number> {
  const writer = spawn(process.execPath, [join(__dirname, '../../api/openapi.js'), file], { stdio: 'inherit' });
  const [status] = (await once(writer, 'exit')) as [number | null];
  return status ?? 1;
}
