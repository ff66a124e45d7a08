import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, isAbsolute, join, sep } from 'node:path';
import { commandInputs } from '#inbound-rules/commands/command-inputs';
import {
  API_NAMES,
  readCommandSettings,
  type CommandSettings as PassedOn,
} from '#inbound-rules/commands/command-settings';
import type { ErrorDetail } from '#kernel/app-error';
import { formatId } from '#kernel/ids';
import { failed, failedForGood, succeeded, type ActionOutcome, type ActionRun } from '../action-run';
import type { CommandSettings } from '../action-settings';
import { writeCommandFiles, type CommandFiles } from './command-files';
import { runProcess, type ProcessResult } from './run-process';
import { Semaphore } from './semaphore';

/** What is recorded of a command that ran, and what a waiting response may answer with. */
export interface CommandResult {
  exit_code: number | null;
  signal: string | null;
  timed_out: boolean;
  /** Standard output and error as UTF-8. */
  output: string;
  truncated: boolean;
  duration_ms: number;
  /** References of which the request had nothing. */
  missing?: string[];
}

const DEFAULT_TIMEOUT_SECONDS = 30;
const DEFAULT_OUTPUT_BYTES = 16 * 1024;
/** Of this process's own variables those that a program needs and that hold no secret. */
const PASSED_ON = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'SystemRoot'];

/** Would make the command load or run what the sender chose, or take itself for someone else. */
const DANGEROUS_VARIABLE =
  /^(?:LD_|DYLD_|GCONV_PATH$|PATH$|IFS$|ENV$|BASH_|SHELLOPTS$|PS4$|PROMPT_COMMAND$|NODE_|PYTHON|PERL|RUBY|JAVA_TOOL|GIT_|HOME$|SHELL$|TMPDIR$|EDITOR$|PAGER$)/i;

/** Runs commands that the operator defined, so many at once; only made where they are switched on. */
export class Commands {
  private readonly places: Semaphore;

  constructor(maxAtOnce: number) {
    this.places = new Semaphore(maxAtOnce);
  }

  async execute(settings: CommandSettings, run: ActionRun): Promise<ActionOutcome> {
    if (!(await this.places.enter(run.signal))) return { kind: 'interrupted' };
    try {
      return await executeCommand(settings, run);
    } finally {
      this.places.release();
    }
  }
}

async function executeCommand(settings: CommandSettings, run: ActionRun): Promise<ActionOutcome> {
  const problems: ErrorDetail[] = [];
  const { working_directory: folder, ...rest } = settings;
  // Fills in what the settings leave to the defaults.
  const passed = readCommandSettings(typeof folder !== 'string' ? rest : settings, API_NAMES, '', problems);
  if (passed === null) return failedForGood(problems.map(({ field, message }) => `${field} ${message}`).join('; '));
  const dangerous = dangerousVariable(passed);
  if (dangerous !== null) return failedForGood(`${dangerous} cannot be set from a request`);
  const input = commandInputs(passed, run.values);
  const workingDirectory = settings.working_directory ?? tmpdir();
  if (!(await isDirectory(workingDirectory)))
    return failedForGood(`working_directory: ${workingDirectory} is not a directory`);
  const environment = minimalEnvironment();
  const program = await findProgram(settings, environment['PATH'] ?? '');
  if (program === null) return failedForGood(notFound(settings.command));

  let files: CommandFiles;
  try {
    files = await writeCommandFiles(input.files, workingDirectory);
  } catch (error) {
    return failed(`files: cannot be written in ${workingDirectory} (${codeOf(error)})`);
  }
  try {
    const result = await runProcess({
      program,
      arguments: [...input.arguments],
      workingDirectory,
      environment: {
        ...environment,
        ...input.environment,
        ...files.environment,
        WEBHOOK_RUN_ID: formatId('run', run.id),
        WEBHOOK_REQUEST_ID: run.context.metadata.id,
        WEBHOOK_ATTEMPT: String(run.attempt),
      },
      timeoutMs: (settings.timeout ?? DEFAULT_TIMEOUT_SECONDS) * 1_000,
      maxOutputBytes: settings.max_output_bytes ?? DEFAULT_OUTPUT_BYTES,
      signal: run.signal,
    });
    return outcomeOf(result, settings, [...input.missing]);
  } finally {
    await files.remove();
  }
}

function outcomeOf(result: ProcessResult, settings: CommandSettings, missing: string[]): ActionOutcome {
  if (!result.started) {
    const code = codeOf(result.error);
    const hint = code === 'E2BIG' ? '; hand large values over as files' : '';
    return failed(`${settings.command} could not be started (${code})${hint}`);
  }
  if (result.interrupted) return { kind: 'interrupted' };
  const recorded: CommandResult = {
    exit_code: result.exitCode,
    signal: result.signal,
    timed_out: result.timedOut,
    output: result.output.toString('utf8'),
    truncated: result.truncated,
    duration_ms: result.durationMs,
    ...(missing.length === 0 ? {} : { missing }),
  };
  if (result.timedOut) {
    const seconds = settings.timeout ?? DEFAULT_TIMEOUT_SECONDS;
    return failed(`the command was ended after its ${seconds} seconds`, { result: recorded });
  }
  if (result.exitCode === 0) return succeeded(recorded);
  const how = result.signal === null ? `with exit code ${result.exitCode}` : `by ${result.signal}`;
  return failed(`the command ended ${how}`, { result: recorded });
}

/** The first variable that only the operator's own text may set, and the settings take from the request. */
function dangerousVariable({ environment, files }: PassedOn): string | null {
  const given = [...environment.filter(({ source }) => source !== 'string'), ...files];
  return given.find(({ envname }) => DANGEROUS_VARIABLE.test(envname))?.envname ?? null;
}

/** Never the service's own settings, which hold its secrets. */
function minimalEnvironment(): Record<string, string> {
  return Object.fromEntries(
    PASSED_ON.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/**
 * Finds the program as adnanh/webhook does: an absolute path as it stands, any other below the working directory where
 * one is set, else, when it has no slash, on the PATH. Null when there is no such file that may be executed.
 */
async function findProgram({ command, working_directory }: CommandSettings, path: string): Promise<string | null> {
  let candidates: string[];
  if (isAbsolute(command)) candidates = [command];
  else if (typeof working_directory === 'string')
    candidates = [join(working_directory, command), ...onPath(command, path)];
  else candidates = onPath(command, path);
  for (const candidate of candidates) {
    if (await isProgram(candidate)) return candidate;
  }
  return null;
}

function onPath(command: string, path: string): string[] {
  if (command.includes(sep)) return [];
  return path.split(delimiter).flatMap((directory) => (isAbsolute(directory) ? [join(directory, command)] : []));
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function notFound(command: string): string {
  const hint = /\s/.test(command) ? '; arguments belong into `arguments`, since no shell splits the text' : '';
  return `command: ${command} is not a program that may be executed${hint}`;
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}
