/** The parts of the API's answers that the demo looks at. */
export interface DemoWebhook {
  webhook_id: string;
  stats: { total_deliveries: number; successful_deliveries: number; failed_deliveries: number; success_rate?: number };
}

export interface DemoDelivery {
  delivery_id: string;
  event_id: string;
  event_type: string;
  status: string;
  attempts: number;
  attempt_log: {
    attempt: number;
    started_at: string;
    status: string;
    response_code: number | null;
    response_time: number;
    error: string | null;
  }[];
}

const REQUEST_TIMEOUT_MS = 10_000;
const MAX_SHOWN_CHARACTERS = 500;

/** Requests to the API as any HTTP client would make them. */
export class DemoApi {
  constructor(
    readonly url: string,
    readonly token: string,
    private readonly signal: AbortSignal,
  ) {}

  createWebhook(webhook: object): Promise<DemoWebhook> {
    return this.request('POST', '/api/webhooks', webhook);
  }

  webhook(webhookId: string): Promise<DemoWebhook> {
    return this.request('GET', `/api/webhooks/${webhookId}`);
  }

  async deliveries(webhookId: string): Promise<DemoDelivery[]> {
    const page = await this.request<{ deliveries: DemoDelivery[] }>('GET', `/api/webhooks/${webhookId}/deliveries`);
    return page.deliveries;
  }

  /** Is done even when the demo was stopped or took too long. */
  async deleteWebhook(webhookId: string): Promise<void> {
    await this.request('DELETE', `/api/webhooks/${webhookId}`, undefined, AbortSignal.timeout(REQUEST_TIMEOUT_MS));
  }

  /** @throws Error with the request, and the service's own words when it is refused. */
  private async request<T>(
    method: string,
    path: string,
    body?: object,
    signal = AbortSignal.any([this.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
  ): Promise<T> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.url + path, {
        method,
        headers: {
          authorization: `Bearer ${this.token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal,
      });
      text = await response.text();
    } catch (error) {
      this.signal.throwIfAborted();
      throw new Error(`${method} ${this.url}${path} could not be sent`, { cause: error });
    }
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${messageOf(text)}`);
    return JSON.parse(text) as T;
  }
}

/** The service's own words in the body of an error. */
function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { message: string }).message;
  } catch {
    return text.slice(0, MAX_SHOWN_CHARACTERS);
  }
}
