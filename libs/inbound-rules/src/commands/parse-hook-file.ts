import { parseDocument } from 'yaml';
import type { ErrorDetail } from '#kernel/app-error';
import { isJsonObject } from '#event-schemas/json-schema';
import { compileEndpointRules, INBOUND_METHODS, type EndpointSettings } from '../compile-endpoint-rules';
import { readHeaderName } from '../read-settings';
import { HOOK_NAMES, readCommandSettings, type CommandSettings } from './command-settings';

/** What an imported hook answers. */
export interface HookResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly message: string;
  /** Whether the answer waits for the command, whose output it then is. */
  readonly wait: boolean;
}

/** One hook of a file, as an endpoint with one command. */
export interface ImportedHook {
  readonly id: string;
  readonly settings: EndpointSettings;
  readonly response: HookResponse;
  readonly command: CommandSettings;
}

/** Which of an endpoint's settings a hook's properties become. */
const SETTINGS = {
  'http-methods': 'methods',
  'incoming-payload-content-type': 'content_type',
  'parse-parameters-as-json': 'parse_as_json',
  'trigger-rule': 'trigger_rule',
  'trigger-rule-mismatch-http-response-code': 'trigger_mismatch_status',
  'trigger-signature-soft-failures': 'trigger_signature_soft_failures',
} as const;

const RESPONSE = ['response-message', 'response-headers', 'success-http-response-code'];
const KNOWN = ['id', ...Object.values(HOOK_NAMES), ...Object.keys(SETTINGS), ...RESPONSE];

