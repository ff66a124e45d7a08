import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request that the receiver got. */
export interface Receipt {
  isSignatureRight: boolean;
  /** What was answered. */
  answered: number;
  deliveryId: string;
  /** The body, parsed; null when it is no JSON. */
  body: { event?: unknown; data?: unknown } | null;
  /** Unix ms. */
  receivedAtMs: number;
}

/** A receiver on this machine as anyone would write one: it checks the signature, fails once, and then is content. */
export class DemoReceiver {
  readonly receipts: Receipt[] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(secret: string): Promise<DemoReceiver> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as AddressInfo;
    const receiver = new DemoReceiver(server, `http://127.0.0.1:${port}/webhooks/trae`);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        const isSignatureRight = isSigned(secret, body, String(request.headers['x-trae-signature-256']));
        const answered = !isSignatureRight ? 401 : receiver.receipts.length === 0 ? 500 : 200;
        receiver.receipts.push({
          isSignatureRight,
          answered,
          deliveryId: String(request.headers['x-trae-delivery']),
          body: parsed(body),
          receivedAtMs: Date.now(),
        });
        response.writeHead(answered, { 'content-type': 'text/plain' });
        response.end(answered === 200 ? 'OK' : answered === 500 ? 'Not this time' : 'Unauthorized');
      });
    });
    return receiver;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }
}

/** By node:crypto alone, as in the reference, so that the service is not checked by its own code. */
function isSigned(secret: string, body: Buffer, signature: string): boolean {
  const expected = Buffer.from(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`);
  const received = Buffer.from(signature);
  return received.length === expected.length && timingSafeEqual(received, expected);
}

function parsed(body: Buffer): Receipt['body'] {
  try {
    return JSON.parse(body.toString('utf8')) as Receipt['body'];
  } catch {
    return null;
  }
}
