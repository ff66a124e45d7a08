import { invalidRequest } from '#kernel/app-error';
import { QueryInstant, QueryOneOf } from '../../http/query-fields';
import { PERIODS, periodsOf, statsRange, type Period, type Range } from '../../delivery-history/periods';

const MAX_PERIODS = 1_000;

export class StatsQuery {
  @QueryOneOf(PERIODS, 'What the series is made by; periods are in UTC, weeks begin on Monday', 'day')
  period: Period = 'day';

  @QueryInstant('Where to begin; by default 24 hours, 7 days, 12 weeks or 12 months before the end')
  start_date?: Date;

  @QueryInstant('Where to end, exclusive; a date alone includes its day; by default now', true)
  end_date?: Date;
}

/**
 * The range asked for and the beginnings of its periods.
 * @throws AppError 400 for a range that ends before it begins or has too many periods.
 */
export function toStatsRange(query: StatsQuery, nowMs: number): { range: Range; periods: number[] } {
  const { period, start_date: start, end_date: end } = query;
  const range = statsRange(period, start?.getTime(), end?.getTime(), nowMs);
  if (range.fromMs > range.untilMs) {
    throw invalidRequest([
      end === undefined
        ? { field: 'start_date', message: 'must not be in the future' }
        : { field: 'end_date', message: 'must not be before start_date' },
    ]);
  }
  const periods = periodsOf(period, range, MAX_PERIODS);
  if (periods.length > MAX_PERIODS) {
    const message = `must be later, or period longer: at most ${MAX_PERIODS} periods are shown`;
    throw invalidRequest([{ field: 'start_date', message }]);
  }
  return { range, periods };
}
