-- release: stop being the lane's drain. One step with the check of the lane, so no entry can arrive in between.
--
-- KEYS  1 lane   2 lease     ARGV  1 token   2 TTL, ms
-- Reply 1 entries are left: the lease says "rung", and the caller sends the doorbell;  0 the lane is empty, or the
-- lease was no longer ours. DEL comes before SET for the reason that take.lua gives.

if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
if redis.call('XLEN', KEYS[1]) == 0 then
  redis.call('DEL', KEYS[2])
  return 0
end
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[2], 'rung', 'PX', ARGV[2])
return 1
