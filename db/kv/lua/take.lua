-- take: become the lane's drain. Succeeds if nobody is, or if the doorbell has only been rung; or if the lease would
-- last longer than any lease does: Redis stores its end as a time, and its clock has been set back since.
--
-- KEYS  1 lease     ARGV  1 token   2 TTL, ms     Reply 1 taken, 0 another drain is at work
-- Safe to repeat with the same token.
--
-- DEL first: at maxmemory, SET would be refused as the first write of a script, and nobody could drain. After a write
-- that is always allowed, the script's other writes are allowed, too.

local lease = redis.call('GET', KEYS[1])
if lease and lease ~= 'rung' and lease ~= ARGV[1] and redis.call('PTTL', KEYS[1]) <= 2 * ARGV[2] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
