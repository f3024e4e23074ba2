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
INSERT INTO streams VALUES (1, 'cursor/feed', 26, '{"after":67}');
INSERT INTO streams VALUES (2, 'delivery/1e2d85f7526d34b7a5becb0ea39b47cae800690f660f274be64b796a341e0828', 1, '{"key":"task-ended/t0mwout0ex2ahb7dg9q5/inbox","rule":"task-ended","channel":"inbox","to":null,"event":"t0mwout0ex2ahb7dg9q5/16","task":"t0mwout0ex2ahb7dg9q5","app":null,"content":{"thread":"t0mwout0ex2ahb7dg9q5","state":"succeeded","title":"✓ Run safe succeeded","text":"Run safe succeeded after 0.2 s.","facts":[["Pipeline","safe"],["Took","0.2 s"],["Requested by","kim"],["Task","t0mwout0ex2ahb7dg9q5"]],"link":{"label":"Open the task","url":"http://portal/tasks/t0mwout0ex2ahb7dg9q5"}},"atMs":1795171575376,"createdMs":1795171575415,"state":"delivered","tries":1,"nextTryMs":null,"deliveredMs":1795171575415,"problem":null,"ref":null,"id":"1795171575416000"}');
INSERT INTO streams VALUES (3, 'delivery/24182543c68fd82b33343605727fe6f1e1e4321b2f4b8dc2bf3c3a19863de522', 1, '{"key":"task-ended/t0mwout0oh14rd0pwikf/inbox","rule":"task-ended","channel":"inbox","to":null,"event":"t0mwout0oh14rd0pwikf/10","task":"t0mwout0oh14rd0pwikf","app":null,"content":{"thread":"t0mwout0oh14rd0pwikf","state":"failed","title":"✕ Run safe failed at work: make","text":"Run safe failed at work: Make after 0.6 s. The script ended with exit code 1. npm ERR!\nexit 1","facts":[["Pipeline","safe"],["Where","work: make"],["Took","0.6 s"],["Requested by","kim"],["Task","t0mwout0oh14rd0pwikf"]],"link":{"label":"Open the task","url":"http://portal/tasks/t0mwout0oh14rd0pwikf"}},"atMs":1795171576118,"createdMs":1795171576779,"state":"delivered","tries":1,"nextTryMs":null,"deliveredMs":1795171576779,"problem":null,"ref":null,"id":"1795171576779000"}');
INSERT INTO streams VALUES (4, 'delivery/7e4cbbad462038f9c7694f062c6ebb30f61f38e3c41fd8b89101ec18aea39f4c', 1, '{"key":"task-ended/t0mwout19e0dgeusmpgl/inbox","rule":"task-ended","channel":"inbox","to":null,"event":"t0mwout19e0dgeusmpgl/10","task":"t0mwout19e0dgeusmpgl","app":null,"content":{"thread":"t0mwout19e0dgeusmpgl","state":"canceled","title":"⊘ Run safe canceled","text":"Run safe canceled by kim after 1.0 s.","facts":[["Pipeline","safe"],["Took","1.0 s"],["Requested by","kim"],["Task","t0mwout19e0dgeusmpgl"]],"link":{"label":"Open the task","url":"http://portal/tasks/t0mwout19e0dgeusmpgl"}},"atMs":1795171577267,"createdMs":1795171577271,"state":"delivered","tries":1,"nextTryMs":null,"deliveredMs":1795171577271,"problem":null,"ref":null,"id":"1795171577271000"}');
INSERT INTO streams VALUES (5, 'delivery/992d49a49b91f6b093c5c94e3b99a056516f58b38e53ff90d373486c0bb0eda8', 1, '{"key":"job-held/t0mwout22i1zura79oye/work/1795171577577/inbox","rule":"job-held","channel":"inbox","to":null,"event":"t0mwout22i1zura79oye/8","task":"t0mwout22i1zura79oye","app":null,"content":{"thread":"t0mwout22i1zura79oye","state":"held","title":"? Run once: work needs an answer","text":"runner seoul-1 was lost while it ran, and the job is not marked retrySafe; may it run again?\nSomebody has to decide: run it again, mark it as done, or let it fail.","facts":[["Pipeline","once"],["Where","work"],["Requested by","kim"],["Task","t0mwout22i1zura79oye"]],"link":{"label":"Open the task","url":"http://portal/tasks/t0mwout22i1zura79oye"}},"atMs":1795171577577,"createdMs":1795171577584,"state":"delivered","tries":1,"nextTryMs":null,"deliveredMs":1795171577584,"problem":null,"ref":null,"id":"1795171577584000"}');
INSERT INTO events VALUES (1, 1, 1, 1795171575180000, '{"kind":"FeedRead","after":8}');
INSERT INTO events VALUES (2, 1, 2, 1795171575191000, '{"kind":"FeedRead","after":9}');
INSERT INTO events VALUES (3, 1, 3, 1795171575203000, '{"kind":"FeedRead","after":10}');
INSERT INTO events VALUES (4, 1, 4, 1795171575242000, '{"kind":"FeedRead","after":12}');
INSERT INTO events VALUES (5, 1, 5, 1795171575305000, '{"kind":"FeedRead","after":13}');
INSERT INTO events VALUES (6, 1, 6, 1795171575355000, '{"kind":"FeedRead","after":18}');
INSERT INTO events VALUES (7, 1, 7, 1795171575428000, '{"kind":"FeedRead","after":21}');
INSERT INTO events VALUES (8, 2, 1, 1795171575428000, '{"kind":"DeliveryRecorded","key":"task-ended/t0mwout0ex2ahb7dg9q5/inbox"}');
INSERT INTO events VALUES (9, 1, 8, 1795171575593000, '{"kind":"FeedRead","after":25}');
INSERT INTO events VALUES (10, 1, 9, 1795171575773000, '{"kind":"FeedRead","after":26}');
INSERT INTO events VALUES (11, 1, 10, 1795171575999000, '{"kind":"FeedRead","after":28}');
INSERT INTO events VALUES (12, 1, 11, 1795171576158000, '{"kind":"FeedRead","after":29}');
INSERT INTO events VALUES (13, 1, 12, 1795171576846000, '{"kind":"FeedRead","after":36}');
INSERT INTO events VALUES (14, 3, 1, 1795171576846000, '{"kind":"DeliveryRecorded","key":"task-ended/t0mwout0oh14rd0pwikf/inbox"}');
INSERT INTO events VALUES (15, 1, 13, 1795171576986000, '{"kind":"FeedRead","after":37}');
INSERT INTO events VALUES (16, 1, 14, 1795171577170000, '{"kind":"FeedRead","after":39}');
INSERT INTO events VALUES (17, 1, 15, 1795171577260000, '{"kind":"FeedRead","after":40}');
INSERT INTO events VALUES (18, 1, 16, 1795171577271001, '{"kind":"FeedRead","after":43}');
INSERT INTO events VALUES (19, 4, 1, 1795171577271001, '{"kind":"DeliveryRecorded","key":"task-ended/t0mwout19e0dgeusmpgl/inbox"}');
INSERT INTO events VALUES (20, 1, 17, 1795171577308000, '{"kind":"FeedRead","after":47}');
INSERT INTO events VALUES (21, 1, 18, 1795171577385000, '{"kind":"FeedRead","after":48}');
INSERT INTO events VALUES (22, 1, 19, 1795171577573000, '{"kind":"FeedRead","after":50}');
INSERT INTO events VALUES (23, 1, 20, 1795171577586000, '{"kind":"FeedRead","after":53}');
INSERT INTO events VALUES (24, 5, 1, 1795171577586000, '{"kind":"DeliveryRecorded","key":"job-held/t0mwout22i1zura79oye/work/1795171577577/inbox"}');
INSERT INTO events VALUES (25, 1, 21, 1795171577595000, '{"kind":"FeedRead","after":58}');
INSERT INTO events VALUES (26, 1, 22, 1795171577604000, '{"kind":"FeedRead","after":59}');
INSERT INTO events VALUES (27, 1, 23, 1795171577618000, '{"kind":"FeedRead","after":60}');
INSERT INTO events VALUES (28, 1, 24, 1795171577628000, '{"kind":"FeedRead","after":62}');
INSERT INTO events VALUES (29, 1, 25, 1795171577677000, '{"kind":"FeedRead","after":66}');
INSERT INTO events VALUES (30, 1, 26, 1795171577707000, '{"kind":"FeedRead","after":67}');
INSERT INTO entries VALUES ('deliveries', '1795171575416000', 'delivery/1e2d85f7526d34b7a5becb0ea39b47cae800690f660f274be64b796a341e0828');
INSERT INTO entries VALUES ('inbox', '1795171575416000', 'delivery/1e2d85f7526d34b7a5becb0ea39b47cae800690f660f274be64b796a341e0828');
INSERT INTO entries VALUES ('deliveries', '1795171576779000', 'delivery/24182543c68fd82b33343605727fe6f1e1e4321b2f4b8dc2bf3c3a19863de522');
INSERT INTO entries VALUES ('inbox', '1795171576779000', 'delivery/24182543c68fd82b33343605727fe6f1e1e4321b2f4b8dc2bf3c3a19863de522');
INSERT INTO entries VALUES ('deliveries', '1795171577271000', 'delivery/7e4cbbad462038f9c7694f062c6ebb30f61f38e3c41fd8b89101ec18aea39f4c');
INSERT INTO entries VALUES ('inbox', '1795171577271000', 'delivery/7e4cbbad462038f9c7694f062c6ebb30f61f38e3c41fd8b89101ec18aea39f4c');
INSERT INTO entries VALUES ('deliveries', '1795171577584000', 'delivery/992d49a49b91f6b093c5c94e3b99a056516f58b38e53ff90d373486c0bb0eda8');
INSERT INTO entries VALUES ('inbox', '1795171577584000', 'delivery/992d49a49b91f6b093c5c94e3b99a056516f58b38e53ff90d373486c0bb0eda8');
INSERT INTO clock VALUES (1, 1795171577707000);
