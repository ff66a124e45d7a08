import { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded-postgres';
import { RestartBudget } from './restart-budget';

/** Tried first, so that the address stays the same from start to start; out of the way of a PostgreSQL on 5432. */
const PREFERRED_PORT = 54_329;

interface LocalDatabaseOptions {
  dataDir: string;
  log: (message: string) => void;
  /** Told once, when the database ended and could not be brought back. */
  onGivenUp: (reason: Error) => void;
}

/** The embedded PostgreSQL of the local start, started again at the same address whenever it ends by itself. */
export class LocalDatabase {
  private isStopping = false;
  private readonly budget = new RestartBudget();

  /** Resolves when the database takes connections. Throws EmbeddedPostgresError. */
  static async start(options: LocalDatabaseOptions): Promise<LocalDatabase> {
    return new LocalDatabase(options, await startEmbeddedPostgres({ ...options, port: PREFERRED_PORT }));
  }

  private constructor(
    private readonly options: LocalDatabaseOptions,
    private server: EmbeddedPostgres,
  ) {
    this.watch();
  }

  get url(): string {
    return this.server.url;
  }

  get port(): number {
    return this.server.port;
  }

  /** Resolves when the server has ended. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await this.server.stop();
  }

  /** Ends it without a checkpoint; the next start recovers. */
  kill(): void {
    this.isStopping = true;
    this.server.kill();
  }

  private watch(): void {
    this.server.ended
      .then(async () => {
        if (!this.isStopping) await this.startAgain();
      })
      .catch((reason: unknown) => {
        this.options.onGivenUp(reason instanceof Error ? reason : new Error(String(reason)));
      });
  }

  private async startAgain(): Promise<void> {
    const { port } = this.server;
    if (this.budget.noteEnd(performance.now()) === undefined) throw new Error('the database keeps ending');
    this.options.log('The database ended: starting it again');
    const server = await startEmbeddedPostgres({ ...this.options, port });
    this.server = server;
    // The apps know it by its address.
    if (server.port !== port) throw new Error(`port ${port} of the database was taken while it was down`);
    if (this.isStopping) await server.stop();
    else this.watch();
  }
}
