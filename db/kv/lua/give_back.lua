-- give_back: an attempt has succeeded, so it counts no more against these limits. One atomic step.
--
-- KEYS  as of attempt.lua
-- ARGV  per key: the window in ms, and how many ms ago the attempt was counted, at the least
--
-- A window that began since knows nothing of that attempt: then nothing is given back, for the count is of others.

for i = 1, #KEYS do
  local left = redis.call('PTTL', KEYS[i])
  local age = tonumber(ARGV[2 * i - 1]) - left
  if left > 0 and age >= tonumber(ARGV[2 * i]) and tonumber(redis.call('GET', KEYS[i])) > 0 then
    redis.call('DECR', KEYS[i])
  end
end
return 0
