// The scripts that change and read the store. Only a script can read, decide and write in Redis without another client in
// between, so every change of the journal is one script.
//
// Keys, all with the hash tag {prefix}, so that they live on one node of a cluster:
//   {p}:meta           hash: layout, store (a random name from when the store was new), run (the server process and the
//                      store on which the counters were last checked; it changes with a restart, a failover, and when
//                      somebody empties the store), epoch, seq, acked, micros
//   {p}:feed           stream of all events; the id is `seq-0`
//   {p}:stream:NAME    hash: v (version), s (snapshot), i (index entries), o (the operation that wrote it last)
//   {p}:events:NAME    list of the seqs of the stream's events
//   {p}:index:NAME     sorted set, all scores 0; members are `key NUL stream`, in the order of their bytes
//   {p}:op:ID          the answers of the changes of one call, for a while
//   {p}:gone:NAME      this stream was removed, for a while, so that nobody restores it
//
// Numbers are passed as decimal texts: Lua would write large ones with an exponent.

/** Version of the key layout above. A change needs a new number and a migration. */
export const LAYOUT = 1;

/** How far seq jumps when the store may have lost its newest events, so that no seq is given twice. */
export const SEQ_JUMP = 1_048_576;

const TOOLS = `
local function int(n) return string.format('%.0f', n) end
local function clock(last, floor)
  local t = redis.call('TIME')
  return math.max(t[1] * 1000000 + t[2], last + 1, floor + 1)
end
local function indexKey(prefix, name) return prefix .. ':index:' .. name end
local function addEvent(prefix, stream, seq, version, micros, text)
  redis.call('XADD', prefix .. ':feed', int(seq) .. '-0', 's', stream, 'v', int(version), 't', micros, 'e', text)
  redis.call('RPUSH', prefix .. ':events:' .. stream, int(seq))
end
local function replaceEntries(prefix, stream, old, new)
  local have, want = {}, {}
  for n = 1, #old, 2 do have[old[n] .. '\\0' .. old[n + 1]] = true end
  for n = 1, #new, 2 do want[new[n] .. '\\0' .. new[n + 1]] = true end
  for n = 1, #old, 2 do
    if not want[old[n] .. '\\0' .. old[n + 1]] then
      redis.call('ZREM', indexKey(prefix, old[n]), old[n + 1] .. '\\0' .. stream)
    end
  end
  for n = 1, #new, 2 do
    if not have[new[n] .. '\\0' .. new[n + 1]] then
      redis.call('ZADD', indexKey(prefix, new[n]), 0, new[n + 1] .. '\\0' .. stream)
    end
  end
end
local function putStream(prefix, stream, version, snapshot, entries, packed, op)
  local key = prefix .. ':stream:' .. stream
  local new = entries and cmsgpack.pack(entries)
  if not new or new == packed then
    redis.call('HSET', key, 'v', int(version), 's', snapshot, 'o', op)
  else
    replaceEntries(prefix, stream, packed and cmsgpack.unpack(packed) or {}, entries)
    redis.call('HSET', key, 'v', int(version), 's', snapshot, 'o', op, 'i', new)
  end
end
local at = 0
local function take() at = at + 1; return ARGV[at] end
local function takeList()
  local list = {}
  local count = tonumber(take())
  if count < 0 then return nil end
  for n = 1, count do list[n] = take() end
  return list
end
`;

/**
 * Takes over the store on a new connection. KEYS meta feed; ARGV layout, store id if new, run, highest seq and micros that
 * this agent has seen. Raises the counters above everything that may have been given out and lost.
 */
