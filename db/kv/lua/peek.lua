-- peek: what a drain needs at the start of a batch, read at one instant. Writes nothing.
--
-- KEYS  1 lane    stream      2 meter   hash      3 withdrawn   hash (accept.lua)
-- ARGV  1 max entries
--
-- Reply {epoch, time in ms, {{id, {"o", payload, "t", ticket, "a", accepted ms}}, ...}, last journal number that was
-- published, {withdrawn bookings}}, from the head of the lane. There is no cursor: decided entries are trimmed, so the
-- head is always the oldest undecided entry (or one to be published again).

local time = redis.call('TIME')
local meter = redis.call('HMGET', KEYS[2], 'epoch', 'seq')
return {
  meter[1] or '',
  time[1] * 1000 + math.floor(time[2] / 1000),
  redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[1]),
  meter[2] or '0',
  redis.call('HKEYS', KEYS[3]),
}
