import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { keptSecret } from './kept-secret';
import type { LocalPorts } from './local-ports';
import { setting } from './setting';

const LOOPBACK = '127.0.0.0/8,::1/128';

export interface LocalEnvironment {
  /** What both apps are started with. */
  readonly env: NodeJS.ProcessEnv;
  /** The bearer token of the first tenant. */
  readonly token: string;
  /** How to tell where the token is, or, just made, which it is. */
  readonly tokenNote: string;
}

interface LocalEnvironmentOptions {
  dataDir: string;
  databaseUrl: string;
  /** Address that both apps listen on. */
  host: string;
  ports: LocalPorts;
  log: (message: string) => void;
}

/** Our own environment, completed with what a service on this machine needs; secrets are made once, in `dataDir`. */
export async function localEnvironment(options: LocalEnvironmentOptions): Promise<LocalEnvironment> {
  const { dataDir, databaseUrl, host, ports, log } = options;
  const { token, tokenNote } = await bootstrapToken(join(dataDir, 'bootstrap-token'));
  const allowedCidrs = setting('DELIVERY_ALLOWED_CIDRS');
  if (allowedCidrs === undefined) {
    log(`Deliveries may reach this machine itself (${LOOPBACK}); DELIVERY_ALLOWED_CIDRS=none forbids it`);
  }
  const env = {
    ...process.env,
    DATA_DIR: dataDir,
    DATABASE_URL: databaseUrl,
    HOST: host,
    PORT: String(ports.api),
    DISPATCHER_PORT: String(ports.dispatcher),
    BOOTSTRAP_TOKEN: token,
    ENCRYPTION_KEY: setting('ENCRYPTION_KEY') ?? (await encryptionKey(join(dataDir, 'encryption-key'))),
    DELIVERY_ALLOWED_CIDRS: allowedCidrs ?? LOOPBACK,
    // The apps stop when the channel to us closes, so that none outlives a start that was killed.
    LOCAL_PARENT: '1',
  };
  return { env, token, tokenNote };
}

async function bootstrapToken(file: string): Promise<{ token: string; tokenNote: string }> {
  const given = setting('BOOTSTRAP_TOKEN');
  if (given !== undefined) return { token: given, tokenNote: 'the one in BOOTSTRAP_TOKEN' };
  // 30 bytes are 40 characters.
  const { value, isNew } = await keptSecret(file, () => `trae_${randomBytes(30).toString('base64url')}`);
  return { token: value, tokenNote: isNew ? `${value} (kept in ${file})` : `kept in ${file}` };
}

async function encryptionKey(file: string): Promise<string> {
  const { value } = await keptSecret(file, () => randomBytes(32).toString('base64'));
  return value;
}
