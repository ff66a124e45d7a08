/** A webhook of the run, and what it wants. */
export interface ChaosWebhook {
  /** Where it is received. */
  path: string;
  events: string[];
  /** Whether events with the same key come one after the other. */
  ordered: boolean;
}

export interface ChaosTenant {
  token: string;
  webhooks: ChaosWebhook[];
}

/** The types that are published; each tenant has them as its own. */
export const EVENT_TYPES = ['order.created', 'order.paid', 'parcel.sent'] as const;

/** One of everything that takes a way of its own through the dispatcher: limits need leases, patterns need matching. */
const WEBHOOKS: { events: string[]; more?: { max_in_flight?: number; ordered?: true } }[][] = [
  [
    { events: ['*'] },
    { events: ['order.*'] },
    { events: ['order.created'] },
    { events: ['*'], more: { max_in_flight: 8 } },
  ],
  [{ events: ['*'] }, { events: ['parcel.sent', 'order.paid'] }, { events: ['*'], more: { ordered: true } }],
];

export const WEBHOOK_COUNT = WEBHOOKS.flat().length;

/** Retries soon, and so often that the receiver's failures exhaust nothing. */
const RETRY_POLICY = { max_attempts: 50, backoff_strategy: 'fixed', initial_delay: 300 };

/** Makes the run's tenants and webhooks over the API. @throws Error with what the API answered. */
export async function makeTenants(
  apiUrl: string,
  adminToken: string,
  receiverOrigin: string,
  secret: string,
): Promise<ChaosTenant[]> {
  const tenants: ChaosTenant[] = [];
  let number = 0;
  for (const wanted of WEBHOOKS) {
    const made = await post<{ token: { token: string } }>(`${apiUrl}/api/admin/tenants`, adminToken, {
      name: 'Chaos',
      user: { name: 'Chaos' },
      limits: {},
    });
    const tenant: ChaosTenant = { token: made.token.token, webhooks: [] };
    for (const name of EVENT_TYPES) await post(`${apiUrl}/api/event-types`, tenant.token, { name });
    for (const { events, more } of wanted) {
      number += 1;
      const path = `/webhook-${String(number)}`;
      await post(`${apiUrl}/api/webhooks`, tenant.token, {
        ...{ url: receiverOrigin + path, name: path, events, secret, timeout: 10, retry_policy: RETRY_POLICY },
        ...more,
      });
      tenant.webhooks.push({ path, events, ordered: more?.ordered ?? false });
    }
    tenants.push(tenant);
  }
  return tenants;
}

/** Whether the webhook gets events of this type; said once more here, independently of the product's own rule. */
export function wants(webhook: ChaosWebhook, type: string): boolean {
  return webhook.events.some(
    (wanted) => wanted === '*' || wanted === type || (wanted.endsWith('.*') && type.startsWith(wanted.slice(0, -1))),
  );
}

async function post<T>(url: string, token: string, body: object): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`POST ${url} answered ${String(response.status)}: ${text}`);
  return JSON.parse(text) as T;
}
