import { notFound } from '#kernel/app-error';
import type { RetryPolicy } from '#webhook-rules/retry-policy';
import type { ActionType } from '#inbound-rules/read-action-settings';
import type { ActionDefinition } from './action-definition';
import { readEndpoint, type DefinitionDefaults, type Endpoint } from './endpoint-definition';
import {
  findAction,
  findEndpoint,
  findEndpointById,
  listActions,
  listEndpoints,
  type ActionRow,
  type EndpointRow,
} from './storage/endpoints.queries';
import type { Query } from './storage/sql-database';
import type { TextSeal } from './text-seal';

const MAX_COMPILED = 1_000;

/**
 * Endpoints and actions as they are now: the row is read each time, since another process may have changed it, and what
 * it compiles to is remembered. Actions with functions live here and nowhere else.
 */
export class EndpointStore {
  private readonly compiled = new Map<string, Endpoint>();
  /** By endpoint, then by action. */
  private readonly functions = new Map<string, Map<string, ActionDefinition>>();

  constructor(
    private readonly query: Query,
    private readonly seal: TextSeal,
    private readonly defaults: DefinitionDefaults,
  ) {}

  /** @throws AppError 404. */
  async get(name: string): Promise<Endpoint> {
    const row = await findEndpoint(this.query, name);
    if (row === null) throw notFound('Webhook');
    return this.read(row);
  }

  async findById(id: string): Promise<Endpoint | null> {
    const row = await findEndpointById(this.query, id);
    return row && this.read(row);
  }

  async list(): Promise<Endpoint[]> {
    return (await listEndpoints(this.query)).map((row) => this.read(row));
  }

  /** Those of the storage, and behind them those with functions that this process has. */
  async actionsOf(endpointId: string): Promise<ActionDefinition[]> {
    const stored = await listActions(this.query, endpointId);
    return [...stored.map((row) => this.readAction(row)), ...(this.functions.get(endpointId)?.values() ?? [])];
  }

  async findAction(endpointId: string, id: string): Promise<ActionDefinition | null> {
    const own = this.functions.get(endpointId)?.get(id);
    if (own !== undefined) return own;
    const row = await findAction(this.query, endpointId, id);
    return row && this.readAction(row);
  }

  register(endpointId: string, action: ActionDefinition): void {
    const known = this.functions.get(endpointId) ?? new Map<string, ActionDefinition>();
    this.functions.set(endpointId, known.set(action.id, action));
  }

  /** False when there was none. */
  unregister(endpointId: string, id: string): boolean {
    return this.functions.get(endpointId)?.delete(id) ?? false;
  }

  forget(endpointId: string): void {
    this.functions.delete(endpointId);
    this.compiled.delete(endpointId);
  }

  /** What the settings of an action are sealed for. */
  static settingsContext(endpointId: string, id: string): string {
    return `webhook_manager_action:${endpointId}:${id}:settings`;
  }

  private read(row: EndpointRow): Endpoint {
    const known = this.compiled.get(row.id);
    const nowMs = Date.now();
    const isCurrent =
      known?.row.version === row.version &&
      known.secrets.every(({ valid_until: until }) => until === null || until > nowMs);
    if (isCurrent) return { ...known, row };
    if (this.compiled.size >= MAX_COMPILED) this.compiled.clear();
    const read = readEndpoint(row, this.seal, this.defaults, nowMs);
    const valid = read.secrets.filter(({ valid_until: until }) => until === null || until > nowMs);
    const endpoint = { ...read, secrets: valid };
    this.compiled.set(row.id, endpoint);
    return endpoint;
  }

  private readAction(row: ActionRow): ActionDefinition {
    const settings = this.seal.unseal(row.settings, EndpointStore.settingsContext(row.endpoint_id, row.id));
    return {
      id: row.id,
      type: row.type as ActionType,
      settings: JSON.parse(settings) as Record<string, unknown>,
      condition: row.condition,
      retryPolicy: row.retry_policy === null ? null : (JSON.parse(row.retry_policy) as RetryPolicy),
      functions: null,
    };
  }
}
