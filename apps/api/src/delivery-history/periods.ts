/** The lengths of time that statistics are shown by. */
export const PERIODS = ['hour', 'day', 'week', 'month'] as const;
export type Period = (typeof PERIODS)[number];

/** A half-open range of instants, Unix ms. */
export interface Range {
  fromMs: number;
  untilMs: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How far a range reaches when its beginning is not given (DESIGN.md, "Stats"). */
const DEFAULT_PERIODS: Record<Period, number> = { hour: 24, day: 7, week: 12, month: 12 };
/** 1 January 1970 was a Thursday; weeks begin on Monday. */
const FIRST_MONDAY_MS = 4 * DAY_MS;

/** The instant at which the period that an instant lies in began, in UTC. */
export function startOfPeriod(period: Period, atMs: number): number {
  switch (period) {
    case 'hour':
      return Math.floor(atMs / HOUR_MS) * HOUR_MS;
    case 'day':
      return Math.floor(atMs / DAY_MS) * DAY_MS;
    case 'week':
      return Math.floor((atMs - FIRST_MONDAY_MS) / (7 * DAY_MS)) * 7 * DAY_MS + FIRST_MONDAY_MS;
    case 'month':
      return shiftMonths(atMs, 0);
  }
}

/** The beginning of the period so many periods later, or earlier, than the one that began at `startMs`. */
function shiftPeriods(period: Period, startMs: number, count: number): number {
  switch (period) {
    case 'hour':
      return startMs + count * HOUR_MS;
    case 'day':
      return startMs + count * DAY_MS;
    case 'week':
      return startMs + count * 7 * DAY_MS;
    case 'month':
      return shiftMonths(startMs, count);
  }
}

/**
 * The range that statistics are asked for, widened to whole hours, which is what they are kept by. Without an end it
 * reaches to now, without a beginning over the default number of periods, the one of its end included.
 */
export function statsRange(
  period: Period,
  fromMs: number | undefined,
  untilMs: number | undefined,
  nowMs: number,
): Range {
  const end = Math.max(0, Math.ceil((untilMs ?? nowMs + 1) / HOUR_MS) * HOUR_MS);
  const defaultStart = shiftPeriods(period, startOfPeriod(period, end - 1), 1 - DEFAULT_PERIODS[period]);
  return { fromMs: Math.max(0, startOfPeriod('hour', fromMs ?? defaultStart)), untilMs: end };
}

/** The beginnings of all periods that a range touches; no more than `max + 1` of them. */
export function periodsOf(period: Period, { fromMs, untilMs }: Range, max: number): number[] {
  const starts: number[] = [];
  for (let at = startOfPeriod(period, fromMs); at < untilMs && starts.length <= max; at = shiftPeriods(period, at, 1)) {
    starts.push(at);
  }
  return starts;
}

/** The days that lie in a range as a whole; an empty range at its beginning when there are none. */
export function wholeDays({ fromMs, untilMs }: Range): Range {
  const days = { fromMs: Math.ceil(fromMs / DAY_MS) * DAY_MS, untilMs: Math.floor(untilMs / DAY_MS) * DAY_MS };
  return days.fromMs < days.untilMs ? days : { fromMs, untilMs: fromMs };
}

function shiftMonths(atMs: number, count: number): number {
  const at = new Date(atMs);
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + count, 1);
}
