import { isJsonObject } from '#event-schemas/json-schema';
import type { ChannelKind } from './channel-settings';

export interface ChannelResponse {
  readonly status: number;
  /** The beginning of it is enough. */
  readonly body: string;
  /** What Retry-After says. */
  readonly retryAfterMs: number | null;
}

export type ChannelVerdict =
  | { readonly outcome: 'sent' }
  /** Another attempt may help, not before `retryAfterMs` when the provider asks for that. */
  | { readonly outcome: 'retry'; readonly retryAfterMs: number | null; readonly reason: string }
  /** No other attempt would help: a wrong token, a chat that is gone. */
  | { readonly outcome: 'failed'; readonly reason: string };

const MAX_REASON_LENGTH = 200;

/**
 * The robots that answer 200 whatever happens: where they say what happened, and which codes pass by themselves (busy,
 * too many requests).
 */
const ROBOTS: Partial<
  Record<ChannelKind, { codes: readonly string[]; text: readonly string[]; passing: readonly number[] }>
> = {
  dingtalk: { codes: ['errcode'], text: ['errmsg'], passing: [-1, 130101] },
  feishu: { codes: ['code', 'StatusCode'], text: ['msg', 'StatusMessage'], passing: [9499, 11232] },
  wecom: { codes: ['errcode'], text: ['errmsg'], passing: [-1, 45009, 45033] },
};

/** Says whether a channel has taken a message, by its provider's documentation. Never throws. */
export function judgeChannelResponse(kind: Exclude<ChannelKind, 'email'>, response: ChannelResponse): ChannelVerdict {
  const { status } = response;
  const body = parsed(response.body);
  if (status === 429 || status >= 500) {
    return {
      outcome: 'retry',
      retryAfterMs: waitOf(body) ?? response.retryAfterMs,
      reason: reasonOf(status, response),
    };
  }
  if (status < 200 || status > 299) return { outcome: 'failed', reason: reasonOf(status, response) };
  if (kind === 'telegram') {
    return body['ok'] === true ? { outcome: 'sent' } : { outcome: 'failed', reason: reasonOf(status, response) };
  }
  const robot = ROBOTS[kind];
  if (robot === undefined) return { outcome: 'sent' };
  const code = robot.codes.map((name) => body[name]).find((value) => value !== undefined);
  if (code === 0) return { outcome: 'sent' };
  const text = robot.text.map((name) => body[name]).find((value) => typeof value === 'string');
  const shown = typeof code === 'number' ? String(code) : 'no code';
  const reason = `${kind} answers ${shown}: ${typeof text === 'string' ? text : response.body}`.slice(
    0,
    MAX_REASON_LENGTH,
  );
  return robot.passing.includes(Number(code))
    ? { outcome: 'retry', retryAfterMs: null, reason }
    : { outcome: 'failed', reason };
}

/** Seconds: Telegram in `parameters.retry_after`, Discord, with fractions, in `retry_after`. */
function waitOf(body: Record<string, unknown>): number | null {
  const parameters = isJsonObject(body['parameters']) ? body['parameters'] : body;
  const seconds = parameters['retry_after'];
  return typeof seconds === 'number' && seconds >= 0 ? Math.ceil(seconds * 1000) : null;
}

function reasonOf(status: number, { body }: ChannelResponse): string {
  const { description, message } = parsed(body);
  const said = [description, message].find((text) => typeof text === 'string') ?? body;
  return `The channel answers ${status}${said === '' ? '' : `: ${String(said)}`}`.slice(0, MAX_REASON_LENGTH);
}

function parsed(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}
