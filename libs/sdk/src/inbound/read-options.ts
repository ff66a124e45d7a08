import type { BlockList } from 'node:net';
import { invalidRequest, type ErrorDetail } from '#kernel/app-error';
import { isCidr, toBlockList } from '#kernel/cidrs';
import type { Publisher } from '../publisher';
import { secretProblems } from './endpoint-definition';
import type { WebhookManagerOptions } from './webhook-types';

/** The manager's options with their defaults. */
export interface ReadOptions {
  /** Without a slash at the end. */
  readonly baseUrl: string;
  /** Begins with a slash, without one at the end. */
  readonly path: string;
  readonly defaultSecret: string | undefined;
  readonly validateSignatures: boolean;
  readonly storage: 'memory' | 'sqlite' | 'postgres';
  readonly dbPath: string;
  readonly databaseUrl: string;
  readonly encryptionKey: string | undefined;
  readonly logPayloads: boolean;
  readonly maxLogEntries: number;
  readonly maxBodyBytes: number;
  readonly trusted: BlockList;
  readonly mail: { readonly url: string; readonly from: string } | null;
  readonly telegramBaseUrl: string;
  readonly publisher: Publisher | null;
  readonly concurrency: number;
  readonly warn: (details: object, message: string) => void;
}

const STORAGES = ['memory', 'sqlite', 'postgres'] as const;
const PATH = /^(\/[A-Za-z0-9._~-]+)+$/;
const MAX_BODY_BYTES = 100 * 1024 * 1024;
const DEFAULT_BODY_BYTES = 1024 * 1024;

/** @throws AppError 400 naming every option that is wrong and what is allowed there. */
export function readOptions(given: WebhookManagerOptions): ReadOptions {
  const problems: ErrorDetail[] = [];
  const refuse = (field: string, message: string): void => void problems.push({ field, message });
  const { storage = 'memory', path = '/webhooks', defaultSecret, trustedProxies = [], logger } = given;
  const databaseUrl = given.databaseUrl ?? process.env['DATABASE_URL'] ?? '';
  if (!isBaseUrl(given.baseUrl)) refuse('baseUrl', 'must be an http or https URL such as https://your-domain.com');
  if (!PATH.test(path)) refuse('path', 'must be a path such as /webhooks');
  // An empty variable counts as unset.
  if (defaultSecret) problems.push(...secretProblems(defaultSecret, 'defaultSecret'));
  if (!STORAGES.includes(storage)) refuse('storage', `must be one of ${STORAGES.join(', ')}`);
  if (storage === 'postgres' && databaseUrl === '') refuse('databaseUrl', 'is required for postgres (or DATABASE_URL)');
  const isProxyList = trustedProxies.every((entry) => isCidr(entry));
  if (!isProxyList) refuse('trustedProxies', 'must be a list of addresses and ranges such as 10.0.0.0/8');
  const whole = (field: 'maxLogEntries' | 'maxBodyBytes' | 'concurrency', fallback: number, max: number): number => {
    const value = given[field] ?? fallback;
    if (!Number.isInteger(value) || value < 1 || value > max) refuse(field, `must be a whole number from 1 to ${max}`);
    return value;
  };
  const read: ReadOptions = {
    baseUrl: String(given.baseUrl).replace(/\/+$/, ''),
    path,
    defaultSecret: defaultSecret === '' ? undefined : defaultSecret,
    validateSignatures: given.validateSignatures ?? true,
    storage,
    dbPath: given.dbPath ?? './webhooks.db',
    databaseUrl,
    encryptionKey: given.encryptionKey === '' ? undefined : given.encryptionKey,
    logPayloads: given.logPayloads ?? true,
    maxLogEntries: whole('maxLogEntries', 1_000, 1_000_000),
    maxBodyBytes: whole('maxBodyBytes', DEFAULT_BODY_BYTES, MAX_BODY_BYTES),
    trusted: toBlockList(isProxyList ? trustedProxies : []),
    mail: given.mail ?? null,
    telegramBaseUrl: given.telegramBaseUrl ?? (process.env['TELEGRAM_API_URL'] || 'https://api.telegram.org'),
    publisher: given.publisher ?? null,
    concurrency: whole('concurrency', 16, 1_000),
    warn: (details, message) => {
      logger?.warn(details, message);
    },
  };
  if (problems.length > 0) throw invalidRequest(problems);
  return read;
}

function isBaseUrl(text: unknown): boolean {
  if (typeof text !== 'string' || !URL.canParse(text)) return false;
  const { protocol, search, hash } = new URL(text);
  return (protocol === 'http:' || protocol === 'https:') && search === '' && hash === '';
}
