import type { ChatAction, ChatEndpoint, ChatLogEntry, ChatTest, ListedChatEndpoint } from './chat-endpoints';

const PAYLOAD_LENGTH = 200;

/** One endpoint in a line. */
export function endpointLine(endpoint: ListedChatEndpoint): string {
  const { name, triggerCount, enabled, debug } = endpoint;
  const marks = [enabled ? '' : ' (disabled)', debug ? ' (debug)' : ''].join('');
  return `• ${name}${marks} — ${triggerCount} ${triggerCount === 1 ? 'request' : 'requests'}, last ${instant(endpoint.lastTriggeredAt)}`;
}

/** Everything that `info` shows. */
export function endpointText(endpoint: ChatEndpoint): string {
  return [
    endpoint.name,
    ...(endpoint.description === null ? [] : [endpoint.description]),
    `URL: ${endpoint.url}`,
    `Signature: ${endpoint.scheme}`,
    `State: ${endpoint.enabled ? 'enabled' : 'disabled'}, debug mode ${endpoint.debug ? 'on' : 'off'}`,
    `Created: ${instant(endpoint.createdAt)}`,
    `Triggered: ${endpoint.triggerCount} times, last ${instant(endpoint.lastTriggeredAt)}`,
    `Actions: ${endpoint.actions.length}`,
    ...endpoint.actions.map(actionLine),
  ].join('\n');
}

/** One action in a line. */
export function actionLine({ id, type, summary, condition }: ChatAction): string {
  return `• ${id} ${type}${summary === '' ? '' : `: ${summary}`}${condition === null ? '' : ` — if ${condition}`}`;
}

/** What a test has shown, step by step. */
export function testText(name: string, test: ChatTest): string {
  return [
    `Test of ${name}: ${test.status}, answered with ${test.responseStatus}`,
    ...test.steps.map(({ step, passed, detail }) => `${passed ? '✓' : '✗'} ${step}: ${detail}`),
    ...test.actions.map(({ type, status, detail }) => `→ ${type}: ${status}${detail === null ? '' : ` (${detail})`}`),
    ...(test.actions.length === 0 ? ['No actions were run.'] : []),
  ].join('\n');
}

/** A logged request, with the beginning of its payload. */
export function logText({ receivedAt, status, responseStatus, ip, id, payload }: ChatLogEntry): string {
  const head = `• ${instant(receivedAt)} ${status} (${responseStatus}) from ${ip}, ${id}`;
  if (payload === null) return head;
  return `${head}\n  ${payload.length > PAYLOAD_LENGTH ? `${payload.slice(0, PAYLOAD_LENGTH)}…` : payload}`;
}

function instant(at: Date | null): string {
  return at === null ? 'never' : at.toISOString();
}
