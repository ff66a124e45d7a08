import { w1OneWebhook } from './w1-one-webhook';
import { w10Soak } from './w10-soak';
import { w14Retention } from './w14-retention';
import { w13Inbound } from './w13-inbound';
import { w11Burst } from './w11-burst';
import { w12ThousandHanging } from './w12-thousand-hanging';
import { w2ManyTenants } from './w2-many-tenants';
import { w3FanOut } from './w3-fan-out';
import { w4HangingWebhook } from './w4-hanging-webhook';
import { w5FailingReceivers } from './w5-failing-receivers';
import { w6History } from './w6-history';
import { w7KilledDispatcher } from './w7-killed-dispatcher';
import { w8AcceptOnly, w9BatchPublish } from './w8-accept-only';
import type { Workload } from './workload';

/** In the order in which they run: W1 first, since it says what half load is. */
export const WORKLOADS: readonly Workload[] = [
  ...[w1OneWebhook, w2ManyTenants, w3FanOut, w4HangingWebhook, w5FailingReceivers, w6History, w7KilledDispatcher],
  ...[w8AcceptOnly, w9BatchPublish, w10Soak, w11Burst, w12ThousandHanging, w13Inbound, w14Retention],
];
