-- accept: append one operation to its lane, or refuse it. One atomic step, safe to repeat.
--
-- KEYS  1 lane     stream   the lane's operations
--       2 lease    string   "rung" or a drain's token, with a TTL
--       3 meter    hash     epoch, ticket, served, seq, rate; full_until (ms): Redis is short of memory, no Book until then
--                           served_at (ms): when `served` was decided   waits_since (ms): when the lane ceased to be empty
--       4 subject  hash     BOOK and changes of a booking (CONFIRM ...): the booking's status:
--                             v version (0 = queued)   s status   u user   f fingerprint of the Book
--                             t ticket   e epoch   a accepted ms          (while queued)
--                             CONFIRM ...  the undecided change of this kind: "stream-id ticket", and " seats" of a RELEASE
--                             b JSON body, published by workers
--                  string   EXPIRE: the id of the show's undecided Expire   (CHANGE_SHOW: the card's key, not read)
--       5 card     hash     BOOK: v version, state, hall, opens, closes (ms), sold_out_until (ms), forgets_at (ms;
--                             missing: the show has no outcome yet), taken (the version for which KEYS 6 is complete), checked
--                             (ms; when a batch or Postgres last confirmed the card)
--       6 taken    string   BOOK: until when each seat is taken, seconds, four bytes each in the plan's order
--       7 undecided hash    BOOK, CANCEL, RELEASE: the show's undecided Books: all, <user>: "count ticket-of-the-last";
--                             !<user>: "until-ms seats-left", the user's limit as the last batch found it
--       8 withdrawn hash    CANCEL: the lane's bookings that were queued when their Cancel was accepted: hex id -> the
--                             Cancel's id. Such a Book takes no seats, if it is still undecided
-- ARGV  1 kind   2 payload   3 user   4 fingerprint; RELEASE: the seats   5 cap (entries)   6 lease TTL, ms
--       7 a random text: the epoch, if the lane has none yet
--       8 statuses that already answer this operation, each between blanks: " FAILED CANCELLED "
--       9 BOOK: numbers of the seats in the plan, "4 5"; "" = none are named, or not known, or
--         another of its wishes may be granted
--      10 limit of one user's undecided Books for one show (0: no limit)   11 of all Books for one show   12 BOOK: how
--         many seats are requested   13 BOOK: 1 = it joins the waiting list if its seats cannot be had
--
-- Reply {code, ring, forgotten, now (ms), epoch, served, rate, ticket, served_at, waits_since, entry id, fields of the
--        status ...}
--   ACCEPTED   written: entry, ticket and status. ring = 1: the lane was asleep, send the doorbell
--   SAME       it is there already (or its status is the answer); ring as above, so that no doorbell is lost
--   MISMATCH   the booking exists with another body
--   NO_CARD, NO_STATUS   the caller must publish it from Postgres, and try again
--   QUEUED     RELEASE: the booking has no seats yet; nothing written
--   NOT_OPEN, PAUSED, CLOSED, SOLD_OUT, SEAT_TAKEN, LIMIT_REACHED, FULL (the lane, or Redis), SHOW_FULL, TOO_MANY (of
--              this user)   refused, nothing written but `checked`. forgotten = 1: final statuses of this show may have left Redis,
--              or this booking's entry is lost, so Postgres may have an outcome of this booking. (Not set for the last
--              three: clients that retry as they are asked to learn the outcome then.)
--              Instead of a status there follow: for SEAT_TAKEN "seats" and which of them, by their positions in ARGV 9:
--              "0 1"; for NOT_OPEN "opens" and when (ms); and "stale", "1" if the card has not been confirmed for
--              TRUSTED_MS: the caller publishes it from Postgres and tries again. While Postgres is unavailable, the
--              refusal stands
--
-- The accepted time is Redis's TIME, not the entry's id: ids never go back, so after a clock that was ahead for a
-- moment they stay ahead.
--
-- Safe to repeat because a booking id names one request: what was written is found again. (CHANGE_SHOW is not looked up: a
-- repetition is a second entry.) Checks come before
-- the first write, because a script that fails half-way is not rolled back.

-- A card that was rebuilt from Postgres just before a batch committed, or that a failover has set back, must not refuse
-- forever: its refusals are confirmed once in TRUSTED_MS, by one caller per CHECK_MS.
local TRUSTED_MS = 60000
local CHECK_MS = 5000
local EXPIRING_MS = 60000 -- if the entry of an Expire is lost, the next Expire is accepted after this time
local UNDECIDED_MS = 600000 -- counts of a show that gets no Book for this long leave Redis
local FULL_MS = 5000 -- workers/sweep.py
local LIMIT_MS = 10000 -- as in finish.lua

