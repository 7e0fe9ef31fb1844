-- give_back: uncount an attempt that has succeeded. One atomic step.
--
-- KEYS  as of attempt.lua
-- ARGV  per key: the window in ms, and the minimum of ms since the attempt was counted
--
-- A window that began after the attempt does not count it, so nothing is given back.

for i = 1, #KEYS do
  local left = redis.call('PTTL', KEYS[i])
  local age = tonumber(ARGV[2 * i - 1]) - left
  if left > 0 and age >= tonumber(ARGV[2 * i]) and tonumber(redis.call('GET', KEYS[i])) > 0 then
    redis.call('DECR', KEYS[i])
  end
end
return 0
