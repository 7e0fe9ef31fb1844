-- finish: publish a committed batch and take its entries out of the lane. Safe to repeat, and by a late drain.
--
-- KEYS  1 lane   2 lease   3 meter   4 withdrawn   then the status keys; per card its key, those of the show's taken
--       seats and undecided Books; the expiring keys of the batch
-- ARGV  1 epoch   2 first id to keep: everything before it was read in this batch   3 last ticket of the batch
--       4 token   5 lease TTL, ms   6 pace of the batch: "decisions per second, 1 = it was a large one"; "" = unknown
--       7 how many statuses   8 how many cards   9 channel   10 ids for the channel
--       11 the lane's last number in the journal   12 ids that nothing in the lane
--       withdraws any more: "hex hex ..."   then
--       per status: version, status, user, fingerprint, body, TTL in ms (0 = never), id of the newest operation
--                   decided about it in this batch
--       per card:   version, state, opens, closes, sold_out_until, hall, forgets_at, version before the batch, 1 = its
--                   settings have changed, taken seats that have changed ("number until number until ..."), all taken
--                   seats ("" = not read), Books that left the lane ("user n user n ... all n"), what was learned of
--                   limits ("user until left ...", believed until then; until = 0: nothing is any more)
--       per expiring key: the id of the Expire decided
--
-- Reply {1, per card: 1 = the door knows its taken seats, 0 = not}, or {0}: another drain has published past this
-- batch already, and nothing was done; or another epoch (Redis was wiped and lives anew), or a ticket that has not been
-- given (Redis went back to an earlier state): lane, meter and entries are another life's and stay, but statuses and
-- cards are published, without taken seats. Else one that was recalled from Postgres just before this batch's COMMIT
-- would stand for ever. What came back into the lane is found decided, and is published by the next batch.
--
-- Trims first: XTRIM is allowed at maxmemory, and after it the writes of a script are too. Statuses and cards
-- are set only if their version is newer, so a late drain cannot bring an old one back. Taken seats go from one
-- version to the next, or are set as a whole; if a version was left out they are not true, and not believed.

local TAKEN_MS = 60000 -- taken seats that no batch has told for so long leave Redis: a stale one must have an end
local MOST = 2000 -- arguments of one BITFIELD or HSET; Lua hands over no more than 8,000
local UNDECIDED_MS = 600000 -- as in accept.lua
local STANDSTILL_MS = 5000 -- core/queue_position.py DELAYED_MS
local KEPT_MS, ASKED_MS = 21600000, 3600000 -- db/kv/cards.py: for how long a card is kept
local LIMIT_MS = 10000 -- so long the door believes at the most that a user may take no more seats

local meter = redis.call('HMGET', KEYS[3], 'epoch', 'served', 'served_at', 'waits_since', 'rate', 'ticket')
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
-- Whether the batch's last entry is in the lane: one with a ticket that was never given has been put there by hand, or
-- its meter was deleted.
local function still_there()
  local last = redis.call('XREVRANGE', KEYS[1], '(' .. ARGV[2], '-', 'COUNT', 1)[1]
  local ms, seq = string.match(ARGV[2], '^(%d+)-(%d+)$')
  return last and last[1] == ms .. '-' .. string.format('%d', tonumber(seq) - 1)
end

local given = tonumber(ARGV[3]) <= tonumber(meter[6] or '0')
local same_life = meter[1] == ARGV[1] and (given or still_there())
local mine = redis.call('GET', KEYS[2]) == ARGV[4]
local served = tonumber(meter[2] or '0')
if same_life and not mine and served >= tonumber(ARGV[3]) then return {0} end

-- Whether an operation of this kind on the booking is undecided; it is not if it is not after `newest`.
local function still_waits(status, kind, newest)
  local id = redis.call('HGET', status, kind)
  if not id then return false end
  if not same_life then return true end
  local ms, seq = string.match(id, '^(%d+)-(%d+)')
  local newest_ms, newest_seq = string.match(newest, '^(%d+)-(%d+)')
  ms, seq, newest_ms, newest_seq = tonumber(ms), tonumber(seq), tonumber(newest_ms), tonumber(newest_seq)
  if not newest_ms or ms > newest_ms or (ms == newest_ms and seq > newest_seq) then return true end
  redis.call('HDEL', status, kind)
  return false
