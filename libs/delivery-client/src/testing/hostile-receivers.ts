import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { ErrorClass } from '#webhook-rules/outcome';
import { startHttpReceiver, startTcpReceiver, startTlsReceiver, type Receiver } from './receivers';

/** A receiver that means harm, or is broken, and what an attempt at it must come to. */
export interface HostileReceiver {
  name: string;
  /** Null where the answer counts all the same. */
  errorClass: ErrorClass | null;
  start(): Promise<Receiver>;
  /** For TLS, whose certificates are made out for names. */
  isTls?: true;
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const DRIP_MS = 20;

/** Answers each request with bytes as they stand, once the whole body is there. */
const answering = (bytes: string, end?: (socket: Socket) => void) => () =>
  startTcpReceiver((socket) => {
    socket.on('data', (data) => {
      if (!data.toString('latin1').endsWith('}')) return;
      socket.write(bytes, 'latin1', () => end?.(socket));
    });
  });

const dripping = (head: string, drop: string) => () =>
  startTcpReceiver((socket) => {
    socket.once('data', () => {
      socket.write(head);
      const drip = setInterval(() => socket.write(drop), DRIP_MS);
      socket.on('close', () => clearInterval(drip));
    });
  });

/** Sends a chunk as fast as it is taken, without end. */
const flooding = (head: string, chunk: Buffer) => () =>
  startTcpReceiver((socket) => {
    const pump = (): void => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.once('data', () => {
      socket.write(head);
      socket.on('drain', pump);
      pump();
    });
  });

const close = (socket: Socket): void => void socket.resume().end();

export const HOSTILE_RECEIVERS: readonly HostileReceiver[] = [
  { name: 'that never answers', errorClass: 'timeout', start: () => startTcpReceiver((socket) => socket.resume()) },
  {
    name: 'that drips its body',
    errorClass: 'timeout',
    start: dripping('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', '1\r\nx\r\n'),
  },
  { name: 'that drips its head', errorClass: 'timeout', start: dripping('HTTP/1.1 200 OK\r\nx-slow: ', 'x') },
  {
    name: 'that announces answers for ever',
    errorClass: 'timeout',
    start: dripping('', 'HTTP/1.1 102 Processing\r\n\r\n'),
  },
  {
    name: 'with an endless body',
    errorClass: 'response_too_large',
    start: flooding('HTTP/1.1 200 OK\r\n\r\n', Buffer.alloc(65_536)),
  },
  {
    name: 'with an endless chunk',
    errorClass: 'response_too_large',
    start: flooding('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffff\r\n', Buffer.alloc(65_536, 'x')),
  },
  {
    name: 'with a head without end',
    errorClass: 'headers_too_large',
    start: flooding('HTTP/1.1 200 OK\r\nx-filler: ', Buffer.alloc(65_536, 'x')),
  },
  {
    name: 'with a hundred thousand headers',
    errorClass: 'headers_too_large',
    start: answering(`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(100_000)}\r\n`),
  },
  { name: 'that speaks another protocol', errorClass: 'invalid_response', start: answering('SSH-2.0-OpenSSH_9.6\r\n') },
  { name: 'with a wrong status line', errorClass: 'invalid_response', start: answering('HTTP/1.1 abc OK\r\n\r\n') },
  {
    name: 'with a header that is none',
    errorClass: 'invalid_response',
    start: answering('HTTP/1.1 200 OK\r\nbad header\0: x\r\n\r\n'),
  },
  {
    name: 'with two lengths',
    errorClass: 'invalid_response',
    start: answering('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok'),
  },
  {
    name: 'with a length that is none',
    errorClass: 'invalid_response',
    start: answering('HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok'),
  },
  {
    name: 'with a chunk of no size',
    errorClass: 'invalid_response',
    start: answering('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'),
  },
  {
    name: 'that wants to switch protocols',
    errorClass: 'invalid_response',
    start: answering('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
  },
  {
    name: 'that breaks off a body of known length',
    errorClass: 'incomplete_response',
    start: answering('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart', close),
  },
  {
    name: 'that breaks off a chunk',
    errorClass: 'incomplete_response',
    start: answering('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\npart', close),
  },
  {
    name: 'that resets in the middle of a body',
    errorClass: 'incomplete_response',
    start: answering('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart', (socket) => socket.resetAndDestroy()),
  },
  { name: 'that closes at once', errorClass: 'connection_closed', start: () => startTcpReceiver(close) },
  { name: 'that closes without an answer', errorClass: 'connection_closed', start: answering('', close) },
  {
    name: 'that resets without an answer',
    errorClass: 'connection_reset',
    start: () => startTcpReceiver((socket) => socket.once('data', () => socket.resetAndDestroy())),
  },
  {
    name: 'that sends a second answer along, for the next request',
    errorClass: null,
    start: answering(`${OK}HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\npoisoned`),
  },
  { name: 'that sends more than it said', errorClass: null, start: answering(`${OK}and more`) },
  {
    name: 'of HTTP/1.0',
    errorClass: null,
    start: answering('HTTP/1.0 200 OK\r\n\r\nok', close),
  },
  {
    name: 'whose answer would be fifty megabytes once decoded',
    errorClass: null,
    start: () => {
      const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024));
      return startHttpReceiver((_request, response) => response.setHeader('content-encoding', 'gzip').end(bomb));
    },
  },
  {
    name: 'with a certificate that nobody vouches for',
    errorClass: 'tls_untrusted',
    isTls: true,
    start: () => startTlsReceiver((_request, response) => response.end('ok')),
  },
  {
    name: 'that speaks TLS 1.1 only',
    errorClass: 'tls_version',
    isTls: true,
    start: () =>
      startTlsReceiver((_request, response) => response.end('ok'), {
        minVersion: 'TLSv1',
        maxVersion: 'TLSv1.1',
        ciphers: 'DEFAULT@SECLEVEL=0',
      }),
  },
];
