const HEAD_END = Buffer.from('\r\n\r\n');
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)/i;

/**
 * Cuts a connection's bytes into HTTP/1.1 messages with a Content-Length, which all ours have. Generator and receiver
 * stand on the measured machine: what they cost is taken from those they measure, so they read no more than this.
 */
export class MessageReader {
  private left: Buffer | null = null;

  constructor(private readonly onMessage: (head: string, body: Buffer) => void) {}

  push(chunk: Buffer): void {
    let data = this.left === null ? chunk : Buffer.concat([this.left, chunk]);
    this.left = null;
    while (data.length > 0) {
      const headEnd = data.indexOf(HEAD_END);
      if (headEnd < 0) break;
      const head = data.toString('latin1', 0, headEnd);
      const bodyAt = headEnd + HEAD_END.length;
      const end = bodyAt + Number(CONTENT_LENGTH.exec(head)?.[1] ?? 0);
      if (data.length < end) break;
      this.onMessage(head, data.subarray(bodyAt, end));
      data = data.subarray(end);
    }
    if (data.length > 0) this.left = data;
  }
}

/** Milliseconds of the machine's monotonic clock, the same in all its processes. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
