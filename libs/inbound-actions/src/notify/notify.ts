import { buildNotification, type HttpMessage } from '#inbound-rules/notify/build-notification';
import type { ChannelSettings } from '#inbound-rules/notify/channel-settings';
import { judgeChannelResponse } from '#inbound-rules/notify/judge-response';
import { compileTemplate, type Template } from '#inbound-rules/template';
import type { ErrorDetail } from '#kernel/app-error';
import { formatId } from '#kernel/ids';
import { failed, failedForGood, succeeded, type ActionOutcome, type ActionRun } from '../action-run';
import type { NotifySettings } from '../action-settings';
import { CompiledTexts } from '../compiled-texts';
import type { HttpClient } from '../http-callback';
import type { ChannelPauses } from './channel-pauses';
import { sendMail, type MailServer } from './send-mail';

/** A channel of the tenant, its secrets opened. */
export interface Channel {
  readonly id: string;
  readonly name: string;
  /** Null when its secrets cannot be read. */
  readonly settings: ChannelSettings | null;
}

export interface NotifyPorts {
  readonly http: HttpClient;
  /** Null where the operator has set up none. */
  readonly mail: MailServer | null;
  readonly telegramBaseUrl: string;
  readonly pauses: ChannelPauses;
  /** The channels of these names; of no names, the default one. Names of which there is none are left out. */
  channels(tenantId: string, names: readonly string[]): Promise<Channel[]>;
}

/** How a channel took the message; recorded, and what the next attempt goes on from. */
interface ChannelResult {
  channel: string;
  status: 'sent' | 'retrying' | 'failed';
  error?: string;
  /** Paths of the template at which the request has nothing. */
  missing?: readonly string[];
}

const TIMEOUT_MS = 15_000;
const DEFAULT_TEMPLATE = 'Webhook {{metadata.endpoint}}: request {{metadata.id}} from {{metadata.ip}}';
const templates = new CompiledTexts(compile, 1_000);

/** Sends a message to every channel; another attempt leaves out those that have it. */
export async function notify(ports: NotifyPorts, settings: NotifySettings, run: ActionRun): Promise<ActionOutcome> {
  const names = settings.channels ?? [];
  const channels = await ports.channels(run.tenantId, names);
  if (names.length === 0 && channels.length === 0) {
    return failedForGood('There is no default channel; name channels, or make one the default');
  }
  const before = earlierResults(run.previous);
  const known = new Set(channels.map(({ name }) => name));
  const absent = names.filter((name) => !known.has(name));
  const attempts = [
    ...absent.map((name) => Promise.resolve(ended(name, failedForGood(`There is no channel ${name}`)))),
    ...channels.map(async (channel): Promise<Ended> => {
      const earlier = before.get(channel.name);
      if (earlier !== undefined && earlier.status !== 'retrying') return { result: earlier, outcome: null };
      return notifyChannel(ports, settings, run, channel);
    }),
  ];
  return summary(await Promise.all(attempts));
}

interface Ended {
  result: ChannelResult;
  /** Null for one that was settled before. */
  outcome: ActionOutcome | null;
}

async function notifyChannel(
  ports: NotifyPorts,
  { template, subject }: NotifySettings,
  run: ActionRun,
  { id, name, settings }: Channel,
): Promise<Ended> {
  if (settings === null) return ended(name, failed('The secrets of the channel cannot be read'));
  const pausedForMs = ports.pauses.leftMs(id);
  if (pausedForMs > 0) {
    return ended(name, { kind: 'postponed', forMs: pausedForMs, reason: 'The channel asked to wait' });
  }
  const content = {
    template: templates.get(template ?? DEFAULT_TEMPLATE),
    subject: typeof subject === 'string' ? templates.get(subject) : null,
  };
  const options = { telegramBaseUrl: ports.telegramBaseUrl, now: new Date() };
  const { message, missing } = buildNotification(settings, content, run.context, options);
  if (message.kind === 'mail') {
    if (ports.mail === null) return ended(name, failedForGood('E-mail is not set up on this installation: SMTP_URL'));
    return ended(name, await sendMail(ports.mail, message, `${formatId('run', run.id)}.${id}`), missing);
  }
  if (settings.kind === 'email') throw new Error('an e-mail channel made an HTTP message');
  return ended(name, await post(ports, settings.kind, id, message), missing);
}

