-- What a journal at migration 1 may hold. Every later migration must carry it over; migrations.test.ts reads it back.

INSERT INTO streams (id, name, version, snapshot) VALUES
  (1, 'task/t01', 2, '{"state":"running","note":"줄 1\n\"quoted\" 😀"}'),
  (2, 'runner/seoul-1', 0, '{"slots":4}');

INSERT INTO events (seq, stream, version, at_micros, event) VALUES
  (1, 1, 1, 1750000000000000, '{"kind":"TaskRequested","by":"kim"}'),
  (2, 1, 2, 1750000000000001, '{"kind":"TaskStarted"}');

INSERT INTO entries (name, key, stream) VALUES
  ('all', '2025-06-15T15:06:40Z', 'task/t01'),
  ('all', 'runner', 'runner/seoul-1');

UPDATE clock SET horizon_micros = 1750000001000000;
