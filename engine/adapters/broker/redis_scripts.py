"""Lua that runs inside Redis, so that a message is at any moment in its queue or with exactly one reader.

All take the namespace as KEYS[1]. Time is the server's: a client with a wrong clock must not declare others dead.
"""

from __future__ import annotations

_PRELUDE = """
local ns = KEYS[1]
local heartbeats, readers = ns .. ':__heartbeats__', ns .. ':__readers__'
local function now() local t = redis.call('TIME'); return t[1] * 1000 + math.floor(t[2] / 1000) end
local function acks_of(broker, queue) return ns .. ':__acks__.' .. broker .. '.' .. queue end
-- A message of another priority than 0 has it at the end of its id, and stands in a list of that priority.
-- Readers sleep on the queue's own list alone: while others hold something it is never empty, if only for such an id.
local function level_of(id) return string.match(id, '%.(%-?%d+)$') end
local function push(queue, id)
  local list, level = ns .. ':' .. queue, level_of(id)
  if level then
    redis.call('RPUSH', list .. '.p' .. level, id)
    redis.call('ZADD', list .. '.levels', -level, level)
    if redis.call('EXISTS', list) == 1 then return end
  end
  redis.call('RPUSH', list, id)
end
-- What `wire` puts at the beginning of a message that is leased while somebody is at work on it.
local function lease_of(body)
  local key = string.match(body, '^{"options":{"lease":"([^"\\\\]+)"')
  return key and ns .. ':lease:' .. key, key
end
-- 0 (taken), 1 (taken, and somebody asked to stop), 2 (somebody else's), or false: there is none to take.
-- It is taken for this very message: what is put back again lets go of that, and of nothing that a double of it holds.
local function take(broker, id, body, ms)
  local lease, key = lease_of(body)
  if not lease then return false end
  if not redis.call('SET', lease, broker .. ' ' .. id, 'NX', 'PX', ms) then return 2 end
  return redis.call('EXISTS', ns .. ':cancel:' .. key)
end
-- What woke a reader stands in a list of the reader's own until its fetch, right behind, puts it back where it was.
local function woken_of(broker, queue) return ns .. ':__woken__.' .. broker .. '.' .. queue end
local function put_back_woken(broker, queue)
  while redis.call('LMOVE', woken_of(broker, queue), ns .. ':' .. queue, 'LEFT', 'LEFT') do end
end
local function put_back(broker, queue, ids)
  local acks, bodies, count = acks_of(broker, queue), ns .. ':' .. queue .. '.msgs', 0
  put_back_woken(broker, queue)
  for _, id in ipairs(ids) do
    local body = redis.call('SREM', acks, id) == 1 and redis.call('HGET', bodies, id)
    if body then
      local lease = lease_of(body)
      if lease and redis.call('GET', lease) == broker .. ' ' .. id then redis.call('UNLINK', lease) end
      push(queue, id)
      count = count + 1
    end
  end
  return count
end
"""

PUSH = (
    _PRELUDE
    + """
-- queue, id, id, ... of messages whose bodies are there
for i = 2, #ARGV do push(ARGV[1], ARGV[i]) end
"""
)

FETCH = (
    _PRELUDE
    + """
-- broker, queue, limit, ms -> id, body, standing of its lease, id, ... the highest priority first, and of one the oldest
-- first. Ids whose body is gone were acknowledged by somebody: dropped.
local broker, queue, limit, ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local list, ids = ns .. ':' .. queue, {}
put_back_woken(broker, queue)
local levels = redis.call('ZRANGE', list .. '.levels', 0, -1)
-- Of much that waits every reader of the queue takes an even share: the first would still be at work when the others
-- have nothing left to do. Of a few it takes what it has room for, as each fetch costs a round trip.
local function fair_share()
  local line, sharing, waiting = '\\n' .. queue .. ' ', 0, redis.call('LLEN', list)
  for _, lines in ipairs(redis.call('HVALS', readers)) do
    if string.find('\\n' .. lines, line, 1, true) then sharing = sharing + 1 end
  end
  for _, level in ipairs(levels) do waiting = waiting + redis.call('LLEN', list .. '.p' .. level) end
  return math.max(16, math.ceil(waiting / math.max(1, sharing)))
end
limit = math.min(limit, fair_share())
local function pop(from, prioritized)
  while #ids < limit do
    local room = limit - #ids
    local found = redis.call('LPOP', from, room)
    for _, id in ipairs(found or {}) do
      if prioritized or not level_of(id) then ids[#ids + 1] = id end
    end
    if not found or #found < room then return end
  end
end
local function pop_levels(above)
  for _, level in ipairs(levels) do
    if (tonumber(level) > 0) == above then
      pop(list .. '.p' .. level, true)
      if redis.call('EXISTS', list .. '.p' .. level) == 0 then redis.call('ZREM', list .. '.levels', level) end
    end
  end
end
pop_levels(true)
pop(list, false)
pop_levels(false)
if #levels > 0 and redis.call('EXISTS', list) == 0 then
  local next_level = redis.call('ZRANGE', list .. '.levels', 0, 0)[1]
  if next_level then redis.call('RPUSH', list, redis.call('LINDEX', list .. '.p' .. next_level, 0)) end
end
if #ids == 0 then return {} end
local acks = acks_of(broker, queue)
local bodies = redis.call('HMGET', ns .. ':' .. queue .. '.msgs', unpack(ids))
local found, held = {}, {}
for i, id in ipairs(ids) do
  if bodies[i] then
    held[#held + 1] = id
    found[#found + 1] = id
    found[#found + 1] = bodies[i]
    found[#found + 1] = take(broker, id, bodies[i], ms)
  end
end
if #held > 0 then
  redis.call('SADD', acks, unpack(held))
  redis.call('SADD', ns .. ':__queues__', queue)
  redis.call('ZADD', heartbeats, now(), broker)
end
return found
"""
)

