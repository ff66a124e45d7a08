import type { ErrorDetail } from '#kernel/app-error';
import { isJsonObject } from '#event-schemas/json-schema';
import { readValueReference } from '../trigger-rules/read-value-reference';
import type { ValueReference } from '../trigger-rules/request-value';

/** A value that a command gets in its environment. */
export interface EnvironmentValue extends ValueReference {
  readonly envname: string;
}

/** A value that a command gets as a temporary file, whose path stands in its environment. */
export interface FileValue extends EnvironmentValue {
  readonly base64decode: boolean;
}

/** A command of the operator, and what of the request it gets; it never runs in a shell. */
export interface CommandSettings {
  readonly command: string;
  /** Null for the service's own choice. */
  readonly working_directory: string | null;
  readonly arguments: readonly ValueReference[];
  readonly environment: readonly EnvironmentValue[];
  readonly files: readonly FileValue[];
  /** The response waits for the command and is what it writes to its standard output. */
  readonly include_output: boolean;
  /** Also when it fails, standard error included. */
  readonly include_output_on_error: boolean;
}

/** How the members are called: in the API, or in adnanh/webhook's files. */
type MemberNames = Readonly<Record<keyof CommandSettings, string>>;

export const API_NAMES: MemberNames = {
  command: 'command',
  working_directory: 'working_directory',
  arguments: 'arguments',
  environment: 'environment',
  files: 'files',
  include_output: 'include_output',
  include_output_on_error: 'include_output_on_error',
};

export const HOOK_NAMES: MemberNames = {
  command: 'execute-command',
  working_directory: 'command-working-directory',
  arguments: 'pass-arguments-to-command',
  environment: 'pass-environment-to-command',
  files: 'pass-file-to-command',
  include_output: 'include-command-output-in-response',
  include_output_on_error: 'include-command-output-in-response-on-error',
};

const MAX_PATH_LENGTH = 4_096;
const MAX_VALUES = 100;
const PATH = /^[^\0]{1,4096}$/;
const VARIABLE = /^[^=\0]{1,255}$/;

/** Reads a command's settings; null, and problems, when they are wrong. Unknown members are the caller's to refuse. */
export function readCommandSettings(
  given: Readonly<Record<string, unknown>>,
  names: MemberNames,
  field: string,
  problems: ErrorDetail[],
): CommandSettings | null {
  const before = problems.length;
  const at = (member: keyof CommandSettings): string => (field === '' ? names[member] : `${field}.${names[member]}`);
  const path = (member: 'command' | 'working_directory'): string | null => {
    const value = given[names[member]];
    if (typeof value === 'string' && PATH.test(value)) return value;
    if (value !== undefined || member === 'command') {
      const required = value === undefined ? 'is required: it ' : '';
      problems.push({ field: at(member), message: `${required}must be a path of 1 to ${MAX_PATH_LENGTH} characters` });
    }
    return null;
  };
  const flag = (member: 'include_output' | 'include_output_on_error'): boolean => {
    const value = given[names[member]] ?? false;
    if (typeof value !== 'boolean') problems.push({ field: at(member), message: 'must be true or false' });
    return value === true;
  };
  const list = <T>(member: 'arguments' | 'environment' | 'files', read: ReadItem<T>): T[] => {
    const value = given[names[member]] ?? [];
    if (Array.isArray(value) && value.length <= MAX_VALUES) {
      return value.flatMap((item: unknown, index) => read(item, `${at(member)}[${index}]`, problems) ?? []);
    }
    problems.push({ field: at(member), message: `must be a list of at most ${MAX_VALUES} values` });
    return [];
  };
  const settings: CommandSettings = {
    command: path('command') ?? '',
    working_directory: path('working_directory'),
    arguments: list('arguments', (item, place) =>
      readValueReference(item, place, problems, ['envname', 'base64decode']),
    ),
    environment: list('environment', readEnvironmentValue),
    files: list('files', readFileValue),
    include_output: flag('include_output'),
    include_output_on_error: flag('include_output_on_error'),
  };
  return problems.length > before ? null : settings;
}

type ReadItem<T> = (item: unknown, field: string, problems: ErrorDetail[]) => T | null;

/** Without a name of its own a variable is called HOOK_ and what it refers to, as in adnanh/webhook. */
function readEnvironmentValue(item: unknown, field: string, problems: ErrorDetail[]): EnvironmentValue | null {
  const reference = readValueReference(item, field, problems, ['envname', 'base64decode']);
  return reference && withVariable(reference, item, (name) => `HOOK_${name}`, field, problems);
}

function readFileValue(item: unknown, field: string, problems: ErrorDetail[]): FileValue | null {
  const reference = readValueReference(item, field, problems, ['envname', 'base64decode']);
  const value = reference && withVariable(reference, item, (name) => `HOOK_${name.toUpperCase()}`, field, problems);
  const decode = isJsonObject(item) ? (item['base64decode'] ?? false) : false;
  if (typeof decode !== 'boolean') problems.push({ field: `${field}.base64decode`, message: 'must be true or false' });
  return value && { ...value, base64decode: decode === true };
}

function withVariable(
  reference: ValueReference,
  item: unknown,
  defaultName: (name: string) => string,
  field: string,
  problems: ErrorDetail[],
): EnvironmentValue | null {
  const given = isJsonObject(item) ? item['envname'] : undefined;
  const envname = given === undefined || given === '' ? defaultName(reference.name) : given;
  if (typeof envname === 'string' && VARIABLE.test(envname)) return { ...reference, envname };
  problems.push({ field: `${field}.envname`, message: 'must be the name of a variable, of at most 255 characters' });
  return null;
}
