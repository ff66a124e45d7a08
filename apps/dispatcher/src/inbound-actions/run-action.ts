import { Inject, Injectable } from '@nestjs/common';
import type { StoredRetryPolicy } from '#database/entities/webhook.entity';
import { toRetryPolicy } from '#database/webhook-target';
import { defaultRetryPolicy } from '#inbound-actions/default-retry';
import { executeAction } from '#inbound-actions/execute-action';
import { judgeAttempt } from '#inbound-actions/judge-attempt';
import type { Logger } from '#observability/logger';
import { LOGGER } from '#observability/observability.module';
import { Signals } from '#queues/signals';
import { DispatcherIdentity } from '../ownership/dispatcher-identity';
import { ActionConditions } from './action-conditions';
import { ActionSettingsReader } from './action-settings-reader';
import type { ClaimedRun, InboundWork } from './inbound-work';
import { InboundMetrics } from './inbound-metrics';
import { InboundPorts } from './inbound-ports';
import { toActionRun } from './to-action-run';
import type { RunOutcome } from './record-runs.queries';
import { RunRecorder } from './run-recorder';

/** How long a run waits that could not be tried for a reason of ours. */
const OUR_FAULT_WAIT_MS = 60_000;
/** A run that was begun so often without an end, since its dispatchers died of it, is given up. */
const MAX_BEGUN_IN_VAIN = 20;

/** One attempt of one run from beginning to end: condition, execution, verdict, record. */
@Injectable()
export class RunAction {
  constructor(
    private readonly ports: InboundPorts,
    private readonly settings: ActionSettingsReader,
    private readonly conditions: ActionConditions,
    private readonly identity: DispatcherIdentity,
    private readonly recorder: RunRecorder,
    private readonly signals: Signals,
    private readonly metrics: InboundMetrics,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Never rejects; resolves once the outcome is committed, or is another's to tell.
   * @param attempted is called when the attempt has ended, and its outcome is still to be recorded.
   */
  async run(claimed: ClaimedRun, signal: AbortSignal, attempted: () => void): Promise<void> {
    const startedAt = performance.now();
    let outcome: RunOutcome;
    try {
      outcome = await this.attempt(claimed, signal);
    } catch (error) {
      this.logger.error({ run: claimed.work.runId, error: String(error) }, 'an inbound action failed within');
      outcome = putBack(claimed.work, Date.now() + OUR_FAULT_WAIT_MS, 'The service could not run it; it tries again');
    }
    attempted();
    const written = await this.recorder.record(outcome);
    this.tell(outcome, performance.now() - startedAt, written);
    if (written && outcome.dueAtMs !== null) this.signals.wakeUpAt(outcome.dueAtMs, Date.now());
  }

  private async attempt({ work, action, request, previous }: ClaimedRun, signal: AbortSignal): Promise<RunOutcome> {
    if (action === null) return finished(work, 'skipped', 'The action was removed');
    if (request === null) return finished(work, 'failed', 'The request is no longer kept');
    if (work.epoch - work.attempts > MAX_BEGUN_IN_VAIN) {
      return finished(work, 'failed', `Given up: it was begun ${work.epoch} times and hardly ever ended`);
    }
    if (!this.identity.maySend() || signal.aborted) return putBack(work, Date.now(), null);
    const run = toActionRun(work, action.endpoint, request, previous, signal);
    if (typeof run === 'string') return finished(work, 'failed', run);
    const refusal = this.conditions.refusal(action.condition, run);
    if (refusal !== null) return finished(work, 'skipped', refusal);
    const settings = this.settings.read('action', action);
    if (settings === null) return putBack(work, Date.now() + OUR_FAULT_WAIT_MS, 'Its secrets cannot be read');
    const outcome = await executeAction(this.ports.for(action.webhookId), work.type, settings, run);
    const { retryPolicy } = action;
    const policy =
      retryPolicy === null ? defaultRetryPolicy(work.type, settings) : toRetryPolicy(retryPolicy as StoredRetryPolicy);
    const { delayMs, ...verdict } = judgeAttempt(outcome, policy, run.attempt, Math.random());
    return { work, ...verdict, dueAtMs: verdict.status === 'waiting' ? Date.now() + delayMs : null };
  }

  private tell({ work, status, counts, error }: RunOutcome, durationMs: number, written: boolean): void {
    this.metrics.ran(work.type, status === 'waiting' ? (counts ? 'retrying' : 'put_back') : status, durationMs);
    this.logger.info(
      {
        run: work.runId,
        endpoint: work.endpointId,
        type: work.type,
        attempt: work.attempts + 1,
        status,
        failed: error !== null,
        duration_ms: Math.round(durationMs),
        ...(written ? {} : { recorded: false }),
      },
      'inbound action',
    );
  }
}

function finished(work: InboundWork, status: 'failed' | 'skipped', error: string): RunOutcome {
  return { work, status, counts: false, dueAtMs: null, result: null, error };
}

function putBack(work: InboundWork, dueAtMs: number, error: string | null): RunOutcome {
  return { work, status: 'waiting', counts: false, dueAtMs, result: null, error };
}
