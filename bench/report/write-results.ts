import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchResults } from './bench-results';
import { renderHtml } from './html';

/** Writes what there is so far, under the run's own name and as the latest. */
export async function writeResults(folder: string, results: BenchResults): Promise<void> {
  await mkdir(folder, { recursive: true });
  const name = results.startedAt.replaceAll(':', '-').slice(0, 19);
  const json = `${JSON.stringify(results, null, 1)}\n`;
  const html = renderHtml(results);
  for (const file of [name, 'latest']) {
    await writeFile(join(folder, `${file}.json`), json);
    await writeFile(join(folder, `${file}.html`), html);
  }
}
