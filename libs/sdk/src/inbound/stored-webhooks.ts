import { conflict, notFound } from '#kernel/app-error';
import { formatId, newUuid } from '#kernel/ids';
import { hashOf } from './canonical-json';
import { readDefinition, secretsContext, shownSettings, type Endpoint, type StoredSecret } from './endpoint-definition';
import type { EndpointStore } from './endpoint-store';
import type { ReadOptions } from './read-options';
import { newSecret, rotated } from './secrets';
import { actionInfo } from './shown';
import { deleteEndpoint, insertEndpoint, updateEndpoint } from './storage/endpoints.queries';
import type { SqlDatabase } from './storage/sql-database';
import type { TextSeal } from './text-seal';
import type { NewWebhook, WebhookInfo, WebhookSettings } from './webhook-types';

/** The webhooks of a manager, as its application sets them up; their contracts stand at the manager's methods. */
export class StoredWebhooks {
  constructor(
    private readonly database: SqlDatabase,
    private readonly endpoints: EndpointStore,
    private readonly seal: TextSeal,
    private readonly options: ReadOptions,
  ) {}

  /** @throws AppError 400, 409. */
  async create(webhook: NewWebhook): Promise<WebhookInfo> {
    const definition = readDefinition(webhook, this.options);
    const { name, secret } = webhook;
    const id = newUuid(Date.now());
    const definitionHash = hashOf({ definition, secret: secret ?? null });
    const present = secret ?? this.options.defaultSecret ?? newSecret();
    const isNew = await insertEndpoint(this.database.query, {
      id,
      name,
      definition: JSON.stringify(definition),
      definition_hash: definitionHash,
      secrets: this.sealSecrets(id, [{ secret: present, valid_until: null }]),
      created_at: Date.now(),
    });
    const endpoint = await this.endpoints.get(name);
    if (!isNew && endpoint.row.definition_hash !== definitionHash) {
      throw conflict('webhook_exists', `There is a webhook ${name} with other settings: update it, or delete it first`);
    }
    return this.info(endpoint);
  }

  /** @throws AppError 404. */
  async get(name: string): Promise<WebhookInfo> {
    return this.info(await this.endpoints.get(name));
  }

  async list(): Promise<WebhookInfo[]> {
    return Promise.all((await this.endpoints.list()).map((endpoint) => this.info(endpoint)));
  }

  /** @throws AppError 400, 404, 409. */
  async update(name: string, changes: WebhookSettings): Promise<WebhookInfo> {
    const endpoint = await this.endpoints.get(name);
    const settings: WebhookSettings = { ...shownSettings(endpoint.definition), ...changes };
    const definition = readDefinition({ ...settings, name }, this.options);
    return this.change(endpoint, JSON.stringify(definition), endpoint.secrets);
  }

  /** @throws AppError 404. */
  async delete(name: string): Promise<void> {
    const { row } = await this.endpoints.get(name);
    if (!(await this.database.transaction((query) => deleteEndpoint(query, name)))) throw notFound('Webhook');
    this.endpoints.forget(row.id);
  }

  /** @throws AppError 400, 404, 409. */
  async regenerate(
    name: string,
    { secret, overlapSeconds = 0 }: { secret?: string; overlapSeconds?: number },
  ): Promise<WebhookInfo> {
    const endpoint = await this.endpoints.get(name);
    const secrets = rotated(endpoint.secrets, { secret, overlapSeconds }, Date.now());
    return this.change(endpoint, endpoint.row.definition, secrets);
  }

  private async change(endpoint: Endpoint, definition: string, secrets: readonly StoredSecret[]): Promise<WebhookInfo> {
    const { id, name, version } = endpoint.row;
    const row = { id, version, definition, secrets: this.sealSecrets(id, secrets) };
    if (!(await updateEndpoint(this.database.query, row))) {
      throw conflict('webhook_changed', 'The webhook was changed meanwhile; please try again');
    }
    return this.get(name);
  }

  private sealSecrets(id: string, secrets: readonly StoredSecret[]): string {
    return this.seal.seal(JSON.stringify(secrets), secretsContext(id));
  }

  private async info({ row, definition, secrets }: Endpoint): Promise<WebhookInfo> {
    return {
      ...shownSettings(definition),
      id: formatId('inb', row.id),
      name: row.name,
      description: definition.description ?? '',
      url: `${this.options.baseUrl}${this.options.path}/${row.name}`,
      secret: secrets[0]?.secret ?? '',
      createdAt: new Date(row.created_at).toISOString(),
      triggerCount: row.trigger_count,
      lastTrigger: row.last_trigger_at === null ? null : new Date(row.last_trigger_at).toISOString(),
      actions: (await this.endpoints.actionsOf(row.id)).map(actionInfo),
    };
  }
}
