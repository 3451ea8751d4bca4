-- Evaluations of a Worker, and a row for each parcel of their units that has been sent. No count is kept beside these rows: progress is a COUNT.
CREATE TABLE IF NOT EXISTS evaluations (
  id TEXT PRIMARY KEY,
  created TEXT NOT NULL,
  idempotency_key TEXT UNIQUE,
  -- What never changes, as JSON.
  record TEXT NOT NULL,
  state TEXT NOT NULL,
  -- Counts from 1; a retry is the next one.
  run INTEGER NOT NULL,
  -- Milliseconds since 1970 of the beginning of the run.
  began INTEGER NOT NULL,
  reason TEXT
);

CREATE TABLE IF NOT EXISTS parcels (
  evaluation TEXT NOT NULL,
  number INTEGER NOT NULL,
  -- The run that it was sent in.
  run INTEGER NOT NULL,
  -- sent, done (its results are in the bucket), or lost (given up by the queue).
  state TEXT NOT NULL,
  -- Milliseconds since 1970 of when it was last heard of.
  seen INTEGER NOT NULL,
  units INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  spent_ms REAL NOT NULL DEFAULT 0,
  PRIMARY KEY (evaluation, number)
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS parcels_by_state ON parcels (evaluation, state, seen);
