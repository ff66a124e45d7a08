import { createHmac } from 'node:crypto';

/** What passes through an inbound endpoint that nobody else may learn. */
export interface InboundSecrets {
  endpoint_secret: string;
  endpoint_next_secret: string;
  /** Shown in a request that is refused. */
  presented_token: string;
  channel_url: string;
  channel_header: string;
  forward_header: string;
}

/** Makes a request of the API; `shows` where the answer shows the tenant its own secret. */
export type ApiRequest = (
  method: string,
  path: string,
  options: { body?: unknown; shows?: boolean },
) => Promise<Record<string, unknown>>;

/**
 * Makes an endpoint with a notification and a forward, has a request accepted and others refused, and replaces its secret.
 * @param target where the notification and the forward go.
 * @returns the unguessable keys of the endpoint's URLs.
 */
export async function exerciseInbound(
  request: ApiRequest,
  apiUrl: string,
  target: string,
  secrets: InboundSecrets,
): Promise<string[]> {
  const made = await request('POST', '/api/inbound', {
    body: { name: 'canary', secret: secrets.endpoint_secret },
    shows: true,
  });
  await request('POST', '/api/inbound/channels', {
    body: {
      name: 'canary',
      kind: 'http',
      settings: { url: `${target}/fails?key=${secrets.channel_url}`, headers: { 'X-Key': secrets.channel_header } },
    },
  });
  const retry_policy = { max_attempts: 1 };
  for (const action of [
    { type: 'notify', settings: { channels: ['canary'] }, retry_policy },
    { type: 'forward', settings: { url: target, headers: { 'X-Key': secrets.forward_header } }, retry_policy },
  ]) {
    await request('POST', '/api/inbound/canary/actions', { body: action });
  }
  const path = new URL(String(made['url'])).pathname;
  const body = '{"accepted":true}';
  const signature = `sha256=${createHmac('sha256', secrets.endpoint_secret).update(body).digest('hex')}`;
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${secrets.presented_token}` };
  const post = async (query: string, more: object, text = body): Promise<number> =>
    (await fetch(apiUrl + path + query, { method: 'POST', headers: { ...headers, ...more }, body: text })).status;
  const statuses = [
    await post(`?token=${secrets.presented_token}`, { 'x-webhook-signature': signature }),
    await post('', {}),
    await post('', { 'x-webhook-signature': signature }, '{"accepted":'),
    await post('/beyond', { 'x-webhook-signature': signature }),
  ];
  if (statuses[0] !== 200 || statuses.slice(1).some((status) => status < 400)) {
    throw new Error(`The inbound endpoint answered ${statuses.join(', ')}`);
  }
  const again = await request('POST', '/api/inbound/canary/regenerate', {
    body: { url: true, secret: true, new_secret: secrets.endpoint_next_secret, overlap_seconds: 600 },
    shows: true,
  });
  return [made, again].map(({ url }) => new URL(String(url)).pathname.split('/')[2] ?? '');
}
