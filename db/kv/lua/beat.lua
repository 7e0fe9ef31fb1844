-- beat: record a worker's heartbeat, and remove workers whose heartbeat is too old.
--
-- KEYS  1 workers   sorted set     ARGV  1 worker   2 validity of a heartbeat, ms
-- Reply how many workers are alive. ZREM comes before ZADD for the reason that take.lua gives.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('ZADD', KEYS[1], now, ARGV[1])
return redis.call('ZCARD', KEYS[1])
