import { isJsonObject } from '#event-schemas/json-schema';
import { API_NAMES, readCommandSettings } from './commands/command-settings';
import { compileCondition } from './condition';
import { compileMapping } from './mapping';
import { refuseUnknown } from './read-settings';
import { compileTemplate } from './template';
import type { ErrorDetail } from '#kernel/app-error';
import { isValidEventType } from '#webhook-rules/event-matching';
import { isUsableSecret } from '#webhook-rules/signature';
import { headerProblem } from '#webhook-rules/custom-headers';

export const ACTION_TYPES = ['notify', 'forward', 'log', 'execute', 'custom'] as const;
export type ActionType = (typeof ACTION_TYPES)[number];

/** Settings as they are stored: what may be shown, and what is sealed. */
export interface ActionSettings {
  shown: Record<string, unknown>;
  secrets: Record<string, unknown>;
}

const TABLE_NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,62}$/;
const CHANNEL_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const HANDLER_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,127}$/;
const MAX_CHANNELS = 20;
const MAX_RECORDS = 1_000_000;
const MAX_SUBJECT_LENGTH = 255;
const MAX_URL_LENGTH = 2_048;
const FIELD = 'settings';

/**
 * Reads the settings of an action by its type; what is wrong is added to the problems, with the field and what is
 * allowed there.
 * @param isOperator whether they may run commands.
 */
export function readActionSettings(
  type: ActionType,
  given: unknown,
  isOperator: boolean,
  problems: ErrorDetail[],
): ActionSettings {
  if (given !== undefined && !isJsonObject(given)) {
    problems.push({ field: FIELD, message: 'must be an object' });
    return { shown: {}, secrets: {} };
  }
  const reader = new Reader(given ?? {}, problems);
  switch (type) {
    case 'notify':
      return reader.notify();
    case 'forward':
      return reader.forward();
    case 'log':
      return reader.log();
    case 'execute':
      return reader.execute(isOperator);
    case 'custom':
      return reader.custom();
  }
}

/** Reads a condition; null for none. */
export function readCondition(given: string | null | undefined, problems: ErrorDetail[]): string | null {
  if (given === undefined || given === null) return null;
  compileCondition(given, 'condition', problems);
  return given;
}

class Reader {
  constructor(
    private readonly given: Record<string, unknown>,
    private readonly problems: ErrorDetail[],
  ) {}

  notify(): ActionSettings {
    this.allow('channels', 'template', 'subject');
    const { channels, template, subject } = this.given;
    if (
      channels !== undefined &&
      !(
        Array.isArray(channels) &&
        channels.length > 0 &&
        channels.length <= MAX_CHANNELS &&
        channels.every((name) => typeof name === 'string' && CHANNEL_NAME.test(name))
      )
    ) {
      this.refuse(
        'channels',
        `must be a list of 1 to ${MAX_CHANNELS} names of channels; without it the default one is used`,
      );
    }
    if (template !== undefined) compileTemplate(template, `${FIELD}.template`, this.problems);
    if (subject !== undefined) {
      compileTemplate(subject, `${FIELD}.subject`, this.problems);
      if (typeof subject === 'string' && subject.length > MAX_SUBJECT_LENGTH) {
        this.refuse('subject', `must have at most ${MAX_SUBJECT_LENGTH} characters`);
      }
    }
    return { shown: this.given, secrets: {} };
  }

  forward(): ActionSettings {
    const { url, event, project_id: projectId } = this.given;
    if ((url === undefined) === (event === undefined)) {
      this.refuse('', 'must have either url, to forward to, or event, to publish');
      return { shown: this.given, secrets: {} };
    }
    this.mapping();
    if (url === undefined) {
      this.allow('event', 'project_id', 'mapping');
      if (typeof event !== 'string' || !isValidEventType(event)) {
        this.refuse('event', 'must be an event type such as signal.received');
      }
      if (projectId !== undefined && projectId !== null && (typeof projectId !== 'string' || projectId.length > 255)) {
        this.refuse('project_id', 'must be a text of at most 255 characters');
      }
      return { shown: this.given, secrets: {} };
    }
    this.allow('url', 'secret', 'headers', 'timeout', 'mapping');
    this.url(url);
    this.credentials();
    this.seconds('timeout', 1, 60);
    return this.split();
  }