async function post(
  { http, pauses }: NotifyPorts,
  kind: Exclude<ChannelSettings['kind'], 'email'>,
  channelId: string,
  { url, method, headers, body }: HttpMessage,
): Promise<ActionOutcome> {
  const { outcome, error, responseBody } = await http.send({
    url,
    method,
    headers,
    body: Buffer.from(body),
    timeoutMs: TIMEOUT_MS,
  });
  if (outcome.kind === 'error') {
    if (outcome.errorClass === 'interrupted') return { kind: 'interrupted' };
    return failed(error ?? outcome.errorClass);
  }
  const verdict = judgeChannelResponse(kind, {
    status: outcome.statusCode,
    body: responseBody.toString('utf8'),
    retryAfterMs: outcome.retryAfterMs,
  });
  switch (verdict.outcome) {
    case 'sent':
      return succeeded(null);
    case 'failed':
      return failedForGood(verdict.reason);
    case 'retry':
      if (verdict.retryAfterMs !== null) pauses.pause(channelId, verdict.retryAfterMs);
      return failed(verdict.reason, { retryAfterMs: verdict.retryAfterMs ?? 0 });
  }
}

function ended(channel: string, outcome: ActionOutcome, missing: readonly string[] = []): Ended {
  const more = missing.length === 0 ? {} : { missing };
  switch (outcome.kind) {
    case 'succeeded':
      return { result: { channel, status: 'sent', ...more }, outcome };
    case 'failed':
      return {
        result: { channel, status: outcome.isFinal ? 'failed' : 'retrying', error: outcome.error, ...more },
        outcome,
      };
    case 'postponed':
      return { result: { channel, status: 'retrying', error: outcome.reason }, outcome };
    case 'interrupted':
      return { result: { channel, status: 'retrying' }, outcome };
  }
}

/** One outcome of many: while a channel may still take the message the run goes on, and one that failed fails it. */
function summary(all: Ended[]): ActionOutcome {
  const results = all.map(({ result }) => result);
  const recorded = { channels: results };
  const outcomes = all.flatMap(({ outcome }) => outcome ?? []);
  const open = results.filter(({ status }) => status === 'retrying');
  const error = results
    .flatMap((result) => (result.error === undefined ? [] : [`${result.channel}: ${result.error}`]))
    .join('; ');
  if (open.length === 0) {
    return results.some(({ status }) => status === 'failed') ? failedForGood(error, recorded) : succeeded(recorded);
  }
  const failures = outcomes.filter((outcome) => outcome.kind === 'failed' && !outcome.isFinal);
  const waits = outcomes.map((outcome) =>
    outcome.kind === 'failed' ? outcome.retryAfterMs : outcome.kind === 'postponed' ? outcome.forMs : 0,
  );
  if (failures.length > 0) return failed(error, { retryAfterMs: Math.max(...waits), result: recorded });
  return { kind: 'postponed', forMs: Math.max(...waits), reason: error, result: recorded };
}

function earlierResults(previous: unknown): Map<string, ChannelResult> {
  const { channels } = (previous ?? {}) as { channels?: ChannelResult[] };
  return new Map(Array.isArray(channels) ? channels.map((result) => [result.channel, result]) : []);
}

function compile(text: string): Template {
  const problems: ErrorDetail[] = [];
  const compiled = compileTemplate(text, 'template', problems);
  // It was compiled before it was stored.
  if (compiled === null) throw new Error(problems.map(({ field, message }) => `${field} ${message}`).join('; '));
  return compiled;
}