export const ENTER = `${TOOLS}
local meta = KEYS[1]
local layout, fresh, run, seqKnown, microsKnown = take(), take(), take(), tonumber(take()), tonumber(take())
local found = redis.call('HMGET', meta, 'layout', 'store', 'run', 'epoch', 'seq', 'micros')
if found[1] and tonumber(found[1]) > tonumber(layout) then return {'newer', found[1]} end
local epoch, seq, micros = tonumber(found[4] or 0), tonumber(found[5] or 0), tonumber(found[6] or 0)
if not found[1] then redis.call('HSET', meta, 'layout', layout, 'acked', 0) end
if not found[2] then redis.call('HSET', meta, 'store', fresh) end
local store = found[2] or fresh
local token = run .. '/' .. store
if found[3] ~= token then
  local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
  local feed = newest[1] and tonumber(string.match(newest[1][1], '^%d+')) or 0
  seq = math.max(seq, seqKnown, feed)
  if seq > 0 then seq = seq + ${SEQ_JUMP} end
  epoch = epoch + 1
end
seq = math.max(seq, seqKnown)
micros = clock(micros, microsKnown)
redis.call('HSET', meta, 'run', token, 'epoch', int(epoch), 'seq', int(seq), 'micros', int(micros))
return {'ok', store, int(epoch), token, int(micros)}
`;

/**
 * Several appends and requests for the time that arrived together. Each append is made whole or not at all; a conflict of
 * one does not affect the others. The answers are remembered under the common operation id.
 *
 * KEYS meta feed op; ARGV prefix, run, operation id, highest seq and micros seen, how long to remember the answers (ms),
 * channel of news (empty: replicas must confirm first), number of times wanted, number of appends, and per append: number
 * of parts, and per part: stream, expected, events (counted), snapshot, entries (counted texts, index and key; -1: keep).
 * Answers `ok`, seq, the first of the times, and a list: per append `ok`, seq, micros or `conflict`, stream, version.
 */
export const COMMIT = `${TOOLS}
local meta, op = KEYS[1], KEYS[3]
local prefix, run, id, seqKnown, microsKnown, keepMs, news = take(), take(), take(), take(), take(), take(), take()
local times, appends = tonumber(take()), tonumber(take())
local found = redis.call('HMGET', meta, 'run', 'seq', 'micros', 'acked')
if found[1] ~= run then return {'moved'} end
local seq = math.max(tonumber(found[2]), tonumber(seqKnown))
local first = clock(tonumber(found[3]), tonumber(microsKnown))
local micros = first + times - 1
local function append()
  local parts, conflict = {}, nil
  for n = 1, tonumber(take()) do
    local part = { stream = take(), expected = take(), events = takeList(), snapshot = take(), entries = takeList() }
    local stored = redis.call('HMGET', prefix .. ':stream:' .. part.stream, 'v', 'i')
    local version = stored[1] or '0'
    if version ~= part.expected and not conflict then conflict = {'conflict', part.stream, version} end
    part.packed = stored[2]
    parts[n] = part
  end
  if conflict then return conflict end
  micros = micros + 1
  local at = int(micros)
  for _, part in ipairs(parts) do
    local version = tonumber(part.expected)
    for _, text in ipairs(part.events) do
      seq = seq + 1
      version = version + 1
      addEvent(prefix, part.stream, seq, version, at, text)
    end
    putStream(prefix, part.stream, version, part.snapshot, part.entries, part.packed, id)
  end
  return {'ok', int(seq), at}
end
local done = appends > 0 and redis.call('GET', op)
local answers = {}
if done then
  answers = cmsgpack.unpack(done)
else
  for n = 1, appends do
    for _, word in ipairs(append()) do answers[#answers + 1] = word end
  end
  if appends > 0 then redis.call('SET', op, cmsgpack.pack(answers), 'PX', keepMs) end
end
-- Always a write, so that WAIT on this connection waits for everything up to here, also for what was made before.
redis.call('HSET', meta, 'seq', int(seq), 'micros', int(micros))
if news ~= '' and seq > tonumber(found[4] or 0) then
  redis.call('HSET', meta, 'acked', int(seq))
  redis.call('PUBLISH', news, int(seq))
end
return {'ok', int(seq), int(first), answers}
`;

/**
 * Removes streams. KEYS meta feed op; ARGV prefix, run, operation id, how long to remember the answer (ms), number of
 * streams, and per stream: name, expected version. Answers `ok`, seq and how many existed.
 */
