import { Injectable } from '@nestjs/common';

/** Answers null when all is well, else what is wrong, in words fit for `/readyz`. */
export type HealthCheck = () => Promise<string | null>;

/** What `/readyz` answers. */
export interface HealthReport {
  /** `degraded`: requests are served, but something optional is away. */
  status: 'ok' | 'degraded' | 'unavailable';
  /** `ok` or the problem, by the name of the check. */
  checks: Record<string, string>;
}

interface RegisteredCheck {
  name: string;
  required: boolean;
  check: HealthCheck;
}

const CHECK_DEADLINE_MS = 2_000;

/** The checks behind `/readyz`; each feature registers its own at start. */
@Injectable()
export class HealthChecks {
  private readonly checks: RegisteredCheck[] = [];

  /** @param required whether the app cannot serve while this check finds a problem. */
  register(name: string, options: { required: boolean }, check: HealthCheck): void {
    this.checks.push({ name, required: options.required, check });
  }

  /** Runs all checks at once, each for at most 2 s. Never rejects. */
  async report(): Promise<HealthReport> {
    const problems = await Promise.all(this.checks.map(({ check }) => withinDeadline(check)));
    const checks = Object.fromEntries(this.checks.map(({ name }, index) => [name, problems[index] ?? 'ok']));
    const isFailing = (required: boolean): boolean =>
      this.checks.some((check, index) => check.required === required && problems[index] !== null);
    return { status: isFailing(true) ? 'unavailable' : isFailing(false) ? 'degraded' : 'ok', checks };
  }
}

async function withinDeadline(check: HealthCheck): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<string>((resolve) => {
    timer = setTimeout(() => {
      resolve('does not answer in time');
    }, CHECK_DEADLINE_MS);
  });
  try {
    return await Promise.race([check(), deadline]);
  } catch {
    return 'the check itself failed';
  } finally {
    clearTimeout(timer);
  }
}
