PRAGMA user_version = 1;
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
CREATE TABLE entries (
  name   TEXT NOT NULL,
  key    TEXT NOT NULL,
  stream TEXT NOT NULL REFERENCES streams (name),
  PRIMARY KEY (name, key, stream)
) STRICT, WITHOUT ROWID;
CREATE INDEX entries_by_stream ON entries (stream);
CREATE TABLE clock (
  id             INTEGER PRIMARY KEY CHECK (id = 1),
  horizon_micros INTEGER NOT NULL
) STRICT;
INSERT INTO streams VALUES (1, 'token/admin', 1, '{"name":"admin","role":"admin","hash":"701e17e40c792b285995c22bde9af33389ef36c0d90b8c1868487f4e01a9866e","createdBy":"gantry","createdAt":1795171575018000}');
INSERT INTO streams VALUES (2, 'token/robot', 1, '{"name":"robot","role":"developer","hash":"54de84a229556b1f7dd9829db1e7eedc315e3aff1ba480c2dd2fa6dccefae12f","createdBy":"admin","createdAt":1795171575083001,"expiresAt":1826707575083000}');
INSERT INTO events VALUES (1, 1, 1, 1795171575027000, '{"kind":"TokenCreated","name":"admin","role":"admin","by":"gantry"}');
INSERT INTO events VALUES (2, 2, 1, 1795171575084000, '{"kind":"TokenCreated","name":"robot","role":"developer","by":"admin"}');
INSERT INTO entries VALUES ('token-hash', '701e17e40c792b285995c22bde9af33389ef36c0d90b8c1868487f4e01a9866e', 'token/admin');
INSERT INTO entries VALUES ('token-name', 'admin', 'token/admin');
INSERT INTO entries VALUES ('token-hash', '54de84a229556b1f7dd9829db1e7eedc315e3aff1ba480c2dd2fa6dccefae12f', 'token/robot');
INSERT INTO entries VALUES ('token-name', 'robot', 'token/robot');
INSERT INTO clock VALUES (1, 1795171575084000);
