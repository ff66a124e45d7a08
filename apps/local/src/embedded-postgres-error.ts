/** The embedded PostgreSQL cannot be used here; the message says why and what to do instead. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';

  constructor(reason: string, options?: ErrorOptions) {
    super(`${reason}. To use a PostgreSQL server of your own, set DATABASE_URL.`, options);
  }
}
