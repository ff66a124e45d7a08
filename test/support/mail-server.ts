import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { waitFor } from './wait-for';

export interface ReceivedMail {
  from: string;
  to: string[];
  /** Headers and text as they came. */
  source: string;
  user: string | undefined;
}

export interface MailServer {
  /** `smtp://user:password@127.0.0.1:port` */
  readonly url: string;
  readonly mails: ReceivedMail[];
  /** Refuses mail with this answer from now on; null takes it again. */
  refuse(answer: { code: number; message: string } | null): void;
  waitFor(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** A real SMTP server on loopback that asks for a password. */
export async function startMailServer(): Promise<MailServer> {
  const mails: ReceivedMail[] = [];
  let refusal: { code: number; message: string } | null = null;
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    logger: false,
    onAuth({ username, password }, _session, callback) {
      if (password === 'pass word') callback(null, { user: username });
      else callback(new Error('wrong password'));
    },
    onMailFrom(_address, _session, callback) {
      if (refusal === null) callback();
      else callback(Object.assign(new Error(refusal.message), { responseCode: refusal.code }));
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          source: Buffer.concat(chunks).toString('utf8'),
          user: session.user as string | undefined,
        });
        callback();
      });
    },
  });
  server.on('error', () => undefined); // clients that go away
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://robot:pass%20word@127.0.0.1:${port}`,
    mails,
    refuse(answer) {
      refusal = answer;
    },
    waitFor: (count) => waitFor(`${count} mails`, () => mails.length >= count),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      }),
  };
}