const MAX_BYTES = 1_048_576;
const MAX_HOOKS = 1_000;
const MAX_MESSAGE_LENGTH = 65_536;
const MAX_HEADERS = 50;
const ID = /^[^\s/?#%][^\s?#%]{0,254}$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]{0,4096}$/;
/** Go template actions, such as `{{ getenv "SECRET" | js }}`. */
const TEMPLATE_ACTION = /\{\{-?\s*(getenv|if|else|end|range|with|define|template|block|\$|\.|\/\*)/;
const IS_TEMPLATE = 'is a Go template, which is not evaluated here: import what webhook -template makes of it';

/**
 * Parses a hook file of adnanh/webhook, JSON or YAML (of which JSON is a part), or says by hook and property what is
 * wrong, such as `hooks[2].trigger-rule.and[0].match.type`. Hooks are not signed but by their trigger rules, and take
 * every method unless they say otherwise, as there.
 */
export function parseHookFile(text: string): { hooks: ImportedHook[] } | { problems: ErrorDetail[] } {
  const refuse = (message: string) => ({ problems: [{ field: 'file', message }] });
  if (Buffer.byteLength(text) > MAX_BYTES) return refuse(`must have at most ${MAX_BYTES} bytes`);
  const parsed = parse(text);
  if (!('value' in parsed)) return refuse(TEMPLATE_ACTION.test(text) ? IS_TEMPLATE : parsed.problem);
  if (hasTemplateAction(parsed.value)) return refuse(IS_TEMPLATE);
  const list = parsed.value;
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_HOOKS) {
    return refuse(`must be a list of 1 to ${MAX_HOOKS} hooks`);
  }
  const problems: ErrorDetail[] = [];
  const hooks = list.flatMap((hook: unknown, index) => readHook(hook, `hooks[${index}]`, problems) ?? []);
  hooks.forEach(({ id }, index) => {
    const first = hooks.findIndex((hook) => hook.id === id);
    if (first !== index)
      problems.push({ field: `hooks[${index}].id`, message: `is the same as that of hooks[${first}]` });
  });
  return problems.length > 0 ? { problems } : { hooks };
}

function parse(text: string): { value: unknown } | { problem: string } {
  try {
    const document = parseDocument(text, { uniqueKeys: true, stringKeys: true, schema: 'core' });
    const [error] = document.errors;
    if (error !== undefined) return { problem: `is neither JSON nor YAML: ${error.message.split('\n', 1)[0] ?? ''}` };
    // Aliases may not grow what they stand for.
    return { value: document.toJS({ maxAliasCount: 100 }) as unknown };
  } catch (error) {
    return { problem: `is neither JSON nor YAML: ${(error as Error).message.split('\n', 1)[0] ?? ''}` };
  }
}

/** A value whose source is `template` is refused by a message of its own, which says where. */
function hasTemplateAction(value: unknown): boolean {
  if (typeof value === 'string') return TEMPLATE_ACTION.test(value);
  if (typeof value !== 'object' || value === null || ('source' in value && value.source === 'template')) return false;
  return Object.values(value).some(hasTemplateAction);
}

function readHook(given: unknown, field: string, problems: ErrorDetail[]): ImportedHook | null {
  const before = problems.length;
  if (!isJsonObject(given)) {
    problems.push({ field, message: 'must be an object with id and execute-command' });
    return null;
  }
  for (const name of Object.keys(given)) {
    if (KNOWN.includes(name)) continue;
    const known =
      name === 'pre-hook-command'
        ? 'cannot be imported: there is no command before the rules here'
        : 'is not known here';
    problems.push({ field: `${field}.${name}`, message: known });
  }
  const id = given['id'];
  if (typeof id !== 'string' || !ID.test(id)) {
    problems.push({
      field: `${field}.id`,
      message: 'must be a text of 1 to 255 characters without spaces, ?, # and %',
    });
  }
  const settings = settingsOf(given, field, problems);
  const command = readCommandSettings(given, HOOK_NAMES, field, problems);
  const response = readResponse(given, field, problems);
  if (problems.length > before || typeof id !== 'string' || command === null) return null;
  return { id, settings, response: { ...response, wait: command.include_output }, command };
}

function settingsOf(given: Record<string, unknown>, field: string, problems: ErrorDetail[]): EndpointSettings {
  const settings: Record<string, unknown> = { signature: { scheme: 'none' }, methods: [...INBOUND_METHODS] };
  for (const [property, name] of Object.entries(SETTINGS)) {
    const value = given[property];
    // There, 0 and "" are what is not given.
    if (value !== undefined && value !== '' && value !== 0 && value !== null) settings[name] = value;
  }
  const compiled = compileEndpointRules(settings, [], 1);
  if ('problems' in compiled) {
    for (const problem of compiled.problems) {
      problems.push({ ...problem, field: `${field}.${propertyOf(problem.field)}` });
    }
  }
  return settings;
}

/** `trigger_rule.match.type` as `trigger-rule.match.type`. */
function propertyOf(field: string): string {
  const found = Object.entries(SETTINGS).find(
    ([, name]) => field === name || (/^[.[]/.test(field.slice(name.length)) && field.startsWith(name)),
  );
  return found === undefined ? field : found[0] + field.slice(found[1].length);
}

function readResponse(
  given: Record<string, unknown>,
  field: string,
  problems: ErrorDetail[],
): Omit<HookResponse, 'wait'> {
  const message = given['response-message'] ?? '';
  if (typeof message !== 'string' || message.length > MAX_MESSAGE_LENGTH) {
    problems.push({
      field: `${field}.response-message`,
      message: `must be a text of at most ${MAX_MESSAGE_LENGTH} characters`,
    });
  }
  const code = given['success-http-response-code'] ?? 0;
  if (code !== 0 && (!Number.isInteger(code) || Number(code) < 200 || Number(code) > 599)) {
    problems.push({ field: `${field}.success-http-response-code`, message: 'must be a whole number from 200 to 599' });
  }
  return {
    status: code === 0 ? 200 : Number(code),
    headers: readHeaders(given['response-headers'], `${field}.response-headers`, problems),
    message: typeof message === 'string' ? message : '',
  };
}

function readHeaders(given: unknown, field: string, problems: ErrorDetail[]): Record<string, string> {
  const list = given ?? [];
  if (!Array.isArray(list) || list.length > MAX_HEADERS) {
    problems.push({ field, message: `must be a list of at most ${MAX_HEADERS} headers, each with name and value` });
    return {};
  }
  const headers = list.flatMap((item: unknown, index) => {
    const { name, value } = isJsonObject(item) ? item : {};
    const headerName = readHeaderName(name, `${field}[${index}].name`, problems);
    if (typeof value !== 'string' || !HEADER_VALUE.test(value)) {
      problems.push({ field: `${field}[${index}].value`, message: 'must be a text without line ends' });
      return [];
    }
    return headerName === null ? [] : [[headerName, value] as const];
  });
  return Object.fromEntries(headers);
}
