-- beat: record a worker's heartbeat and what it does, and remove workers whose heartbeat is too old.
--
-- KEYS  1 workers   sorted set   2 doing   hash: worker -> JSON
-- ARGV  1 worker   2 validity of a heartbeat, ms   3 what it does, as JSON
-- Reply how many workers are alive. ZREM comes before ZADD for the reason that take.lua gives.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREM', KEYS[1], ARGV[1])
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])) do redis.call('HDEL', KEYS[2], gone) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
return redis.call('ZCARD', KEYS[1])
