-- attempt: count one attempt against some limits, or return how long to wait. One atomic step.
--
-- KEYS  a string per limit: the attempts of its subject in the window, with the window as TTL
-- ARGV  per key: limit, window in ms
--
-- Reply 0: counted, go ahead.   Otherwise: ms until the next attempt is allowed; then nothing was counted, so clients
-- that keep trying do not lock the account for ever.

local wait = 0
for i = 1, #KEYS do
  if tonumber(redis.call('GET', KEYS[i]) or '0') >= tonumber(ARGV[2 * i - 1]) then
    wait = math.max(wait, redis.call('PTTL', KEYS[i]), 1)
  end
end
if wait > 0 then return wait end
for i = 1, #KEYS do
  if redis.call('INCR', KEYS[i]) == 1 then redis.call('PEXPIRE', KEYS[i], ARGV[2 * i]) end
end
return 0