  log(): ActionSettings {
    this.allow('table', 'destination', 'mapping', 'max_records');
    const { table, destination, max_records: maxRecords } = this.given;
    if (typeof table !== 'string' || !TABLE_NAME.test(table)) {
      this.refuse('table', 'must be a name of at most 63 letters, digits, _, . and -, such as signal_history');
    }
    if (destination !== undefined && destination !== 'database') this.refuse('destination', 'must be database');
    if (maxRecords !== undefined && !isWhole(maxRecords, 1, MAX_RECORDS)) {
      this.refuse('max_records', `must be a whole number from 1 to ${MAX_RECORDS}`);
    }
    this.mapping();
    return { shown: this.given, secrets: {} };
  }

  execute(isOperator: boolean): ActionSettings {
    const kinds = ['handler', 'url', 'command'].filter((name) => this.given[name] !== undefined);
    if (kinds.length !== 1) {
      this.refuse('', 'must have exactly one of handler, registered by the operator, and url, a callback');
      return { shown: this.given, secrets: {} };
    }
    if (kinds[0] === 'command') {
      if (!isOperator) this.refuse('command', 'can be set by the operator only: hooks import');
      this.allow('command', 'working_directory', 'arguments', 'environment', 'files', 'timeout', 'max_output_bytes');
      this.seconds('timeout', 1, 3_600);
      readCommandSettings(this.given, API_NAMES, FIELD, this.problems);
      return { shown: this.given, secrets: {} };
    }
    this.mapping();
    if (kinds[0] === 'handler') {
      this.allow('handler', 'mapping', 'timeout');
      this.handlerName('handler');
      this.seconds('timeout', 1, 300);
      return { shown: this.given, secrets: {} };
    }
    this.allow('url', 'secret', 'headers', 'mapping', 'timeout');
    this.url(this.given['url']);
    this.credentials();
    this.seconds('timeout', 1, 60);
    return this.split();
  }

  custom(): ActionSettings {
    this.allow('function', 'options');
    this.handlerName('function');
    return { shown: this.given, secrets: {} };
  }

  private split(): ActionSettings {
    const { secret, headers, ...shown } = this.given;
    return {
      shown,
      secrets: { ...(secret !== undefined && { secret }), ...(headers !== undefined && { headers }) },
    };
  }

  private handlerName(name: string): void {
    const value = this.given[name];
    if (typeof value === 'string' && HANDLER_NAME.test(value)) return;
    this.refuse(name, 'must be the name of a registered function: at most 128 letters, digits, _, ., : and -');
  }

  private mapping(): void {
    const { mapping } = this.given;
    if (mapping !== undefined) compileMapping(mapping, `${FIELD}.mapping`, this.problems);
  }

  private url(value: unknown): void {
    if (typeof value === 'string' && value.length <= MAX_URL_LENGTH) return;
    this.refuse('url', `must be an http or https URL of at most ${MAX_URL_LENGTH} characters`);
  }

  private credentials(): void {
    const { secret, headers } = this.given;
    if (
      secret !== undefined &&
      !(typeof secret === 'string' && secret.length >= 6 && secret.length <= 256 && isUsableSecret(secret))
    ) {
      this.refuse('secret', 'must be a text of 6 to 256 characters, or whsec_ followed by base64');
    }
    const problem = headers === undefined ? null : headerProblem(headers);
    if (problem !== null) this.refuse('headers', problem);
  }

  private seconds(name: string, min: number, max: number): void {
    const value = this.given[name];
    if (value !== undefined && !isWhole(value, min, max)) {
      this.refuse(name, `must be a whole number of seconds from ${min} to ${max}`);
    }
  }

  private allow(...names: string[]): void {
    refuseUnknown(this.given, names, FIELD, this.problems);
  }

  private refuse(name: string, message: string): void {
    this.problems.push({ field: name === '' ? FIELD : `${FIELD}.${name}`, message });
  }
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && Number(value) >= min && Number(value) <= max;
}
