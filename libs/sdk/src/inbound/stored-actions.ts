import { notFound } from '#kernel/app-error';
import { parseId } from '#kernel/ids';
import { readAction } from './action-definition';
import { EndpointStore } from './endpoint-store';
import { newSecret } from './secrets';
import { actionInfo } from './shown';
import { deleteAction, insertAction } from './storage/endpoints.queries';
import type { SqlDatabase } from './storage/sql-database';
import type { TextSeal } from './text-seal';
import type { ActionInfo, WebhookAction } from './webhook-types';

/** The actions of webhooks: those in the storage, and those whose functions this process has. */
export class StoredActions {
  constructor(
    private readonly database: SqlDatabase,
    private readonly endpoints: EndpointStore,
    private readonly seal: TextSeal,
    /** Called when an action can run that could not before. */
    private readonly registered: () => void,
  ) {}

  /** @throws AppError 400, 404. */
  async add(name: string, action: WebhookAction): Promise<ActionInfo> {
    const { database, endpoints } = this;
    const { row } = await endpoints.get(name);
    const read = readAction(row.id, action);
    const forwards = read.type === 'forward' && 'url' in read.settings && !('secret' in read.settings);
    const secret = forwards ? { secret: newSecret() } : {};
    const definition = { ...read, settings: { ...read.settings, ...secret } };
    if (definition.functions === null) {
      const context = EndpointStore.settingsContext(row.id, read.id);
      await insertAction(database.query, {
        endpoint_id: row.id,
        id: read.id,
        type: read.type,
        settings: this.seal.seal(JSON.stringify(definition.settings), context),
        condition: read.condition,
        retry_policy: read.retryPolicy === null ? null : JSON.stringify(read.retryPolicy),
      });
    } else {
      endpoints.register(row.id, definition);
      this.registered();
    }
    return actionInfo((await endpoints.findAction(row.id, read.id)) ?? definition);
  }

  /** @throws AppError 404. */
  async remove(name: string, actionId: string): Promise<void> {
    const { database, endpoints } = this;
    const { row } = await endpoints.get(name);
    const id = parseId('act', actionId);
    const wasFunction = id !== null && endpoints.unregister(row.id, id);
    const wasStored =
      id !== null && (await database.transaction((query) => deleteAction(query, row.id, id, Date.now())));
    if (!wasFunction && !wasStored) throw notFound('Action');
  }
}
