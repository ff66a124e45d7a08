import type { DeliveryClient } from '#delivery-client/delivery-client';
import { EmbeddedPorts } from './action-ports';
import { ActionWorker } from './action-worker';
import { mailServerOf, type Channels } from './channels';
import { EndpointStore } from './endpoint-store';
import type { ReadOptions } from './read-options';
import { Receiver } from './receive';
import { openStorage } from './storage/open-storage';
import type { SqlDatabase } from './storage/sql-database';
import { StoredActions } from './stored-actions';
import { StoredWebhooks } from './stored-webhooks';
import type { TextSeal } from './text-seal';
import type { WebhookHandler } from './webhook-types';

/** What a webhook manager consists of once its storage is open. */
export interface ManagerParts {
  readonly database: SqlDatabase;
  readonly endpoints: EndpointStore;
  readonly webhooks: StoredWebhooks;
  readonly actions: StoredActions;
  readonly receiver: Receiver;
  readonly worker: ActionWorker;
}

/** What there is before the storage. */
export interface GivenParts {
  readonly seal: TextSeal;
  readonly channels: Channels;
  readonly http: DeliveryClient;
  readonly handlers: ReadonlyMap<string, WebhookHandler>;
}

/** Opens the storage and begins to work off what waits in it. */
export async function openParts(options: ReadOptions, given: GivenParts): Promise<ManagerParts> {
  const { seal, channels, http, handlers } = given;
  const database = await openStorage(options);
  const endpoints = new EndpointStore(database.query, seal, options);
  const mail = options.mail ?? mailServerOf(process.env);
  const ports = new EmbeddedPorts(database.query, http, channels, mail, options.telegramBaseUrl, options.publisher);
  const { warn, concurrency, logPayloads, maxLogEntries } = options;
  const worker = new ActionWorker({ database, endpoints, ports, concurrency, warn });
  const accepted = (): void => {
    worker.kick();
  };
  return {
    database,
    endpoints,
    webhooks: new StoredWebhooks(database, endpoints, seal, options),
    actions: new StoredActions(database, endpoints, seal, accepted),
    receiver: new Receiver({ database, endpoints, handlers, logPayloads, maxLogEntries, accepted, warn }),
    worker,
  };
}
