import 'reflect-metadata';
import { Client, Pool } from 'pg';
import { Recorder } from '../../apps/dispatcher/src/record/recorder';
import { Reconciler } from '../../apps/dispatcher/src/reconcile/reconciler';

// Loaded before a dispatcher by `node --require`: breaks one promise of the built product, so that the suite can be
// seen to notice. The product itself has no switch for this.

const SHARE = 0.01;

const planted = process.env['CHAOS_PLANTED'];
if (planted === 'reconciler-off') {
  Reconciler.prototype.start = () => undefined;
} else if (planted === 'outcome-dropped') {
  const { record } = Recorder.prototype;
  Recorder.prototype.record = function (this: Recorder, outcome) {
    return Math.random() < SHARE ? Promise.resolve(true) : record.call(this, outcome);
  };
} else if (planted === 'fan-out-lost') {
  const query = Reflect.get(Pool.prototype, 'query') as (this: Pool, ...given: unknown[]) => unknown;
  Reflect.set(Pool.prototype, 'query', function (this: Pool, statement: unknown, ...rest: unknown[]) {
    return query.call(this, withoutSomeDeliveries(statement), ...rest);
  });
} else if (planted === 'order-lost') {
  const query = Reflect.get(Client.prototype, 'query') as (this: Client, ...given: unknown[]) => unknown;
  Reflect.set(Client.prototype, 'query', function (this: Client, statement: unknown, ...rest: unknown[]) {
    return query.call(this, withNothingBlocked(statement), ...rest);
  });
} else {
  throw new Error(`There is no fault ${String(planted)} to plant`);
}

/** The batch is taken off the list, and some of its deliveries have no rows. */
function withoutSomeDeliveries(statement: unknown): unknown {
  if (typeof statement !== 'object' || statement === null) return statement;
  const { name, text } = statement as { name?: string; text?: string };
  if (name !== 'record-first-outcomes' || text === undefined) return statement;
  const condition = 'JOIN me ON me.id = input.owner';
  if (!text.includes(condition)) throw new Error('the statement reads otherwise by now: plant the fault anew');
  return { ...statement, text: text.replace(condition, `${condition} WHERE random() > ${String(SHARE)}`) };
}

/** The states of the deliveries, as an array. */
const STATES = /^\{(in_flight|queued|blocked|throttled|held)(,(in_flight|queued|blocked|throttled|held))*\}$/;

/** What stands behind another in its line goes at once. */
function withNothingBlocked(statement: unknown): unknown {
  if (typeof statement !== 'object' || statement === null) return statement;
  const { name, values } = statement as { name?: string; values?: unknown[] };
  if (name !== 'fan-out-ordered' || values === undefined) return statement;
  const freed = values.map((value) =>
    typeof value === 'string' && STATES.test(value) ? value.replaceAll('blocked', 'queued') : value,
  );
  return { ...statement, values: freed };
}
