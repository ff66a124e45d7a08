import type { MailMessage } from '#inbound-rules/notify/build-notification';
import { failed, failedForGood, succeeded, type ActionOutcome } from '../action-run';

/** The operator's mail server. */
export interface MailServer {
  /** `smtp://user:password@host:port` (STARTTLS where offered, port 587) or `smtps://` (TLS, port 465). */
  readonly url: string;
  /** The sender of every mail. */
  readonly from: string;
}

const DEADLINE_MS = 30_000;
const DEFAULT_PORTS: Record<string, number> = { 'smtp:': 587, 'smtps:': 465 };
const MAX_REASON_LENGTH = 300;

/**
 * Sends one mail over a connection of its own. The sender is always the operator's, since their server answers for it;
 * a channel's own address gets the replies.
 * @param messageId stable over the attempts, so that a repetition can be told.
 */
export async function sendMail(server: MailServer, message: MailMessage, messageId: string): Promise<ActionOutcome> {
  // With the first mail: few installations send any, and the library takes some megabytes of every process.
  const { createTransport } = await import('nodemailer');
  const url = new URL(server.url);
  const transport = createTransport({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (DEFAULT_PORTS[url.protocol] ?? 587) : Number(url.port),
    secure: url.protocol === 'smtps:',
    ...(url.username === ''
      ? {}
      : { auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } }),
    connectionTimeout: DEADLINE_MS / 3,
    greetingTimeout: DEADLINE_MS / 3,
    socketTimeout: DEADLINE_MS / 3,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  let deadline: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_resolve, reject) => {
      deadline = setTimeout(() => {
        reject(new Error(`no answer within ${DEADLINE_MS / 1_000} seconds`));
      }, DEADLINE_MS);
    });
    const sending = transport.sendMail({
      from: server.from,
      ...(message.from === null ? {} : { replyTo: message.from }),
      to: [...message.to],
      subject: message.subject,
      text: message.text,
      messageId: `<${messageId}@${domainOf(server.from)}>`,
    });
    sending.catch(() => undefined); // past the deadline nobody waits for it
    const sent = await Promise.race([sending, late]);
    return succeeded({ accepted: sent.accepted.map(String), rejected: sent.rejected.map(String) });
  } catch (error) {
    return mailFailure(error);
  } finally {
    clearTimeout(deadline);
    transport.close();
  }
}

/** SMTP answers of 5xx stay (RFC 5321, 4.2.1); everything else may be mended by time. */
function mailFailure(error: unknown): ActionOutcome {
  const { responseCode, response, message } = error as { responseCode?: number; response?: string; message: string };
  const text = (response ?? message).slice(0, MAX_REASON_LENGTH);
  if (responseCode === undefined) return failed(`The mail was not sent: ${text}`);
  const refused = `The mail server refuses it: ${text}`;
  return responseCode >= 500 ? failedForGood(refused) : failed(refused);
}

function domainOf(address: string): string {
  return /@([^\s>]+)>?$/.exec(address)?.[1] ?? 'localhost';
}
