-- Streams with their newest snapshot, their events in commit order, and the index entries that find them again.

CREATE TABLE streams (
  id       INTEGER PRIMARY KEY,
  name     TEXT NOT NULL UNIQUE,
  version  INTEGER NOT NULL,
  snapshot TEXT NOT NULL
) STRICT;

CREATE TABLE events (
  seq       INTEGER PRIMARY KEY,
  stream    INTEGER NOT NULL REFERENCES streams (id),
  version   INTEGER NOT NULL,
  at_micros INTEGER NOT NULL,
  event     TEXT NOT NULL,
  UNIQUE (stream, version)
) STRICT;

-- Named by the stream and not by its id: entries with the same key come in the order of their streams' names.
CREATE TABLE entries (
  name   TEXT NOT NULL,
  key    TEXT NOT NULL,
  stream TEXT NOT NULL REFERENCES streams (name),
  PRIMARY KEY (name, key, stream)
) STRICT, WITHOUT ROWID;

CREATE INDEX entries_by_stream ON entries (stream);

-- No answer of now() was ever larger than the horizon: after a restart time goes on from there.
CREATE TABLE clock (
  id             INTEGER PRIMARY KEY CHECK (id = 1),
  horizon_micros INTEGER NOT NULL
) STRICT;

INSERT INTO clock (id, horizon_micros) VALUES (1, 0);
