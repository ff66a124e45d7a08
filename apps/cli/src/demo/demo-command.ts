import { existsSync } from 'node:fs';
import { findOrStartService } from './demo-service';
import { showDelivery } from './show-delivery';
import { StepLines } from './step-lines';

const DEADLINE_MS = 60_000;

/**
 * Shows the main job on a running service: a webhook, an event, a failed attempt, its retry, and what is recorded of it.
 * Answers 0 only when all of it was really seen, else 1.
 */
export async function demoCommand(): Promise<number> {
  const lines = new StepLines();
  if (existsSync('.env')) process.loadEnvFile('.env');
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort(new Error('it was interrupted'));
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, interrupt);
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(new Error('it took longer than 60 s')), DEADLINE_MS);
  const signal = AbortSignal.any([interrupted.signal, deadline.signal]);
  try {
    lines.title('Service');
    const service = await findOrStartService(lines, signal);
    try {
      await showDelivery(service, lines, signal);
    } finally {
      await service.stop();
    }
    lines.title('Published, delivered, retried and recorded.\n');
    return 0;
  } catch (error) {
    lines.failed(reasonOf(error));
    return 1;
  } finally {
    clearTimeout(timer);
  }
}

/** The error in one line, with what `fetch` keeps in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${reasonOf(error.cause)})` : error.message;
}
