import { isJsonObject } from '#event-schemas/json-schema';
import { resolvePath } from '../resolve-path';
import { referencedText, type RequestValues, type ValueReference } from '../trigger-rules/request-value';
import type { CommandSettings, FileValue } from './command-settings';

/** What a command gets of one request. */
export interface CommandInputs {
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly files: readonly { readonly envname: string; readonly content: Buffer }[];
  /** What the settings refer to and the request does not have: an empty argument, no variable, no file. */
  readonly missing: readonly string[];
}

/** Gathers what a command gets of a request, as adnanh/webhook does. Never throws. */
export function commandInputs(settings: CommandSettings, values: RequestValues): CommandInputs {
  const missing: string[] = [];
  const textOf = (reference: ValueReference): string | null => {
    const text = referencedText(reference, values);
    if (text === null) missing.push(`${reference.source} ${reference.name}`);
    // The system ends arguments and variables at NUL.
    return text?.replaceAll('\0', '') ?? null;
  };
  const environment = settings.environment.flatMap((value) => {
    const text = textOf(value);
    return text === null ? [] : [[value.envname, text] as const];
  });
  const files = settings.files.flatMap((file) => {
    const content = contentOf(file, values);
    if (content === null) missing.push(`${file.source} ${file.name}`);
    return content === null ? [] : [{ envname: file.envname, content }];
  });
  return {
    arguments: settings.arguments.map((reference) => textOf(reference) ?? ''),
    environment: Object.fromEntries(environment),
    files,
    missing,
  };
}

function contentOf(file: FileValue, values: RequestValues): Buffer | null {
  if (file.source === 'raw-request-body' && !file.base64decode) return values.body;
  const uploaded = file.source === 'payload' && values.isForm ? resolvePath(values.payload, file.name) : null;
  if (isJsonObject(uploaded) && typeof uploaded['content'] === 'string') {
    return Buffer.from(uploaded['content'], uploaded['encoding'] === 'base64' ? 'base64' : 'utf8');
  }
  const text = referencedText(file, values);
  return text === null ? null : Buffer.from(text, file.base64decode ? 'base64' : 'utf8');
}
