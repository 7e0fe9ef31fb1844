-- release: stop being the lane's drain. In one step with the look at the lane, so that no entry slips between.
--
-- KEYS  1 lane   2 lease     ARGV  1 token   2 TTL, ms
-- Reply 1 entries are left: the lease says "rung", the caller sends the doorbell;  0 the lane sleeps, or
-- the lease was no longer ours. DEL comes before SET for the reason that take.lua gives

if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
if redis.call('XLEN', KEYS[1]) == 0 then
  redis.call('DEL', KEYS[2])
  return 0
end
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[2], 'rung', 'PX', ARGV[2])
return 1
