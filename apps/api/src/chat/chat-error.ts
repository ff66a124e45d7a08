/** A command that cannot be run as it was written; the message is what its author is told. */
export class ChatError extends Error {
  override readonly name = 'ChatError';
}
