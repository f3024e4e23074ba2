PRAGMA user_version = 2;
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
, seq_floor INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO streams VALUES (1, 'token/admin', 1, '{"name":"admin","role":"admin","hash":"8282179eb257125d2375021468162bf83e92b789f5c032ad2ab3484e33fd4685","createdBy":"gantry","createdAt":1795190768766000}');
INSERT INTO streams VALUES (2, 'token/robot', 1, '{"name":"robot","role":"developer","hash":"9d55ee5f882d7c3d07fb83bdfc6b77d7d123ed5faa3d2837af3c3af8e311dc9b","createdBy":"admin","createdAt":1795190768798001,"expiresAt":1826726768798000}');
INSERT INTO events VALUES (1, 1, 1, 1795190768776000, '{"kind":"TokenCreated","name":"admin","role":"admin","by":"gantry"}');
INSERT INTO events VALUES (2, 2, 1, 1795190768799000, '{"kind":"TokenCreated","name":"robot","role":"developer","by":"admin"}');
INSERT INTO entries VALUES ('token-hash', '8282179eb257125d2375021468162bf83e92b789f5c032ad2ab3484e33fd4685', 'token/admin');
INSERT INTO entries VALUES ('token-name', 'admin', 'token/admin');
INSERT INTO entries VALUES ('token-hash', '9d55ee5f882d7c3d07fb83bdfc6b77d7d123ed5faa3d2837af3c3af8e311dc9b', 'token/robot');
INSERT INTO entries VALUES ('token-name', 'robot', 'token/robot');
INSERT INTO clock VALUES (1, 1795190768799000, 0);
