import type { IncomingMessage, ServerResponse } from 'node:http';
import { parse as parseQuery } from 'node:querystring';
import { clientIp } from '#kernel/client-address';
import { errorAnswer } from '../answers';
import type { WebhookAnswer } from '../webhook-types';
import type { Mounted } from './mounted';

export type NextFunction = (error?: unknown) => void;

/** What Express and NestJS add. */
type Request = IncomingMessage & { originalUrl?: string; rawBody?: unknown; body?: unknown };

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/**
 * A handler of Node.js' `http`, and a middleware: what is not for a webhook goes to `next`, or is answered with 404. It
 * reads the body itself; where a parser was before it, `rawBody` or a body of bytes is needed.
 */
export function nodeHandler(
  mounted: Mounted,
): (request: Request, response: ServerResponse, next?: NextFunction) => void {
  return (request, response, next) => {
    const [pathname = '', query = ''] = (request.originalUrl ?? request.url ?? '').split('?', 2);
    const name = nameIn(pathname, mounted);
    if (name === null) {
      if (next !== undefined) {
        next();
        return;
      }
      send(response, errorAnswer(404, 'not_found', 'Not found', ''));
      return;
    }
    answer(mounted, name, query, request)
      .then((answered) => {
        send(response, answered);
      })
      // The sender has gone.
      .catch(() => response.destroy());
  };
}

/** The webhook that a path is of; null for none. */
function nameIn(pathname: string, { path, basePath }: Mounted): string | null {
  const own = pathname.startsWith(`${basePath}/`) ? pathname.slice(basePath.length) : pathname;
  const name = own.startsWith(`${path}/`) ? own.slice(path.length + 1) : '';
  return NAME.test(name) ? name : null;
}

async function answer(mounted: Mounted, name: string, query: string, request: Request): Promise<WebhookAnswer> {
  const body = await bodyOf(request, mounted.maxBodyBytes);
  if (body === 'too_large') {
    const text = `The body must have at most ${mounted.maxBodyBytes} bytes`;
    return errorAnswer(413, 'payload_too_large', text, '', { connection: 'close' });
  }
  if (body === 'parsed') {
    mounted.warn({ webhook: name }, 'the body was parsed before the webhook handler: mount the handler before parsers');
    return errorAnswer(500, 'body_parsed', 'The application reads bodies before its webhooks do', '');
  }
  return mounted.receive(name, {
    method: request.method ?? 'GET',
    headers: request.headers,
    query: parseQuery(query),
    body,
    ip: clientIp(request.socket.remoteAddress, request.headers['x-forwarded-for'], mounted.trusted),
  });
}

async function bodyOf(request: Request, maxBytes: number): Promise<Buffer | 'too_large' | 'parsed'> {
  if (Buffer.isBuffer(request.rawBody)) return request.rawBody;
  if (Buffer.isBuffer(request.body)) return request.body;
  if (request.readableEnded || (request.body !== undefined && request.complete && request.readableDidRead))
    return 'parsed';
  // Not `for await`, which would close the connection when it stops early, before the answer.
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request
      .on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxBytes) resolve('too_large');
        else chunks.push(chunk);
      })
      .once('end', () => {
        resolve(Buffer.concat(chunks));
      })
      .once('error', reject)
      .once('close', () => {
        reject(new Error('the sender has gone'));
      });
  });
}

function send(response: ServerResponse, { statusCode, headers, body }: WebhookAnswer): void {
  response.writeHead(statusCode, headers).end(body);
}
