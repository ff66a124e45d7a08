import { populate } from '../installation/populate';
import { Bed } from '../measure/bed';
import { halfLoad } from './capacity';
import { note } from './figures';
import { target } from './targets';
import { emptyResult, withBed, type Workload } from './workload';

const WEBHOOKS = 10;
const FAILING = 2;
/** By the bench's retry policy. */
const ATTEMPTS = 3;

export const w5FailingReceivers: Workload = {
  id: 'W5',
  title: '20 % of the receivers answer 500, at half load',
  runsOn: 'the first backend when quick',
  async run(context) {
    const result = emptyResult();
    const perSecond = await halfLoad(context);
    const { installation, bedOptions, plan } = context;
    await withBed(
      result,
      () => Bed.start('product', installation, bedOptions),
      async (bed) => {
        const paths = Array.from({ length: WEBHOOKS }, (_, index) =>
          index < FAILING ? `/fail/${String(index)}` : `/ok/${String(index)}`,
        );
        const [tenant] = await populate(bed.pipeline.pool, [
          paths.map((path, index) => ({ url: bed.receiver.origin + path, projectId: `project_${String(index)}` })),
        ]);
        const targets = paths.map((path, index) =>
          target({
            ...{
              token: tenant?.token ?? '',
              projectId: `project_${String(index)}`,
              paths: index < FAILING ? [] : [path],
            },
          }),
        );
        const seconds = plan.warmUpSeconds + plan.measureSeconds;
        const shape = { kind: 'open', perSecond, seconds } as const;
        const run = await bed.run({ targets, shape, warmUpSeconds: plan.warmUpSeconds });
        result.figures.push(
          { name: 'events', value: run.acceptedPerSecond, unit: '/s' },
          { name: 'publish → received of those that work, p50', value: run.delivery.p50, unit: 'ms' },
          { name: 'publish → received of those that work, p99', value: run.delivery.p99, unit: 'ms' },
          { name: 'all given up after the last event', value: run.drainSeconds, unit: 's' },
        );
        note(result, 'with failures', [run]);
        const { rows } = await bed.pipeline.pool.query<{ exhausted: number }>(
          `SELECT count(*)::integer AS exhausted FROM deliveries d
           WHERE state = 'exhausted' AND (SELECT count(*) FROM attempts a WHERE a.delivery_id = d.id AND a.status_code = 500) = $1`,
          [ATTEMPTS],
        );
        const due = bed.ledger.accepted - bed.ledger.promised;
        const exhausted = rows[0]?.exhausted ?? 0;
        if (exhausted !== due)
          result.problems.push(
            `${String(exhausted)} of ${String(due)} that fail were given up after ${String(ATTEMPTS)} attempts`,
          );
      },
    );
    return result;
  },
};
