-- finish: publish a committed batch and trim its entries from the lane. Safe to repeat, and by a late drain.
--
-- KEYS  lane, lease, meter, withdrawn; per status its key; per card the show's card, taken seats and undecided Books; per
--       expire the show's expiring key
-- ARGV  one BATCH record, then `statuses` STATUS records, `cards` CARD records and `expires` EXPIRE records. The lists
--       below give each record's fields in order; db/kv/finish.py reads them here, so neither side counts positions.
--
-- Reply {1, per card: 1 = its taken seats are known now, 0 = not}. Or {0}: another drain has published past this batch
-- already, and nothing was done; or Redis is in another life (another epoch, because it was wiped; or the batch's ticket
-- was never given, because it went back to an earlier state). Then the lane, meter and entries belong to that life and
-- stay, but statuses and cards are published, without taken seats: a status that was recalled from Postgres just before
-- this batch's COMMIT would otherwise be final. Entries that are back in the lane are found decided by the next batch.
--
-- Trims first: XTRIM is allowed at maxmemory, and after it the writes of a script are too. Statuses and cards are set only
-- if their version is newer, so a late drain cannot bring an old one back. Taken seats go from one version to the next, or
-- are set as a whole; if a version was left out they are not trusted.

local BATCH = {
  'epoch',
  'keep_from', -- id of the first entry to keep: everything before it was read in this batch
  'ticket', -- of the batch's last entry
  'seq', -- the lane's last number in the journal
  'token', -- the drain's
  'lease_ms',
  'pace', -- "entries per second, 1 = it was a large batch"; "" = unknown
  'statuses', 'cards', 'expires', -- how many records follow
  'channel', 'decided', -- ids of the decided bookings, published there: "hex hex ..."
  'withdrawals_over', -- ids of bookings that no Cancel in the lane withdraws any more: "hex hex ..."
}
local STATUS = {
  'version', 'status', 'user', 'fingerprint', 'body',
  'ttl_ms', -- 0 = it stays
  'newest', -- id of the newest operation on this booking in the batch; "" = none
}
local CARD = {
  'v', 'state', 'opens', 'closes', 'sold_out_until', 'hall', 'forgets_at',
  'before', -- the version before the batch
  'new_settings', -- 1 = the show's settings have changed
  'taken', -- seats that have changed: "number until_s number until_s ..."
  'all_taken', -- all taken seats, four bytes each; "" = not read
  'books', -- Books that leave the lane: "user n user n ... all n"
  'limits', -- "user until_ms seats_left ...": trusted until then; until_ms = 0: forget what was known of this user
  'followers', -- the channel of those who follow the show's seats: "before v new_settings taken" is published there
}
local EXPIRE = { 'id' } -- of the Expire that was decided

local changes = {'CONFIRM', 'CANCEL', 'EXTEND', 'RELEASE'} -- core/operations.py BOOKING_CHANGES: a status's fields for the undecided ones

local TAKEN_MS = 60000 -- taken seats that no batch has updated for this long leave Redis, so stale ones do not last
local MOST = 2000 -- arguments of one BITFIELD or HSET: Lua's unpack passes fewer than 8,000
local UNDECIDED_MS = 600000 -- as in accept.lua
local STANDSTILL_MS = 5000 -- core/queue_position.py DELAYED_MS
local KEPT_MS, ASKED_MS = 21600000, 3600000 -- db/kv/cards.py: for how long a card is kept
local LIMIT_MS = 10000 -- the longest time for which accept.lua trusts that a user may take no more seats

local next_arg, next_key = 1, 1
local function read(names)
  local record = {}
  for i = 1, #names do record[names[i]] = ARGV[next_arg + i - 1] end
  next_arg = next_arg + #names
  return record
end
local function key()
  next_key = next_key + 1
  return KEYS[next_key - 1]
end

local batch = read(BATCH)
local lane, lease, meter_key, withdrawn = key(), key(), key(), key()
local ticket = tonumber(batch.ticket)
local meter = redis.call('HMGET', meter_key, 'epoch', 'served', 'served_at', 'waits_since', 'rate', 'ticket')
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)

