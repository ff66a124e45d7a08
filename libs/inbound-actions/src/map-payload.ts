import { compileMapping, type Mapping as CompiledMapping } from '#inbound-rules/mapping';
import type { ErrorDetail } from '#kernel/app-error';
import type { ActionRun } from './action-run';
import type { Mapping } from './action-settings';
import { CompiledTexts } from './compiled-texts';

const mappings = new CompiledTexts((text) => compile(JSON.parse(text)), 1_000);

/** What goes on: the payload as it is, or what the mapping makes of the request; what it does not have becomes null. */
export function mapPayload(mapping: Mapping, run: ActionRun): unknown {
  if (mapping === undefined || mapping === null) return run.values.payload;
  return mappings.get(JSON.stringify(mapping))(run.context).value;
}

function compile(given: unknown): CompiledMapping {
  const problems: ErrorDetail[] = [];
  const compiled = compileMapping(given, 'mapping', problems);
  // It was compiled before it was stored.
  if (compiled === null) throw new Error(problems.map(({ field, message }) => `${field} ${message}`).join('; '));
  return compiled;
}
