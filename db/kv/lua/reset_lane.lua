-- reset_lane: check whether a lane's ids are ahead of the clock; if so and the lane is empty, end its epoch.
--
-- KEYS  1 lane   2 meter     ARGV  1 how far ahead they may be, ms   2 1 = reset, 0 = only check
-- Reply {ms by which the newest id is ahead (0: within the limit), 1 reset | 0 unchanged}
--
-- A lane without entries loses nothing: accept.lua starts the next epoch, and the lane's row in Postgres notes it, as
-- after a wipe. Unlike after a wipe, tickets continue: counts and statuses that name an old ticket would otherwise wait
-- for it a second time. A lane with entries is left as it is, because its ids must stay in order.

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