export const REMOVE = `${TOOLS}
local meta, op = KEYS[1], KEYS[3]
local prefix, run, id, keepMs, count = take(), take(), take(), take(), tonumber(take())
local found = redis.call('HMGET', meta, 'run', 'seq')
if found[1] ~= run then return {'moved'} end
local done = redis.call('GET', op)
if done then
  redis.call('HINCRBY', meta, 'repeats', 1)
  return {'ok', found[2], done}
end
local streams = {}
for n = 1, count do
  local stream, expected = take(), tonumber(take())
  local version = redis.call('HGET', prefix .. ':stream:' .. stream, 'v')
  if version then
    if tonumber(version) ~= expected then return {'conflict', stream, version} end
    streams[#streams + 1] = stream
  end
end
for _, stream in ipairs(streams) do
  local key, events = prefix .. ':stream:' .. stream, prefix .. ':events:' .. stream
  local packed = redis.call('HGET', key, 'i')
  if packed then replaceEntries(prefix, stream, cmsgpack.unpack(packed), {}) end
  for _, seq in ipairs(redis.call('LRANGE', events, 0, -1)) do redis.call('XDEL', KEYS[2], seq .. '-0') end
  redis.call('DEL', key, events)
  redis.call('SET', prefix .. ':gone:' .. stream, 1, 'PX', keepMs)
end
redis.call('SET', op, #streams, 'PX', keepMs)
return {'ok', found[2], int(#streams)}
`;

/**
 * Loads streams. Answers `ok`, a time that is not before any of their changes, and version and snapshot of each, empty for
 * a missing stream. KEYS meta; ARGV run, prefix, streams.
 */
export const LOAD = `
local meta = redis.call('HMGET', KEYS[1], 'run', 'micros')
if meta[1] ~= ARGV[1] then return {'moved'} end
local rows = {'ok', meta[2]}
for n = 3, #ARGV do
  local found = redis.call('HMGET', ARGV[2] .. ':stream:' .. ARGV[n], 'v', 's')
  rows[#rows + 1] = found[1] or ''
  rows[#rows + 1] = found[2] or ''
end
return rows
`;

/** Everything up to this seq is on enough replicas, so readers may see it. KEYS meta; ARGV seq, channel. */
export const ACKED = `
local known = tonumber(redis.call('HGET', KEYS[1], 'acked') or 0)
if tonumber(ARGV[1]) > known then redis.call('HSET', KEYS[1], 'acked', ARGV[1]) end
redis.call('PUBLISH', ARGV[2], ARGV[1])
return 1
`;

/**
 * Reads a page of an index. KEYS meta index; ARGV run, prefix, first, last, order, count. Answers `ok`, then key, stream,
 * version and snapshot of each entry.
 */
export const FIND = `
if redis.call('HGET', KEYS[1], 'run') ~= ARGV[1] then return {'moved'} end
local prefix, first, last, order, count = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local members
if order == 'descending' then
  members = redis.call('ZRANGE', KEYS[2], last, first, 'BYLEX', 'REV', 'LIMIT', 0, count)
else
  members = redis.call('ZRANGE', KEYS[2], first, last, 'BYLEX', 'LIMIT', 0, count)
end
local rows = {'ok'}
for _, member in ipairs(members) do
  local cut = string.find(member, '\\0', 1, true)
  local stream = string.sub(member, cut + 1)
  local found = redis.call('HMGET', prefix .. ':stream:' .. stream, 'v', 's')
  rows[#rows + 1] = string.sub(member, 1, cut - 1)
  rows[#rows + 1] = stream
  rows[#rows + 1] = found[1]
  rows[#rows + 1] = found[2]
end
return rows
`;

/** Events of one stream. Answers `ok`, then entries of the feed. KEYS meta events feed; ARGV run, after, limit. */
export const EVENTS = `
if redis.call('HGET', KEYS[1], 'run') ~= ARGV[1] then return {'moved'} end
local seqs = redis.call('LRANGE', KEYS[2], ARGV[2], ARGV[2] + ARGV[3] - 1)
local rows = {'ok'}
for n, seq in ipairs(seqs) do rows[n + 1] = redis.call('XRANGE', KEYS[3], seq .. '-0', seq .. '-0')[1] end
return rows
`;