-- Return whether the batch's last entry is in the lane. If its ticket was never given, it was put there by hand, or the
-- meter was deleted.
local function still_there()
  local last = redis.call('XREVRANGE', lane, '(' .. batch.keep_from, '-', 'COUNT', 1)[1]
  local ms, seq = string.match(batch.keep_from, '^(%d+)-(%d+)$')
  return last and last[1] == ms .. '-' .. string.format('%d', tonumber(seq) - 1)
end

local given = ticket <= tonumber(meter[6] or '0')
local same_life = meter[1] == batch.epoch and (given or still_there())
local mine = redis.call('GET', lease) == batch.token
local served = tonumber(meter[2] or '0')
if same_life and not mine and served >= ticket then return {0} end

-- Return whether stream id `id` is later than `newest`; any id is later than "".
local function later(id, newest)
  local ms, seq = string.match(id, '^(%d+)-(%d+)')
  local newest_ms, newest_seq = string.match(newest, '^(%d+)-(%d+)')
  if not newest_ms then return true end
  ms, seq, newest_ms, newest_seq = tonumber(ms), tonumber(seq), tonumber(newest_ms), tonumber(newest_seq)
  return ms > newest_ms or (ms == newest_ms and seq > newest_seq)
end

-- Remove the booking's undecided changes that this batch has decided; return whether one is still undecided. `found`:
-- the status's version, then its field of each kind.
local function remove_decided(status, found, newest)
  local waits = false
  for i, kind in ipairs(changes) do
    local id = found[i + 1]
    if id and (not same_life or later(id, newest)) then waits = true
    elseif id then redis.call('HDEL', status, kind)
    end
  end
  return waits
end

-- The arguments are the fields of STATUS. A batch has hundreds: a table for each would cost a tenth of the script.
local function publish_status(key, version, status, user, fingerprint, body, ttl_ms, newest)
  local found = redis.call('HMGET', key, 'v', unpack(changes))
  local known = found[1]
  if not known or tonumber(known) < tonumber(version) then
    redis.call('HSET', key, 'v', version, 's', status, 'u', user, 'f', fingerprint, 'b', body)
    redis.call('HDEL', key, 't', 'e', 'a')
  end
  if remove_decided(key, found, newest) or ttl_ms == '0' then redis.call('PERSIST', key)
  else redis.call('PEXPIRE', key, ttl_ms) end
end

