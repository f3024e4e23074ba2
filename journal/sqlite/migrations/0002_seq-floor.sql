-- Streams can be removed. No seq is ever given again: after a restart they go on above this one, also when the newest events
-- are gone.

ALTER TABLE clock ADD COLUMN seq_floor INTEGER NOT NULL DEFAULT 0;
