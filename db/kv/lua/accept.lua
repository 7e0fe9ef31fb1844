-- accept: take one operation into its lane, or say why not. One atomic step, safe to repeat.
--
-- KEYS  1 lane     stream   the lane's operations
--       2 lease   string   "rung" or a drain's token, with a TTL
--       3 meter    hash     epoch, ticket, served, rate; full_until (ms): Redis is short of memory, no Book until then
--                           served_at (ms): when `served` was decided   waits_since (ms): when the lane ceased to be empty
--       4 status   hash     BOOK, CONFIRM, CANCEL: the booking's status:
--                             v version (0 = queued)   s status   u user   f fingerprint of the Book
--                             t ticket   e epoch   a accepted ms          (while queued)
--                             CONFIRM, CANCEL the undecided one of this kind: "stream-id ticket"
--                             b JSON body, published by workers
--                  string   EXPIRE: the id of the show's undecided Expire
--       5 card     hash     BOOK: v version, state, opens, closes (ms), sold_out_until (ms), forgets_at (ms;
--                             missing: nothing has been decided of this show), taken (the version for which
--                             KEYS 6 is true), checked (ms; when a batch or Postgres last confirmed it)
--       6 taken    string   BOOK: until when each seat is taken, seconds, four bytes each in the plan's order
--       7 undecided hash    BOOK, CANCEL: the show's undecided Books, each "how many, ticket of the last":
--                             all, <user>;   !<user> "until ms, seats left": what the lane has said of the user's limit
--       8 withdrawn hash    CANCEL: the lane's bookings that were queued when their Cancel was accepted: hex id ->
--                             the Cancel's id. The Book, if it is undecided still, takes no seats
-- ARGV  1 kind   2 payload   3 user   4 fingerprint   5 cap (entries)   6 lease TTL, ms
--       7 a random text: the epoch, if the lane has none yet
--       8 statuses that already answer this operation, each between blanks: " FAILED CANCELLED "
--       9 BOOK: numbers of the seats in the plan, "4 5"; "" = none are named, or not known
--      10 undecided Books of one user at one show, at the most (0: no limit)   11 of one show   12 BOOK: seats wanted
--
-- Reply {code, ring, forgotten, now (ms), epoch, served, rate, ticket, served_at, waits_since, entry id, fields of the
--        status ...}
--   ACCEPTED   written: entry, ticket and status. ring = 1: the lane was asleep, send the doorbell
--   SAME       it is there already (or its status is the answer); ring as above, so that no wake-up is lost
--   MISMATCH   the booking exists with another body
--   NO_CARD, NO_STATUS   the caller must publish it from Postgres, and try again
--   NOT_OPEN, PAUSED, CLOSED, SOLD_OUT, SEAT_TAKEN, LIMIT_REACHED, FULL (the lane, or Redis), SHOW_FULL, TOO_MANY (of
--              this user)   refused, nothing written. forgotten = 1: final statuses of this show may have left Redis
--              already, or this one's entry is lost, so an outcome of this very booking may stand in Postgres (not
--              told with the last three: whoever comes again then, as it is told to, learns the outcome).
--              Then not a status follows, but for SEAT_TAKEN "seats" and which of them, by their places in ARGV 9:
--              "0 1"; for NOT_OPEN "opens" and when (ms); and "stale", "1" if the card has not been confirmed for BELIEVED_MS: the caller publishes it
--              from Postgres and tries again, and where Postgres is unavailable the refusal stands
--
-- The accepted time is Redis's TIME, not the entry's id: ids never go back, so after a clock that was ahead for a
-- moment they stay ahead.
--
-- Safe to repeat because a booking id names one request: what was written is found again. Checks come before
-- the first write: a script that fails half-way is not rolled back.

-- A card that was rebuilt from Postgres just before a batch committed, or that a failover has set back, must not refuse
-- for ever: its refusals are confirmed once in BELIEVED_MS, by one caller in CHECK_MS.
local BELIEVED_MS = 60000
local CHECK_MS = 5000
local EXPIRING_MS = 60000 -- of an Expire whose entry is gone the next one must not wait for ever
local UNDECIDED_MS = 600000 -- a show that takes no Book for so long: its counts leave Redis
local FULL_MS = 5000 -- workers/sweep.py
local LIMIT_MS = 10000 -- as in finish.lua