local changes = {CONFIRM = true, CANCEL = true, EXTEND = true, RELEASE = true} -- core/operations.py BOOKING_CHANGES

local lane, lease, meter_key, subject, card_key, taken_key, undecided_key, withdrawn = unpack(KEYS)
local kind, payload, user, fingerprint, cap, lease_ms, new_epoch, settled, seats, user_cap, show_cap, wanted, waits =
  unpack(ARGV)

-- The reply has the first six: 1 epoch   2 served   3 rate   4 ticket   5 served_at   6 waits_since   7 full_until
local meter =
  redis.call('HMGET', meter_key, 'epoch', 'served', 'rate', 'ticket', 'served_at', 'waits_since', 'full_until')
local depth = redis.call('XLEN', lane)
-- Entries leave a lane with their outcomes: if it is empty, every ticket has been decided, or its entry is lost.
if depth == 0 and meter[4] then meter[2] = meter[4] end
local served = tonumber(meter[2] or '0')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Return whether a time that was set at most `most` ms ahead is still to come. If it is further ahead, the clock has been
-- set back since, and it no longer counts.
local function lasts(until_ms, most)
  return until_ms and tonumber(until_ms) > now and tonumber(until_ms) <= now + most
end

local function reply(code, ring, forgotten, id, fields)
  local out = {code, ring, forgotten, now}
  for i = 1, 6 do out[#out + 1] = meter[i] or '' end
  out[#out + 1] = id
  for i = 1, #fields do out[#out + 1] = fields[i] end
  return out
end

-- Return 1 if the lane is asleep, and note that its doorbell is sent.
local function ring()
  local set = redis.pcall('SET', lease, 'rung', 'NX', 'PX', lease_ms)
  if not set then return 0 end
  return 1 -- set; or refused at maxmemory, and then a superfluous doorbell does no harm
end

local fields, status = {}, {}

-- Return whether the booking's ticket has been passed without an outcome: its entry is lost.
local function lost()
  return status.v == '0' and (status.e ~= meter[1] or tonumber(status.t) <= served)
end

-- Return the positions of requested seats that are taken beyond now: "0 1"; "" if there are none.
local function taken_seats()
  local gets = {}
  for number in string.gmatch(seats, '%d+') do
    gets[#gets + 1] = 'GET'
    gets[#gets + 1] = 'u32'
    gets[#gets + 1] = '#' .. number
  end
  local found = {}
  for position, until_s in ipairs(redis.call('BITFIELD_RO', taken_key, unpack(gets))) do
    if until_s * 1000 > now then found[#found + 1] = position - 1 end
  end
  return table.concat(found, ' ')
end

-- Return how many of the counted Books are undecided: none once the last of them has been decided, so that entries that
-- left the lane uncounted (unreadable, or deleted by hand) do not count against anybody forever.
local function undecided_books(counted)
  local count, last = string.match(counted or '', '^(%d+) (%d+)$')
  return count and tonumber(last) > served and tonumber(count) or 0
end

-- 1. Is it here already? Then reply what a repetition gets.
if kind == 'BOOK' or changes[kind] then
  fields = redis.call('HGETALL', subject)
  for i = 1, #fields, 2 do status[fields[i]] = fields[i + 1] end
  if kind == 'BOOK' then
    if status.f then
      if status.f ~= fingerprint then return reply('MISMATCH', 0, 0, '', {}) end
      if status.v ~= '0' then return reply('SAME', 0, 0, '', fields) end
      if not lost() then return reply('SAME', ring(), 0, '', fields) end
    end
  else
    if not status.u or status.u ~= user or lost() then return reply('NO_STATUS', 0, 0, '', {}) end
    if string.find(settled, ' ' .. status.s .. ' ', 1, true) then return reply('SAME', 0, 0, '', fields) end
    if kind == 'RELEASE' and status.v == '0' then return reply('QUEUED', 0, 0, '', {}) end
    local ticket, of = string.match(status[kind] or '', ' (%d+) ?(.*)')
    if ticket and of == fingerprint and tonumber(ticket) > served then return reply('SAME', ring(), 0, '', fields) end
  end
elseif kind == 'EXPIRE' then
  if redis.call('EXISTS', subject) == 1 then return reply('SAME', ring(), 0, '', {}) end
end

-- 2. Is it refused? A Book by its show's card, taken seats, limits and caps; others only by the lane's cap.
local of_user, of_show = 0, 0 -- undecided Books
if kind == 'BOOK' then
  local card = redis.call(
    'HMGET', card_key, 'state', 'opens', 'closes', 'sold_out_until', 'forgets_at', 'v', 'taken', 'checked')
  local state, opens, closes, sold_out_until, forgets_at, version, taken_version, checked = unpack(card)
  if not state then return reply('NO_CARD', 0, 0, '', {}) end
  local counts = redis.call('HMGET', undecided_key, user, 'all', '!' .. user)
  local limited_until, seats_left = string.match(counts[3] or '', '^(%d+) (%d+)$')
  of_user, of_show = undecided_books(counts[1]), undecided_books(counts[2])
  local refusal, details = nil, {}
  if state == 'PAUSED' or state == 'CLOSED' then refusal = state
  elseif now < tonumber(opens) then refusal = 'NOT_OPEN'
  elseif now >= tonumber(closes) then refusal = 'CLOSED'
  elseif waits ~= '1' and tonumber(sold_out_until) > now then refusal = 'SOLD_OUT'
  end
  if refusal then
    checked = tonumber(checked or '0')
    if checked + TRUSTED_MS <= now or checked > now then -- or checked by a clock that has been set back since
      details = {'stale', '1'}
      redis.pcall('HSET', card_key, 'checked', now - TRUSTED_MS + CHECK_MS) -- fails at maxmemory: then all check
    end
    if refusal == 'NOT_OPEN' then
      details[#details + 1] = 'opens'
      details[#details + 1] = opens
    end
  elseif waits ~= '1' and taken_version and taken_version == version and seats ~= '' then
    local positions = taken_seats()
    if positions ~= '' then refusal, details = 'SEAT_TAKEN', {'seats', positions} end
  end
  local may_hide_outcome = refusal
  if refusal then -- the first that holds
  elseif lasts(limited_until, LIMIT_MS) and tonumber(wanted) > tonumber(seats_left) then
    refusal, may_hide_outcome = 'LIMIT_REACHED', true
  elseif lasts(meter[7], FULL_MS) or depth >= tonumber(cap) then refusal = 'FULL'
  elseif user_cap ~= '0' and of_user >= tonumber(user_cap) then refusal = 'TOO_MANY'
  elseif show_cap ~= '0' and of_show >= tonumber(show_cap) then refusal = 'SHOW_FULL'
  end
  if refusal then
    local forgotten = may_hide_outcome and (status.f or (forgets_at and tonumber(forgets_at) <= now)) and 1 or 0
    return reply(refusal, 0, forgotten, '', details)
  end
elseif depth >= tonumber(cap) then
  return reply('FULL', 0, 0, '', {})
end

-- 3. Append it to the lane.
if not meter[1] then
  meter[1] = new_epoch
  redis.call('HSET', meter_key, 'epoch', new_epoch)
end
local ticket = redis.call('HINCRBY', meter_key, 'ticket', 1)
local id = redis.call('XADD', lane, '*', 'o', payload, 't', ticket, 'a', now)
meter[4] = tostring(ticket)
if depth == 0 then
  meter[6] = tostring(now)
  redis.call('HSET', meter_key, 'waits_since', now)
end

-- 4. Note what a repetition, a poll and the next Book look at.
if kind == 'BOOK' then
  if status.f then redis.call('HDEL', withdrawn, string.match(subject, '%x+$')) end -- its entry was lost, and that of a Cancel with it
  fields = {'v', '0', 's', 'PENDING', 'u', user, 'f', fingerprint, 't', tostring(ticket), 'e', meter[1],
    'a', string.format('%d', now)}
  redis.call('HSET', subject, unpack(fields))
  redis.call('HSET', undecided_key, user, of_user + 1 .. ' ' .. ticket, 'all', of_show + 1 .. ' ' .. ticket)
  redis.call('PEXPIRE', undecided_key, UNDECIDED_MS)
elseif changes[kind] then
  local pending = id .. ' ' .. ticket .. (fingerprint ~= '' and ' ' .. fingerprint or '')
  redis.call('HSET', subject, kind, pending)
  redis.call('PERSIST', subject)
  if kind == 'CANCEL' or kind == 'RELEASE' then
    if status.v == '0' then redis.call('HSET', withdrawn, string.match(subject, '%x+$'), id) end
    redis.call('HDEL', undecided_key, '!' .. user) -- its seats no longer count against the user's limit
  end
  fields[#fields + 1] = kind
  fields[#fields + 1] = pending
elseif kind == 'EXPIRE' then
  redis.call('SET', subject, id, 'PX', EXPIRING_MS)
end
return reply('ACCEPTED', ring(), 0, id, fields)
