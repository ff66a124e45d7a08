import { Inject, Injectable } from '@nestjs/common';
import type { Pool } from 'pg';
import { ENVIRONMENT } from '#config/config.module';
import type { Environment } from '#config/environment';
import { SERVICE_POOL } from '#database/database.module';
import type { DeliveryClient } from '#delivery-client/delivery-client';
import type { ActionFunctions } from '#inbound-actions/action-functions';
import { failedForGood, succeeded, type ActionOutcome, type ActionRun } from '#inbound-actions/action-run';
import { Commands } from '#inbound-actions/command/execute-command';
import type { ActionPorts } from '#inbound-actions/execute-action';
import { ChannelPauses } from '#inbound-actions/notify/channel-pauses';
import type { Channel } from '#inbound-actions/notify/notify';
import type { MailServer } from '#inbound-actions/notify/send-mail';
import { readChannelSettings } from '#inbound-rules/notify/read-channel-settings';
import { formatId } from '#kernel/ids';
import { Signals } from '#queues/signals';
import { DELIVERY_CLIENT } from '../attempt/attempt';
import { ActionSettingsReader } from './action-settings-reader';
import { findChannels } from './channels.queries';
import { EventForwarder } from './event-forwarder';
import { insertForward } from './forward-url.queries';
import { RecordKeeper } from './record-keeper';

/** Injection token of the {@link ActionFunctions} that the installation registered. */
export const ACTION_FUNCTIONS = Symbol('action functions');

/** What the service's actions act through. */
@Injectable()
export class InboundPorts {
  private readonly commands: Commands | null;
  private readonly mail: MailServer | null;
  private readonly pauses = new ChannelPauses();

  constructor(
    @Inject(ENVIRONMENT) private readonly environment: Environment,
    @Inject(SERVICE_POOL) private readonly pool: Pool,
    @Inject(DELIVERY_CLIENT) private readonly http: DeliveryClient,
    @Inject(ACTION_FUNCTIONS) private readonly functions: ActionFunctions,
    private readonly settings: ActionSettingsReader,
    private readonly records: RecordKeeper,
    private readonly events: EventForwarder,
    private readonly signals: Signals,
  ) {
    this.commands = environment.inboundCommands ? new Commands(environment.inboundCommandsAtOnce) : null;
    const { smtpUrl: url, smtpFrom: from } = environment;
    this.mail = url === null || from === null ? null : { url, from };
  }

  /** @param webhookId the hidden webhook of the action, if it is one that forwards to a URL. */
  for(webhookId: string | null): ActionPorts {
    return {
      http: this.http,
      functions: this.functions,
      commands: this.commands,
      mail: this.mail,
      telegramBaseUrl: this.environment.telegramApiUrl,
      pauses: this.pauses,
      channels: (tenantId, names) => this.channels(tenantId, names),
      forward: (run, data) => this.forward(run, webhookId, data),
      publish: (run, event) => this.events.publish(run, event),
      record: (run, table, data, maxRecords) => this.records.record(run, table, data, maxRecords),
    };
  }

  private async channels(tenantId: string, names: readonly string[]): Promise<Channel[]> {
    const rows = await findChannels(this.pool, tenantId, names);
    return rows.map((row) => {
      const settings = this.settings.read('channel', row);
      // Fills in what the settings leave to the defaults; that they are right was seen when they were stored.
      const read = settings && readChannelSettings({ ...settings, kind: row.kind }, '', []);
      return { id: row.id, name: row.name, settings: read };
    });
  }

  private async forward(run: ActionRun, webhookId: string | null, data: unknown): Promise<ActionOutcome> {
    const { id: runId, tenantId, receivedAt } = run;
    const body = Buffer.from(JSON.stringify(data ?? null));
    const made =
      webhookId === null
        ? null
        : await insertForward(this.pool, { runId, tenantId, webhookId, data: body, receivedAt });
    if (made === null) return failedForGood('The webhook of the action is gone');
    this.signals.wakeUpAt(Date.now(), Date.now());
    return succeeded({ delivery_id: formatId('del', made.deliveryId), event_id: formatId('event', made.eventId) });
  }
}