local kind = ARGV[1]
local meter = redis.call('HMGET', KEYS[3], 'epoch', 'served', 'rate', 'ticket', 'served_at', 'waits_since', 'full_until')
local depth = redis.call('XLEN', KEYS[1])
-- Entries leave a lane with their outcomes. Of an empty one every ticket has been decided, or its entry is lost.
if depth == 0 and meter[4] then meter[2] = meter[4] end
local served = tonumber(meter[2] or '0')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Whether a time that was set at most `most` ms ahead is still to come. One further ahead is of a clock that has been set
-- back since, and must not last for as long as it was wrong.
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

local function ring()
  local set = redis.pcall('SET', KEYS[2], 'rung', 'NX', 'PX', ARGV[6])
  if not set then return 0 end
  return 1 -- rung; or refused at maxmemory, and then a doorbell too many does no harm
end

local fields, status = {}, {}

-- Whether the booking's turn has come and gone without an outcome: its entry is lost.
local function lost()
  return status.v == '0' and (status.e ~= meter[1] or tonumber(status.t) <= served)
end

if kind == 'BOOK' or kind == 'CONFIRM' or kind == 'CANCEL' then
  fields = redis.call('HGETALL', KEYS[4])
  for i = 1, #fields, 2 do status[fields[i]] = fields[i + 1] end
  if kind == 'BOOK' then
    if status.f then
      if status.f ~= ARGV[4] then return reply('MISMATCH', 0, 0, '', {}) end
      if status.v ~= '0' then return reply('SAME', 0, 0, '', fields) end
      if not lost() then return reply('SAME', ring(), 0, '', fields) end
    end -- or it is accepted anew
  else
    if not status.u or status.u ~= ARGV[3] or lost() then return reply('NO_STATUS', 0, 0, '', {}) end
    if string.find(ARGV[8], ' ' .. status.s .. ' ', 1, true) then return reply('SAME', 0, 0, '', fields) end
    local ticket = status[kind] and string.match(status[kind], '%d+$')
    if ticket and tonumber(ticket) > served then return reply('SAME', ring(), 0, '', fields) end
  end
elseif kind == 'EXPIRE' then
  if redis.call('EXISTS', KEYS[4]) == 1 then return reply('SAME', ring(), 0, '', {}) end
end

