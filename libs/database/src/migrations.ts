import { InitialSchema1795305600000 } from '../../../migrations/1795305600000-initial-schema';
import { RequestsWriteHistory1795392000000 } from '../../../migrations/1795392000000-requests-write-history';
import { PublishingOrder1795395600000 } from '../../../migrations/1795395600000-publishing-order';
import { EventTypes1795482000000 } from '../../../migrations/1795482000000-event-types';
import { WebhookHealth1795485600000 } from '../../../migrations/1795485600000-webhook-health';
import { WebhookLeases1795489200000 } from '../../../migrations/1795489200000-webhook-leases';
import { RedeliveryJobs1795492800000 } from '../../../migrations/1795492800000-redelivery-jobs';
import { SigningAndAllowLists1795496400000 } from '../../../migrations/1795496400000-signing-and-allow-lists';
import { Audit1795507200000 } from '../../../migrations/1795507200000-audit';
import { Inbound1795510800000 } from '../../../migrations/1795510800000-inbound';
import { DispatcherProcesses1795514400000 } from '../../../migrations/1795514400000-dispatcher-processes';
import { WaitingByTime1795518000000 } from '../../../migrations/1795518000000-waiting-by-time';
import { SlackLinks1795521600000 } from '../../../migrations/1795521600000-slack-links';
import { Ordering1795525200000 } from '../../../migrations/1795525200000-ordering';
import { PublishWindowsWall1795526000000 } from '../../../migrations/1795526000000-publish-windows-wall';
import { Draining1795532400000 } from '../../../migrations/1795532400000-draining';
import { Retention1795536000000 } from '../../../migrations/1795536000000-retention';
import { FanOutBytes1795537500000 } from '../../../migrations/1795537500000-fan-out-bytes';
import { OpenBatches1795600000000 } from '../../../migrations/1795600000000-open-batches';
import { DailyStats1795539600000 } from '../../../migrations/1795539600000-daily-stats';

/** In their order. */
export const MIGRATIONS = [
  InitialSchema1795305600000,
  RequestsWriteHistory1795392000000,
  PublishingOrder1795395600000,
  EventTypes1795482000000,
  WebhookHealth1795485600000,
  WebhookLeases1795489200000,
  RedeliveryJobs1795492800000,
  SigningAndAllowLists1795496400000,
  Audit1795507200000,
  Inbound1795510800000,
  DispatcherProcesses1795514400000,
  WaitingByTime1795518000000,
  SlackLinks1795521600000,
  Ordering1795525200000,
  PublishWindowsWall1795526000000,
  Draining1795532400000,
  Retention1795536000000,
  FanOutBytes1795537500000,
  DailyStats1795539600000,
  OpenBatches1795600000000,
];

/** The name of the newest migration, which the apps wait for at start. */
export function newestMigration(): string {
  return MIGRATIONS.at(-1)?.name ?? '';
}
