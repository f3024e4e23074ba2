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
INSERT INTO streams VALUES (1, 'cursor/feed', 2, '{"after":61}');
INSERT INTO streams VALUES (2, 'delivery/ebb6b26647d55a7debf85c11eb3c379697d5ad29930a4fbfe420d62816bd4aa1', 1, '{"key":"task-ended/t0mwp68ed406yvcuh2ly/inbox","rule":"task-ended","channel":"inbox","to":null,"event":"t0mwp68ed406yvcuh2ly/16","task":"t0mwp68ed406yvcuh2ly","app":null,"content":{"thread":"t0mwp68ed406yvcuh2ly","state":"succeeded","title":"✓ Run safe succeeded","text":"Run safe succeeded after 0.0 s.","facts":[["Pipeline","safe"],["Took","0.0 s"],["Requested by","kim"],["Task","t0mwp68ed406yvcuh2ly"]],"link":{"label":"Open the task","url":"http://portal/tasks/t0mwp68ed406yvcuh2ly"}},"atMs":1795190768866,"createdMs":1795190768889,"state":"delivered","tries":1,"nextTryMs":null,"deliveredMs":1795190768889,"problem":null,"ref":null,"id":"1795190768891000"}');
INSERT INTO streams VALUES (3, 'delivery/6717a1d5d392aba16e97ad0407f5bf1cfad0674302357ab694b507057adbe1ba', 1, '{"key":"task-ended/t0mwp68eed1ljvjskbpm/inbox","rule":"task-ended","channel":"inbox","to":null,"event":"t0mwp68eed1ljvjskbpm/10","task":"t0mwp68eed1ljvjskbpm","app":null,"content":{"thread":"t0mwp68eed1ljvjskbpm","state":"failed","title":"✕ Run safe failed at build: make","text":"Run safe failed at build: Make after 0.0 s. The script ended with exit code 1. npm ERR!\nexit 1","facts":[["Pipeline","safe"],["Where","build: make"],["Took","0.0 s"],["Requested by","kim"],["Task","t0mwp68eed1ljvjskbpm"]],"link":{"label":"Open the task","url":"http://portal/tasks/t0mwp68eed1ljvjskbpm"}},"atMs":1795190768878,"createdMs":1795190768889,"state":"delivered","tries":1,"nextTryMs":null,"deliveredMs":1795190768889,"problem":null,"ref":null,"id":"1795190768891001"}');
INSERT INTO streams VALUES (4, 'delivery/07aa9fb14d43ec5fe3d83a9c17b83ae8116a953d8b90df722e6fd8082e48d7f4', 1, '{"key":"task-ended/t0mwp68eeo2pa3sbwgn0/inbox","rule":"task-ended","channel":"inbox","to":null,"event":"t0mwp68eeo2pa3sbwgn0/10","task":"t0mwp68eeo2pa3sbwgn0","app":null,"content":{"thread":"t0mwp68eeo2pa3sbwgn0","state":"canceled","title":"⊘ Run safe canceled","text":"Run safe canceled by kim after 0.0 s.","facts":[["Pipeline","safe"],["Took","0.0 s"],["Requested by","kim"],["Task","t0mwp68eeo2pa3sbwgn0"]],"link":{"label":"Open the task","url":"http://portal/tasks/t0mwp68eeo2pa3sbwgn0"}},"atMs":1795190768896,"createdMs":1795190768919,"state":"delivered","tries":1,"nextTryMs":null,"deliveredMs":1795190768919,"problem":null,"ref":null,"id":"1795190768920000"}');
INSERT INTO streams VALUES (5, 'delivery/d7c27f97a458c0d3dd3c71f4d71f06a0b6918ba9d6e27cb8144ba52218210c1d', 1, '{"key":"job-held/t0mwp68ef62kmfr753xb/build/1795190768905/inbox","rule":"job-held","channel":"inbox","to":null,"event":"t0mwp68ef62kmfr753xb/8","task":"t0mwp68ef62kmfr753xb","app":null,"content":{"thread":"t0mwp68ef62kmfr753xb","state":"held","title":"? Run once: build needs an answer","text":"runner seoul-1 was lost while it ran, and the job is not marked retrySafe; may it run again?\nSomebody has to decide: run it again, mark it as done, or let it fail.","facts":[["Pipeline","once"],["Where","build"],["Requested by","kim"],["Task","t0mwp68ef62kmfr753xb"]],"link":{"label":"Open the task","url":"http://portal/tasks/t0mwp68ef62kmfr753xb"}},"atMs":1795190768905,"createdMs":1795190768919,"state":"delivered","tries":1,"nextTryMs":null,"deliveredMs":1795190768919,"problem":null,"ref":null,"id":"1795190768920001"}');
INSERT INTO events VALUES (1, 1, 1, 1795190768893000, '{"kind":"FeedRead","after":40}');
INSERT INTO events VALUES (2, 2, 1, 1795190768893000, '{"kind":"DeliveryRecorded","key":"task-ended/t0mwp68ed406yvcuh2ly/inbox"}');
INSERT INTO events VALUES (3, 3, 1, 1795190768893000, '{"kind":"DeliveryRecorded","key":"task-ended/t0mwp68eed1ljvjskbpm/inbox"}');
INSERT INTO events VALUES (4, 1, 2, 1795190768920002, '{"kind":"FeedRead","after":61}');
INSERT INTO events VALUES (5, 4, 1, 1795190768920002, '{"kind":"DeliveryRecorded","key":"task-ended/t0mwp68eeo2pa3sbwgn0/inbox"}');
INSERT INTO events VALUES (6, 5, 1, 1795190768920002, '{"kind":"DeliveryRecorded","key":"job-held/t0mwp68ef62kmfr753xb/build/1795190768905/inbox"}');
INSERT INTO entries VALUES ('deliveries', '1795190768920000', 'delivery/07aa9fb14d43ec5fe3d83a9c17b83ae8116a953d8b90df722e6fd8082e48d7f4');
INSERT INTO entries VALUES ('inbox', '1795190768920000', 'delivery/07aa9fb14d43ec5fe3d83a9c17b83ae8116a953d8b90df722e6fd8082e48d7f4');
INSERT INTO entries VALUES ('deliveries', '1795190768891001', 'delivery/6717a1d5d392aba16e97ad0407f5bf1cfad0674302357ab694b507057adbe1ba');
INSERT INTO entries VALUES ('inbox', '1795190768891001', 'delivery/6717a1d5d392aba16e97ad0407f5bf1cfad0674302357ab694b507057adbe1ba');
INSERT INTO entries VALUES ('deliveries', '1795190768920001', 'delivery/d7c27f97a458c0d3dd3c71f4d71f06a0b6918ba9d6e27cb8144ba52218210c1d');
INSERT INTO entries VALUES ('inbox', '1795190768920001', 'delivery/d7c27f97a458c0d3dd3c71f4d71f06a0b6918ba9d6e27cb8144ba52218210c1d');
INSERT INTO entries VALUES ('deliveries', '1795190768891000', 'delivery/ebb6b26647d55a7debf85c11eb3c379697d5ad29930a4fbfe420d62816bd4aa1');
INSERT INTO entries VALUES ('inbox', '1795190768891000', 'delivery/ebb6b26647d55a7debf85c11eb3c379697d5ad29930a4fbfe420d62816bd4aa1');
INSERT INTO clock VALUES (1, 1795190768920002, 0);
