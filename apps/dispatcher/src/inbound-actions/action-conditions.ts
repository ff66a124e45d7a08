import { Injectable } from '@nestjs/common';
import type { ActionRun } from '#inbound-actions/action-run';
import { CompiledTexts } from '#inbound-actions/compiled-texts';
import { compileCondition, type Condition } from '#inbound-rules/condition';
import type { ErrorDetail } from '#kernel/app-error';

const MAX_COMPILED = 2_000;

/** Conditions of actions, compiled once. */
@Injectable()
export class ActionConditions {
  private readonly compiled = new CompiledTexts<Condition | string>(compile, MAX_COMPILED);

  /** Why the action is not to run; null when it is. */
  refusal(condition: string | null, run: ActionRun): string | null {
    if (condition === null) return null;
    const compiled = this.compiled.get(condition);
    if (typeof compiled === 'string') return `The condition ${compiled}`;
    const { isTrue, reason } = compiled(run.context);
    if (isTrue) return null;
    return reason === null ? 'The condition is false' : `The condition is false: ${reason}`;
  }
}

/** What is wrong as text; it was compiled before it was stored, so this is for what only older versions took. */
function compile(condition: string): Condition | string {
  const problems: ErrorDetail[] = [];
  return compileCondition(condition, 'condition', problems) ?? problems.map(({ message }) => message).join('; ');
}