-- Of the seats that are named, those that are taken beyond now, by their places: "0 1"; "" if there are none.
local function taken()
  local gets = {}
  for number in string.gmatch(ARGV[9], '%d+') do
    gets[#gets + 1] = 'GET'
    gets[#gets + 1] = 'u32'
    gets[#gets + 1] = '#' .. number
  end
  local found = {}
  for place, until_s in ipairs(redis.call('BITFIELD_RO', KEYS[6], unpack(gets))) do
    if until_s * 1000 > now then found[#found + 1] = place - 1 end
  end
  return table.concat(found, ' ')
end

-- Of the Books that were counted, how many wait. None once the last of them has been decided: so what left the lane
-- uncounted (an entry that could not be read, or was deleted by hand) stands in nobody's way for ever.
local function waiting(counted)
  local count, last = string.match(counted or '', '^(%d+) (%d+)$')
  return count and tonumber(last) > served and tonumber(count) or 0
end

local mine, all = 0, 0
if kind == 'BOOK' then
  local card = redis.call('HMGET', KEYS[5], 'state', 'opens', 'closes', 'sold_out_until', 'forgets_at', 'v', 'taken',
    'checked')
  if not card[1] then return reply('NO_CARD', 0, 0, '', {}) end
  local undecided = redis.call('HMGET', KEYS[7], ARGV[3], 'all', '!' .. ARGV[3])
  local limited_until, seats_left = string.match(undecided[3] or '', '^(%d+) (%d+)$')
  mine, all = waiting(undecided[1]), waiting(undecided[2])
  local refusal, details = nil, {}
  if card[1] == 'PAUSED' or card[1] == 'CLOSED' then refusal = card[1]
  elseif now < tonumber(card[2]) then refusal = 'NOT_OPEN'
  elseif now >= tonumber(card[3]) then refusal = 'CLOSED'
  elseif tonumber(card[4]) > now then refusal = 'SOLD_OUT'
  end
  if refusal then
    local checked = tonumber(card[8] or '0')
    if checked + BELIEVED_MS <= now or checked > now then -- or by a clock that has been set back since
      details = {'stale', '1'}
      redis.pcall('HSET', KEYS[5], 'checked', now - BELIEVED_MS + CHECK_MS) -- fails at maxmemory: then all check
    end
    if refusal == 'NOT_OPEN' then
      details[#details + 1] = 'opens'
      details[#details + 1] = card[2]
    end
  elseif card[7] and card[7] == card[6] and ARGV[9] ~= '' then
    local seats = taken()
    if seats ~= '' then refusal, details = 'SEAT_TAKEN', {'seats', seats} end
  end
  local final = refusal
  if refusal then -- the first that holds
  elseif lasts(limited_until, LIMIT_MS) and tonumber(ARGV[12]) > tonumber(seats_left) then
    refusal, final = 'LIMIT_REACHED', true
  elseif lasts(meter[7], FULL_MS) or depth >= tonumber(ARGV[5]) then refusal = 'FULL'
  elseif ARGV[10] ~= '0' and mine >= tonumber(ARGV[10]) then refusal = 'TOO_MANY'
  elseif ARGV[11] ~= '0' and all >= tonumber(ARGV[11]) then refusal = 'SHOW_FULL'
  end
  if refusal then
    local forgotten = final and (status.f or (card[5] and tonumber(card[5]) <= now)) and 1 or 0
    return reply(refusal, 0, forgotten, '', details)
  end
elseif depth >= tonumber(ARGV[5]) then
  return reply('FULL', 0, 0, '', {})
end

if not meter[1] then
  meter[1] = ARGV[7]
  redis.call('HSET', KEYS[3], 'epoch', meter[1])
end
local ticket = redis.call('HINCRBY', KEYS[3], 'ticket', 1)
local id = redis.call('XADD', KEYS[1], '*', 'o', ARGV[2], 't', ticket, 'a', now)
meter[4] = tostring(ticket)
if depth == 0 then
  meter[6] = tostring(now)
  redis.call('HSET', KEYS[3], 'waits_since', now)
end
if kind == 'BOOK' then
  if status.f then redis.call('HDEL', KEYS[8], string.match(KEYS[4], '%x+$')) end -- accepted anew: a Cancel was lost too
  fields = {'v', '0', 's', 'PENDING', 'u', ARGV[3], 'f', ARGV[4], 't', tostring(ticket), 'e', meter[1],
    'a', string.format('%d', now)}
  redis.call('HSET', KEYS[4], unpack(fields))
  redis.call('HSET', KEYS[7], ARGV[3], mine + 1 .. ' ' .. ticket, 'all', all + 1 .. ' ' .. ticket)
  redis.call('PEXPIRE', KEYS[7], UNDECIDED_MS)
elseif kind == 'CONFIRM' or kind == 'CANCEL' then
  local pending = id .. ' ' .. ticket
  redis.call('HSET', KEYS[4], kind, pending)
  if kind == 'CANCEL' and status.v == '0' then redis.call('HSET', KEYS[8], string.match(KEYS[4], '%x+$'), id) end
  redis.call('PERSIST', KEYS[4])
  if kind == 'CANCEL' then redis.call('HDEL', KEYS[7], '!' .. ARGV[3]) end -- its seats may be taken anew, behind it
  fields[#fields + 1] = kind
  fields[#fields + 1] = pending
elseif kind == 'EXPIRE' then
  redis.call('SET', KEYS[4], id, 'PX', EXPIRING_MS)
end
return reply('ACCEPTED', ring(), 0, id, fields)