end

-- Bring a show's taken seats from the version `known` to `version`; whether they are true then.
local function take(taken, known, version, before, changes, whole)
  if whole ~= '' then
    redis.call('SET', taken, whole)
  elseif (known ~= version and known ~= before) or redis.call('EXISTS', taken) == 0 then
    return false
  elseif known ~= version then
    local sets = {}
    for number, until_s in string.gmatch(changes, '(%d+) (%d+)') do
      for _, part in ipairs({'SET', 'u32', '#' .. number, until_s}) do sets[#sets + 1] = part end
      if #sets == MOST then redis.call('BITFIELD', taken, unpack(sets)) sets = {} end
    end
    if #sets > 0 then redis.call('BITFIELD', taken, unpack(sets)) end
  end
  redis.call('PEXPIRE', taken, TAKEN_MS)
  return true
end

-- Tell the door of one show, whose arguments begin at `arg`, what is new; 1 if it knows the taken seats then.
local function tell(card, taken, arg)
  local version, before = ARGV[arg], ARGV[arg + 7]
  local now = redis.call('HMGET', card, 'v', 'sold_out_until', 'forgets_at', 'taken')
  local sets = {}
  local function set(name, value)
    sets[#sets + 1] = name
    sets[#sets + 1] = value
  end
  local newer = not now[1] or tonumber(now[1]) < tonumber(version)
  if newer then
    set('v', version)
    if now[2] ~= ARGV[arg + 4] then set('sold_out_until', ARGV[arg + 4]) end
    if now[1] ~= before or ARGV[arg + 8] == '1' then
      set('state', ARGV[arg + 1]) set('opens', ARGV[arg + 2]) set('closes', ARGV[arg + 3]) set('hall', ARGV[arg + 5])
    end
  end
  if not now[1] then
    set('forgets_at', '0') -- Redis lives anew: what was decided before is not here
  elseif not now[3] or tonumber(now[3]) > tonumber(ARGV[arg + 6]) then
    set('forgets_at', ARGV[arg + 6]) -- the earliest counts
  end
  local knows = 0
  local current = newer or now[1] == version
  if current then set('checked', now_ms) end
  if same_life and current and take(taken, now[4], version, before, ARGV[arg + 9], ARGV[arg + 10]) then
    knows = 1
    if now[4] ~= version then set('taken', version) end
  end
  if #sets > 0 then redis.call('HSET', card, unpack(sets)) end
  if not now[1] then redis.call('PEXPIRE', card, math.max(tonumber(ARGV[arg + 3]) + KEPT_MS - now_ms, ASKED_MS)) end
  return knows
end

local left = 0 -- entries that left the lane just now; none if another drain has published this batch already
if same_life then left = redis.call('XTRIM', KEYS[1], 'MINID', ARGV[2]) end

-- Give back a show's undecided Books that have left the lane. What was not seen leaving is given back when the last
-- ticket that was counted has been decided (accept.lua reads the counts so, too).
local function give_back(undecided, books)
  local names, numbers, gone, kept = {}, {}, {}, {}
  for name, number in string.gmatch(books, '(%S+) (%d+)') do
    names[#names + 1], numbers[#numbers + 1] = name, tonumber(number)
  end
  if #names == 0 then return end
  for i, counted in ipairs(redis.call('HMGET', undecided, unpack(names))) do
    local count, last = string.match(counted or '', '^(%d+) (%d+)$')
    local rest = (tonumber(count) or 0) - (left > 0 and numbers[i] or 0)
    if rest <= 0 or tonumber(last) <= tonumber(ARGV[3]) then
      gone[#gone + 1] = names[i]
    else
      kept[#kept + 1] = names[i]
      kept[#kept + 1] = rest .. ' ' .. last
      if #kept == MOST then redis.call('HSET', undecided, unpack(kept)) kept = {} end
    end
  end
  if #gone > 0 then redis.call('HDEL', undecided, unpack(gone)) end
  if #kept > 0 then redis.call('HSET', undecided, unpack(kept)) end
end

-- Note what the door may believe of the users' limits at a show.
local function learn(undecided, limits)
  for user, until_ms, seats in string.gmatch(limits, '(%S+) (%d+) (%d+)') do
    if until_ms == '0' then
      redis.call('HDEL', undecided, '!' .. user)
    else
      local believed = string.format('%d %s', math.min(tonumber(until_ms), now_ms + LIMIT_MS), seats)
      redis.call('HSET', undecided, '!' .. user, believed)
      redis.call('PEXPIRE', undecided, UNDECIDED_MS)
    end
  end
end

-- The lane's rate, smoothed over about five batches: what a position is divided by for its ETA. What lies between a
-- large batch and the publication before it costs time as well, unless the lane slept, or stood still, which is over.
local function rate()
  local pace, large = string.match(ARGV[6], '^([%d.]+) (%d)$')
  local last, woken = tonumber(meter[3] or '0'), tonumber(meter[4] or '0')
  local lasted = now_ms - last
  pace = tonumber(pace)
  if large == '1' and last >= woken and lasted > 0 and lasted < STANDSTILL_MS then
    pace = math.min(pace, (tonumber(ARGV[3]) - served) * 1000 / lasted)
  end
  local before = tonumber(meter[5] or '0')
  return string.format('%.1f', before > 0 and 0.8 * before + 0.2 * pace or pace)
end

local finished = {1}
for id in string.gmatch(same_life and ARGV[12] or '', '%x+') do redis.call('HDEL', KEYS[4], id) end
if same_life and redis.call('XLEN', KEYS[1]) == 0 then redis.call('DEL', KEYS[4]) end -- no Cancel is left to wait for
local arg, key = 13, 5
for _ = 1, tonumber(ARGV[7]) do
  local status = KEYS[key]
  local version = redis.call('HGET', status, 'v')
  if not version or tonumber(version) < tonumber(ARGV[arg]) then
    redis.call('HSET', status, 'v', ARGV[arg], 's', ARGV[arg + 1], 'u', ARGV[arg + 2], 'f', ARGV[arg + 3],
      'b', ARGV[arg + 4])
    redis.call('HDEL', status, 't', 'e', 'a')
  end
  local waits = still_waits(status, 'CONFIRM', ARGV[arg + 6])
  waits = still_waits(status, 'CANCEL', ARGV[arg + 6]) or waits
  if waits or ARGV[arg + 5] == '0' then redis.call('PERSIST', status)
  else redis.call('PEXPIRE', status, ARGV[arg + 5]) end
  arg, key = arg + 7, key + 1
end
for _ = 1, tonumber(ARGV[8]) do
  finished[#finished + 1] = tell(KEYS[key], KEYS[key + 1], arg)
  if same_life then
    if ARGV[arg + 8] == '1' then redis.call('DEL', KEYS[key + 2]) end -- perhaps another limit: nothing is believed
    give_back(KEYS[key + 2], ARGV[arg + 11])
    learn(KEYS[key + 2], ARGV[arg + 12])
  end
  arg, key = arg + 13, key + 3
end
while same_life and KEYS[key] do
  if redis.call('GET', KEYS[key]) == ARGV[arg] then redis.call('DEL', KEYS[key]) end
  arg, key = arg + 1, key + 1
end

if ARGV[10] ~= '' then redis.call('PUBLISH', ARGV[9], ARGV[10]) end
if not same_life then return {0} end
if served < tonumber(ARGV[3]) then
  redis.call('HSET', KEYS[3], 'served', ARGV[3], 'served_at', now_ms, 'seq', ARGV[11])
  if not given then redis.call('HSET', KEYS[3], 'ticket', ARGV[3]) end -- the next one is after it
  if ARGV[6] ~= '' then redis.call('HSET', KEYS[3], 'rate', rate()) end
end
if mine then redis.call('PEXPIRE', KEYS[2], ARGV[5]) end
return finished
