import type { ActionOutcome, ActionRun } from './action-run';
import { failedForGood } from './action-run';
import { callFunction, type ActionFunctions } from './action-functions';
import type {
  ActionType,
  CommandSettings,
  CustomSettings,
  ExecuteSettings,
  ForwardSettings,
  LogSettings,
} from './action-settings';
import type { Commands } from './command/execute-command';
import { callBack, type HttpClient } from './http-callback';
import { mapPayload } from './map-payload';
import { notify, type NotifyPorts } from './notify/notify';

/** What actions act through; the service and an embedding application each have their own. */
export interface ActionPorts extends NotifyPorts {
  readonly http: HttpClient;
  readonly functions: ActionFunctions;
  /** Null where commands are switched off. */
  readonly commands: Commands | null;
  /** Sends data on to the URL of the action. */
  forward(run: ActionRun, data: unknown): Promise<ActionOutcome>;
  /** Publishes an event. */
  publish(run: ActionRun, event: { type: string; projectId: string | null; data: unknown }): Promise<ActionOutcome>;
  /** Keeps a record in a table, and of the table the newest so many. */
  record(run: ActionRun, table: string, data: unknown, maxRecords: number): Promise<ActionOutcome>;
}

const DEFAULT_MAX_RECORDS = 10_000;

/** Runs one action once. Rejects only for a fault of ours; whatever the action meets is an outcome. */
export async function executeAction(
  ports: ActionPorts,
  type: ActionType,
  settings: Readonly<Record<string, unknown>>,
  run: ActionRun,
): Promise<ActionOutcome> {
  switch (type) {
    case 'notify':
      return notify(ports, settings, run);
    case 'forward': {
      const { event, project_id: projectId, mapping } = settings as ForwardSettings;
      const data = mapPayload(mapping, run);
      return event === undefined
        ? ports.forward(run, data)
        : ports.publish(run, { type: event, projectId: projectId ?? null, data });
    }
    case 'log': {
      const { table, mapping, max_records: maxRecords } = settings as unknown as LogSettings;
      return ports.record(run, table, mapPayload(mapping, run), maxRecords ?? DEFAULT_MAX_RECORDS);
    }
    case 'execute':
      return execute(ports, settings as unknown as ExecuteSettings, run);
    case 'custom': {
      const { function: name, options } = settings as unknown as CustomSettings;
      const input = { payload: run.values.payload, options, timeoutSeconds: undefined };
      return callFunction(ports.functions, name, input, run);
    }
  }
}

async function execute(ports: ActionPorts, settings: ExecuteSettings, run: ActionRun): Promise<ActionOutcome> {
  if ('command' in settings) return runCommand(ports.commands, settings, run);
  const payload = mapPayload(settings.mapping, run);
  if ('url' in settings) return callBack(ports.http, settings, payload, run);
  const input = { payload, options: undefined, timeoutSeconds: settings.timeout };
  return callFunction(ports.functions, settings.handler, input, run);
}

async function runCommand(
  commands: Commands | null,
  settings: CommandSettings,
  run: ActionRun,
): Promise<ActionOutcome> {
  return commands === null
    ? failedForGood('Commands are switched off: INBOUND_COMMANDS')
    : commands.execute(settings, run);
}
