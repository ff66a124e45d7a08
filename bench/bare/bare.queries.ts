import type { Pool } from 'pg';

/** Two tables that are only ever added to. */
export const BARE_SCHEMA = `
  CREATE TABLE bare_events (id uuid PRIMARY KEY, is_wanted boolean NOT NULL, data bytea NOT NULL);
  CREATE TABLE bare_outcomes (
    event_id uuid PRIMARY KEY, status smallint NOT NULL, started_at timestamptz NOT NULL, duration_ms integer NOT NULL)`;

export interface BareEvent {
  id: string;
  isWanted: boolean;
  data: Buffer;
}

export interface BareOutcome {
  eventId: string;
  status: number;
  startedAtMs: number;
  durationMs: number;
}

export async function insertEvents(pool: Pool, events: readonly BareEvent[]): Promise<void> {
  await pool.query({
    name: 'insert-events',
    text: 'INSERT INTO bare_events SELECT * FROM unnest($1::uuid[], $2::boolean[], $3::bytea[])',
    values: [events.map(({ id }) => id), events.map(({ isWanted }) => isWanted), events.map(({ data }) => data)],
  });
}

export async function readEvents(pool: Pool, ids: readonly string[]): Promise<{ id: string; data: Buffer }[]> {
  const { rows } = await pool.query<{ id: string; data: Buffer }>({
    name: 'read-events',
    text: 'SELECT id, data FROM bare_events WHERE id = ANY($1::uuid[]) AND is_wanted',
    values: [ids],
  });
  return rows;
}

export async function insertOutcomes(pool: Pool, outcomes: readonly BareOutcome[]): Promise<void> {
  await pool.query({
    name: 'insert-outcomes',
    text: 'INSERT INTO bare_outcomes SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::timestamptz[], $4::integer[])',
    values: [
      outcomes.map(({ eventId }) => eventId),
      outcomes.map(({ status }) => status),
      outcomes.map(({ startedAtMs }) => new Date(startedAtMs).toISOString()),
      outcomes.map(({ durationMs }) => durationMs),
    ],
  });
}
