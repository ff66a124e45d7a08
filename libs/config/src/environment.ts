import type { Facts, Setting } from './setting';
import { SETTINGS } from './settings';

/** The values of all settings. */
export type Environment = {
  [P in keyof typeof SETTINGS]: (typeof SETTINGS)[P] extends Setting<infer T> ? T : never;
};

/**
 * Reads and checks the environment. An empty variable counts as unset. Values never appear in messages, since they may
 * be secret.
 * @throws Error that names every variable that is wrong and what is allowed.
 */
export function loadEnvironment(env: NodeJS.ProcessEnv): Environment {
  const problems = new Map<string, string>();
  const read = <T>({ name, kind, fallback, missing }: Setting<T>, facts: Facts): T | undefined => {
    const given = env[name]?.trim() ?? '';
    if (given === '') {
      if (fallback === undefined) problems.set(name, missing);
      return fallback?.(facts);
    }
    const value = kind.parse(given);
    if (value === undefined) problems.set(name, `must be ${kind.allowed}`);
    return value;
  };
  const base: Facts = { production: false, port: 0 };
  const facts: Facts = {
    production: read(SETTINGS.nodeEnv, base) === 'production',
    port: read(SETTINGS.port, base) ?? 0,
  };
  const values = Object.entries(SETTINGS).map(([property, setting]) => [property, read<unknown>(setting, facts)]);
  const environment = Object.fromEntries(values) as Environment;
  checkTogether(environment, problems);
  if (problems.size > 0) {
    const lines = [...problems].map(([name, problem]) => `\n  ${name} ${problem}`);
    throw new Error(`invalid environment:${lines.join('')}`);
  }
  return environment;
}

/** What settings require of each other. A value that is wrong by itself is undefined here, and compares as false. */
function checkTogether(environment: Environment, problems: Map<string, string>): void {
  const { smtpUrl, smtpFrom, payloadRetentionDays, recordRetentionDays, statsRetentionDays } = environment;
  if (typeof smtpUrl === 'string' && smtpFrom === null) {
    problems.set('SMTP_FROM', 'is required with SMTP_URL: the address that mails come from');
  }
  if (recordRetentionDays < payloadRetentionDays) {
    problems.set('RECORD_RETENTION_DAYS', 'must not be less than PAYLOAD_RETENTION_DAYS');
  }
  if (statsRetentionDays < recordRetentionDays) {
    problems.set('STATS_RETENTION_DAYS', 'must not be less than RECORD_RETENTION_DAYS');
  }
}
