import { configuredService, runningService } from './running-service';

const REQUEST_TIMEOUT_MS = 30_000;

/**
 * Runs one chat command on the service at API_URL with TOKEN, or on the local start that runs here:
 * `webhook create alerts --secret abc123`. Answers the exit status.
 */
export async function webhookCommand(args: string[]): Promise<number> {
  const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  const service = configuredService() ?? (await runningService(signal));
  if (service === undefined) {
    console.error('No service is running here. Start it (npm start), or set API_URL and TOKEN.');
    return 1;
  }
  const response = await fetch(`${service.apiUrl}/api/chat/commands`, {
    method: 'POST',
    headers: { authorization: `Bearer ${service.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ text: ['/webhook', ...args.map(quoted)].join(' ') }),
    signal,
  });
  const answer = (await response.json()) as { text?: string; message?: string };
  if (!response.ok) console.error(answer.message);
  else console.log(answer.text);
  return response.ok ? 0 : 1;
}

/** As one word of a chat command, whatever the shell has already taken off. */
function quoted(word: string): string {
  return `"${word.replace(/["\\]/g, '\\$&')}"`;
}
