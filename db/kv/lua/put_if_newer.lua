-- put_if_newer: put a status or a card into Redis from Postgres, unless a newer version is there already.
--
-- KEYS  1 status or card   hash     ARGV  1 version   2 TTL, ms (0 = never)   then field, value, ...
-- Reply 1 published, 0 the existing one is as new or newer. Safe to repeat. In both cases `checked` is set: the time
-- of the last comparison with Postgres.

local changes = {'CONFIRM', 'CANCEL', 'EXTEND', 'RELEASE'} -- core/operations.py BOOKING_CHANGES

local version = redis.call('HGET', KEYS[1], 'v')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if version and tonumber(version) >= tonumber(ARGV[1]) then
  redis.call('HSET', KEYS[1], 'checked', now)
  return 0
end
redis.call('HSET', KEYS[1], 'v', ARGV[1], 'checked', now, unpack(ARGV, 3))
if version then redis.call('HDEL', KEYS[1], 't', 'e', 'a') end
local undecided = false
for _, id in ipairs(redis.call('HMGET', KEYS[1], unpack(changes))) do undecided = undecided or id end
if ARGV[2] ~= '0' and not undecided then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1
