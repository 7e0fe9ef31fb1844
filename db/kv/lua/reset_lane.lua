-- reset_lane: see whether a lane's ids are ahead of the clock, and begin its next epoch if it is empty.
--
-- KEYS  1 lane   2 meter     ARGV  1 how far ahead they may be, ms   2 1 = reset, 0 = only look
-- Reply {ms that the newest id is ahead (0: no further than it may be), 1 reset | 0 left as it is}
--
-- A lane without entries loses nothing: accept.lua makes the next epoch, and the lane's row in Postgres notes it, as
-- after a wipe. Unlike then the tickets go on: what still names one (counts, statuses) would wait for it anew.
-- A lane that has entries is left, for its ids must stay in order.

if redis.call('EXISTS', KEYS[1]) == 0 then return {0, 0} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local info, newest = redis.call('XINFO', 'STREAM', KEYS[1]), '0-0'
for i = 1, #info, 2 do
  if info[i] == 'last-generated-id' then newest = info[i + 1] end
end
local ahead = tonumber(string.match(newest, '^%d+')) - now
if ahead <= tonumber(ARGV[1]) then return {0, 0} end
if ARGV[2] == '0' or redis.call('XLEN', KEYS[1]) > 0 then return {ahead, 0} end
redis.call('DEL', KEYS[1])
redis.call('HDEL', KEYS[2], 'epoch')
return {ahead, 1}