-- Bring a show's taken seats from the version `known` to that of `new`; return whether they are complete then.
local function update_taken(taken, known, new)
  if new.all_taken ~= '' then
    redis.call('SET', taken, new.all_taken)
  elseif (known ~= new.v and known ~= new.before) or redis.call('EXISTS', taken) == 0 then
    return false
  elseif known ~= new.v then
    local sets = {}
    for number, until_s in string.gmatch(new.taken, '(%d+) (%d+)') do
      for _, part in ipairs({'SET', 'u32', '#' .. number, until_s}) do sets[#sets + 1] = part end
      if #sets == MOST then redis.call('BITFIELD', taken, unpack(sets)) sets = {} end
    end
    if #sets > 0 then redis.call('BITFIELD', taken, unpack(sets)) end
  end
  redis.call('PEXPIRE', taken, TAKEN_MS)
  return true
end

-- Publish a show's card and taken seats; return 1 if its taken seats are known then, else 0.
local function publish_card(card, taken, new)
  local v, sold_out_until, forgets_at, taken_version =
    unpack(redis.call('HMGET', card, 'v', 'sold_out_until', 'forgets_at', 'taken'))
  local fields = {}
  local function set(name, value)
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
  local newer = not v or tonumber(v) < tonumber(new.v)
  local current = newer or v == new.v
  if newer then
    set('v', new.v)
    if sold_out_until ~= new.sold_out_until then set('sold_out_until', new.sold_out_until) end
    if v ~= new.before or new.new_settings == '1' then
      set('state', new.state) set('opens', new.opens) set('closes', new.closes) set('hall', new.hall)
    end
  end
  if not v then
    set('forgets_at', '0') -- there was no card: outcomes from before it are not in this Redis
  elseif not forgets_at or tonumber(forgets_at) > tonumber(new.forgets_at) then
    set('forgets_at', new.forgets_at) -- the earliest counts
  end
  if current then set('checked', now_ms) end
  local known = same_life and current and update_taken(taken, taken_version, new)
  if known and taken_version ~= new.v then set('taken', new.v) end
  if #fields > 0 then redis.call('HSET', card, unpack(fields)) end
  if newer then
    redis.call('PUBLISH', new.followers, new.before .. ' ' .. new.v .. ' ' .. new.new_settings .. ' ' .. new.taken)
  end
  if not v then redis.call('PEXPIRE', card, math.max(tonumber(new.closes) + KEPT_MS - now_ms, ASKED_MS)) end
  return known and 1 or 0
end

-- Subtract the Books that left the lane from a show's undecided ones. Books that were not seen leaving are subtracted
-- when the last ticket that was counted has been decided (accept.lua reads the counts in the same way).
local function count_down(undecided, books, trimmed)
  local names, numbers, gone, kept = {}, {}, {}, {}
  for name, number in string.gmatch(books, '(%S+) (%d+)') do
    names[#names + 1], numbers[#numbers + 1] = name, tonumber(number)
  end
  if #names == 0 then return end
  for i, counted in ipairs(redis.call('HMGET', undecided, unpack(names))) do
    local count, last = string.match(counted or '', '^(%d+) (%d+)$')
    local rest = (tonumber(count) or 0) - (trimmed > 0 and numbers[i] or 0)
    if rest <= 0 or tonumber(last) <= ticket then
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

-- Note how many seats users may still take at a show, and until when accept.lua may trust that.
local function note_limits(undecided, limits)
  for user, until_ms, seats in string.gmatch(limits, '(%S+) (%d+) (%d+)') do
    if until_ms == '0' then
      redis.call('HDEL', undecided, '!' .. user)
    else
      local trusted = string.format('%d %s', math.min(tonumber(until_ms), now_ms + LIMIT_MS), seats)
      redis.call('HSET', undecided, '!' .. user, trusted)
      redis.call('PEXPIRE', undecided, UNDECIDED_MS)
    end
  end
end

-- Return the lane's rate, smoothed over about five batches: a position is divided by it for the ETA. The time between a
-- large batch and the publication before it counts too, unless the lane was asleep, or at a standstill that is over.
local function rate()
  local pace, large = string.match(batch.pace, '^([%d.]+) (%d)$')
  local last, woken = tonumber(meter[3] or '0'), tonumber(meter[4] or '0')
  local lasted = now_ms - last
  pace = tonumber(pace)
  if large == '1' and last >= woken and lasted > 0 and lasted < STANDSTILL_MS then
    pace = math.min(pace, (ticket - served) * 1000 / lasted)
  end
  local before = tonumber(meter[5] or '0')
  return string.format('%.1f', before > 0 and 0.8 * before + 0.2 * pace or pace)
end

local trimmed = 0 -- entries; none if another drain has published this batch already
if same_life then
  trimmed = redis.call('XTRIM', lane, 'MINID', batch.keep_from)
  for id in string.gmatch(batch.withdrawals_over, '%x+') do redis.call('HDEL', withdrawn, id) end
  if redis.call('XLEN', lane) == 0 then redis.call('DEL', withdrawn) end -- no Cancel is left in the lane
end

local reply = {1}
for _ = 1, tonumber(batch.statuses) do
  publish_status(key(), unpack(ARGV, next_arg, next_arg + #STATUS - 1))
  next_arg = next_arg + #STATUS
end
for _ = 1, tonumber(batch.cards) do
  local card, taken, undecided, new = key(), key(), key(), read(CARD)
  reply[#reply + 1] = publish_card(card, taken, new)
  if same_life then
    if new.new_settings == '1' then redis.call('DEL', undecided) end -- the limit may be another: forget all
    count_down(undecided, new.books, trimmed)
    note_limits(undecided, new.limits)
  end
end
for _ = 1, same_life and tonumber(batch.expires) or 0 do
  local expiring = key()
  if redis.call('GET', expiring) == read(EXPIRE).id then redis.call('DEL', expiring) end
end

if batch.decided ~= '' then redis.call('PUBLISH', batch.channel, batch.decided) end
if not same_life then return {0} end
if served < ticket then
  redis.call('HSET', meter_key, 'served', batch.ticket, 'served_at', now_ms, 'seq', batch.seq)
  if not given then redis.call('HSET', meter_key, 'ticket', batch.ticket) end -- the next one follows it
  if batch.pace ~= '' then redis.call('HSET', meter_key, 'rate', rate()) end
end
if mine then redis.call('PEXPIRE', lease, batch.lease_ms) end
return reply