REQUEUE = (
    _PRELUDE
    + """
-- broker, queue, id, id, ... -> how many went back
local ids = {}
for i = 3, #ARGV do ids[#ids + 1] = ARGV[i] end
return put_back(ARGV[1], ARGV[2], ids)
"""
)

DROP = (
    _PRELUDE
    + """
-- broker, queue, id, id, ... of messages that count for nothing, as far as this reader still holds them
for i = 3, #ARGV do
  if redis.call('SREM', acks_of(ARGV[1], ARGV[2]), ARGV[i]) == 1 then
    redis.call('HDEL', ns .. ':' .. ARGV[2] .. '.msgs', ARGV[i])
  end
end
"""
)

BEAT = (
    _PRELUDE
    + """
-- broker, dead after ms, the queues it reads, a line each -> how many messages of dead brokers went back to their queues.
-- A queue at rest (nothing waiting, nothing unacknowledged) has no use for bodies: what is left there is litter.
redis.call('ZADD', heartbeats, now(), ARGV[1])
redis.call('HSET', readers, ARGV[1], ARGV[3])
for queue in string.gmatch(ARGV[3], '([^\\n]+) %d+') do redis.call('SADD', ns .. ':__queues__', queue) end
local queues, count = redis.call('SMEMBERS', ns .. ':__queues__'), 0
for _, dead in ipairs(redis.call('ZRANGEBYSCORE', heartbeats, 0, now() - ARGV[2])) do
  for _, queue in ipairs(queues) do
    count = count + put_back(dead, queue, redis.call('SMEMBERS', acks_of(dead, queue)))
  end
  redis.call('ZREM', heartbeats, dead)
  redis.call('HDEL', readers, dead)
end
local brokers = redis.call('ZRANGE', heartbeats, 0, -1)
for _, queue in ipairs(queues) do
  local list = ns .. ':' .. queue
  local busy = redis.call('EXISTS', list, list .. '.levels') > 0 or redis.call('EXISTS', list .. '.msgs') == 0
  for _, broker in ipairs(brokers) do
    busy = busy or redis.call('EXISTS', acks_of(broker, queue), woken_of(broker, queue)) > 0
  end
  if not busy then redis.call('UNLINK', ns .. ':' .. queue .. '.msgs') end
end
return count
"""
)

LEAVE = (
    _PRELUDE
    + """
-- broker: it goes in good order, nobody needs to wait until it counts as dead
for _, queue in ipairs(redis.call('SMEMBERS', ns .. ':__queues__')) do
  put_back(ARGV[1], queue, redis.call('SMEMBERS', acks_of(ARGV[1], queue)))
end
redis.call('HDEL', readers, ARGV[1])
return redis.call('ZREM', heartbeats, ARGV[1])
"""
)

FIGURES = (
    _PRELUDE
    + """
-- dead after ms, queue, queue, ... -> now, the readers of living brokers, and of each queue: how many wait,
-- how many are unacknowledged, the first of each of its lists. Lengths and ends of lists: nothing is read through.
local brokers, lines = redis.call('ZRANGEBYSCORE', heartbeats, now() - ARGV[1], '+inf'), {}
for i, broker in ipairs(brokers) do lines[i] = redis.call('HGET', readers, broker) or '' end
local found = { now(), lines }
for i = 2, #ARGV do
  local list, waiting, heads, held = ns .. ':' .. ARGV[i], 0, {}, 0
  local head = redis.call('LINDEX', list, 0)
  if head then
    waiting = redis.call('LLEN', list)
    -- An id of another priority stands here only for readers to wake by.
    if level_of(head) then waiting = waiting - 1 else heads[1] = head end
  end
  for _, level in ipairs(redis.call('ZRANGE', list .. '.levels', 0, -1)) do
    waiting = waiting + redis.call('LLEN', list .. '.p' .. level)
    heads[#heads + 1] = redis.call('LINDEX', list .. '.p' .. level, 0) or nil
  end
  for _, broker in ipairs(redis.call('ZRANGE', heartbeats, 0, -1)) do
    held = held + redis.call('SCARD', acks_of(broker, ARGV[i]))
  end
  found[#found + 1] = { waiting, held, heads }
end
return found
"""
)

_OURS = """
local function ours(value) return value and string.sub(value, 1, #ARGV[1]) == ARGV[1] end
"""

RENEW = (
    _PRELUDE
    + _OURS
    + """
-- owner, ms, key, key, ... -> 0 (renewed), 1 (renewed, and somebody asks to stop) or 2 (somebody else holds it) each
local found = {}
for i = 3, #ARGV do
  local key = ns .. ':lease:' .. ARGV[i]
  local value = redis.call('GET', key)
  if value and not ours(value) then
    found[#found + 1] = 2
  else
    redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
    found[#found + 1] = redis.call('EXISTS', ns .. ':cancel:' .. ARGV[i])
  end
end
return found
"""
)

# Short, for it goes whole with every batch.
RELEASE = (
    _OURS
    + """
-- owner, key, key, ...
for i = 2, #ARGV do
  local key = KEYS[1] .. ':lease:' .. ARGV[i]
  if ours(redis.call('GET', key)) then redis.call('UNLINK', key) end
end
"""
)
