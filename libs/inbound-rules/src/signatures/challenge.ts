import { isJsonObject } from '#event-schemas/json-schema';
import { headerOf, type InboundRequest } from '../inbound-request';
import type { Reply } from '../verdict';
import type { SignatureScheme } from './signature-settings';

/** Slack's are far shorter. */
const MAX_CHALLENGE_LENGTH = 1_024;

/**
 * The answer to a provider that only tries the endpoint out, which is not to be acted on: Slack's `url_verification`
 * and GitHub's `ping`. Null for anything else. The signature has been verified before.
 */
export function challengeReply(
  scheme: SignatureScheme,
  request: InboundRequest,
  payload: unknown,
): { reply: Reply; detail: string } | null {
  if (scheme === 'slack' && isJsonObject(payload) && payload['type'] === 'url_verification') {
    const challenge = payload['challenge'];
    if (typeof challenge !== 'string' || challenge.length > MAX_CHALLENGE_LENGTH) return null;
    return { reply: plainText(challenge), detail: "Slack's url_verification is answered with its challenge" };
  }
  if (scheme === 'github' && headerOf(request, 'x-github-event') === 'ping') {
    return { reply: plainText('pong'), detail: "GitHub's ping is answered and not acted on" };
  }
  return null;
}

function plainText(body: string): Reply {
  return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}