/** Answers the streams that differ from what this agent wrote last. ARGV prefix, and per stream: name, version, operation. */
export const CHECK = `
local others = {}
for n = 2, #ARGV, 3 do
  local found = redis.call('HMGET', ARGV[1] .. ':stream:' .. ARGV[n], 'v', 'o')
  if found[1] ~= ARGV[n + 1] or found[2] ~= ARGV[n + 2] then others[#others + 1] = ARGV[n] end
end
return others
`;

/** Answers `ok`, then version (empty: missing) and index names per stream. KEYS meta; ARGV prefix, run, streams. */
export const STATUS = `
if redis.call('HGET', KEYS[1], 'run') ~= ARGV[2] then return {'moved'} end
local rows = {'ok'}
for n = 3, #ARGV do
  local found = redis.call('HMGET', ARGV[1] .. ':stream:' .. ARGV[n], 'v', 'i')
  local row = {found[1] or ''}
  local entries = found[2] and cmsgpack.unpack(found[2]) or {}
  for k = 1, #entries, 2 do row[#row + 1] = entries[k] end
  rows[#rows + 1] = row
end
return rows
`;

/**
 * Restores a stream. KEYS meta feed; ARGV prefix, run, stream, version, operation, snapshot, entries (counted), number of
 * events, and per event: version, micros, text (ascending, up to `version`). Answers `present` when the stream has all of it
 * or was removed recently, `differs` when it has another event in the place of one of ours, else `repaired` with the number
 * of events that are unknown here and were replaced by an EventLost.
 */
export const REPAIR = `${TOOLS}
local meta = KEYS[1]
local prefix, run, stream, version, id, snapshot, entries = take(), take(), take(), tonumber(take()), take(), take(), takeList()
local found = redis.call('HMGET', meta, 'run', 'seq')
if found[1] ~= run then return {'moved'} end
local ours, newest = {}, nil
for n = 1, tonumber(take()) do
  local event = { version = tonumber(take()), micros = take(), text = take() }
  ours[event.version] = event
end
local stored = redis.call('HMGET', prefix .. ':stream:' .. stream, 'v', 'i')
if not stored[1] and redis.call('EXISTS', prefix .. ':gone:' .. stream) == 1 then return {'present'} end
local current = tonumber(stored[1] or 0)
local shared = math.min(current, version)
if ours[shared] then
  local seq = redis.call('LINDEX', prefix .. ':events:' .. stream, shared - 1)
  local entry = seq and redis.call('XRANGE', KEYS[2], seq .. '-0', seq .. '-0')[1]
  local isLost = entry and string.find(entry[2][8], '{"kind":"EventLost"', 1, true) == 1
  if not entry or (entry[2][8] ~= ours[shared].text and not isLost) then return {'differs', int(shared)} end
end
if stored[1] and current >= version then return {'present'} end
local seq, lost = tonumber(found[2]), 0
for n = current + 1, version do
  local event = ours[n]
  seq = seq + 1
  if event then
    addEvent(prefix, stream, seq, n, event.micros, event.text)
  else
    lost = lost + 1
    local t = redis.call('TIME')
    local text = '{"kind":"EventLost","at":' .. int(t[1] * 1000) .. '}'
    addEvent(prefix, stream, seq, n, int(t[1] * 1000000), text)
  end
end
putStream(prefix, stream, version, snapshot, entries, stored[2], id)
redis.call('HSET', meta, 'seq', int(seq))
return {'repaired', int(lost)}
`;

export const SCRIPTS = {
  enter: ENTER,
  commit: COMMIT,
  remove: REMOVE,
  load: LOAD,
  acked: ACKED,
  find: FIND,
  events: EVENTS,
  check: CHECK,
  status: STATUS,
  repair: REPAIR,
};
export type ScriptName = keyof typeof SCRIPTS;
