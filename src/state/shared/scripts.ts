// What is done inside Redis, each script atomically and on Redis's own clock. The first argument of every script is the moment until which it may be
// executed at all. Keys are found from a fixed prefix, so one database holds one installation; not for a cluster.

export const NEWS = "{broke}:news";

const CLOCK = `
local t = redis.call('TIME')
local T = t[1] * 1000 + math.floor(t[2] / 1000)
if T > tonumber(ARGV[1]) then return {'late'} end
local function K(kind, subject) return '{broke}:' .. kind .. ':' .. subject end
`;

/** Everything that is shared but for what was used: nothing, or lineage, version, generation, frozen, tokens, health, turns. */
export const READ = `${CLOCK}
local book = redis.call('HMGET', '{broke}:book', 'lineage', 'version', 'generation', 'frozen')
if not book[2] then return {} end
return {book[1], book[2], book[3], book[4], redis.call('HGETALL', '{broke}:tokens'), redis.call('HGETALL', '{broke}:health'),
  redis.call('HGETALL', '{broke}:turns')}
`;

/**
 * An edit. Expected version, the change as JSON: what of it is absent stays. With \`whole\`, all of it takes the place of what there is, if that is older.
 * `back`: it was here before; for a moment nothing is edited then, in which whoever knows something newer says it. done | moved | settling | late.
 */
export const WRITE = `${CLOCK}
local change = cjson.decode(ARGV[3])
local version = tonumber(redis.call('HGET', '{broke}:book', 'version') or '0')
if change.whole then
  if version >= change.version then return {'moved'} end
  redis.call('DEL', '{broke}:tokens')
  if change.back then redis.call('HSET', '{broke}:book', 'back', T) end
elseif version ~= tonumber(ARGV[2]) then return {'moved'}
elseif T - tonumber(redis.call('HGET', '{broke}:book', 'back') or '0') < 2000 then return {'settling'} end
redis.call('HSET', '{broke}:book', 'version', change.version, 'lineage', change.lineage)
if change.generation then redis.call('HSET', '{broke}:book', 'generation', change.generation) end
if change.frozen then redis.call('HSET', '{broke}:book', 'frozen', change.frozen) end
for hash, token in pairs(change.tokens) do redis.call('HSET', '{broke}:tokens', hash, token) end
for subject, entry in pairs(change.health) do
  if entry == '' then redis.call('HDEL', '{broke}:health', subject)
  elseif change.whole then redis.call('HSETNX', '{broke}:health', subject, entry)
  else redis.call('HSET', '{broke}:health', subject, entry) end
end
redis.call('PUBLISH', '${NEWS}', 'book')
return {'done'}
`;

/** What is known of one key or backend. */
export const ENTRY = `${CLOCK} return {redis.call('HGET', '{broke}:health', ARGV[2]) or ''}`;

/** Subject, what it was, what it is now (empty: nothing), the news of it. done | moved | late. */
export const HEALTH = `${CLOCK}
if (redis.call('HGET', '{broke}:health', ARGV[2]) or '') ~= ARGV[3] then return {'moved'} end
if ARGV[4] == '' then redis.call('HDEL', '{broke}:health', ARGV[2]) else redis.call('HSET', '{broke}:health', ARGV[2], ARGV[4]) end
redis.call('PUBLISH', '${NEWS}', ARGV[5])
return {'done'}
`;

/** The news; then name and value of each turn. Of choices that stick the newest are kept. */
export const TURNS = `${CLOCK}
for i = 3, #ARGV, 2 do
  redis.call('HSET', '{broke}:turns', ARGV[i], ARGV[i + 1])
  if string.sub(ARGV[i], 1, 7) == 'choice\\n' then
    redis.call('ZADD', '{broke}:choices', redis.call('INCR', '{broke}:chosen'), ARGV[i])
  end
end
local more = redis.call('ZCARD', '{broke}:choices') - 10000
if more > 0 then
  local old = redis.call('ZPOPMIN', '{broke}:choices', more)
  for i = 1, #old, 2 do redis.call('HDEL', '{broke}:turns', old[i]) end
end
redis.call('PUBLISH', '${NEWS}', ARGV[2])
return {'done'}
`;

// Per subject: \`req\` requests and \`at\` token entries by time, \`tok\` tokens by entry, \`sum\` of them; \`open\` requests by the end of their lease, \`usd\`
// what each reserved, \`gone\` what was paid for those whose lease ended. Over all: \`held\` leases, \`server\` whose memory this is.
const USE = `${CLOCK}
local DAY = math.floor(T / 86400000)
local function drop(s, id)
  local n = redis.call('HGET', K('tok', s), id)
  if n then
    redis.call('HDEL', K('tok', s), id)
    redis.call('INCRBY', K('sum', s), -n)
  end
  redis.call('ZREM', K('at', s), id)
end
local function count(s, id, at, n)
  if redis.call('HSETNX', K('tok', s), id, n) == 1 then
    redis.call('ZADD', K('at', s), at, id)
    redis.call('INCRBY', K('sum', s), n)
  end
  for _, kind in ipairs({'tok', 'at', 'sum', 'req'}) do redis.call('PEXPIRE', K(kind, s), 600000) end
end
local function pay(s, usd)
  if usd == 0 then return end
  redis.call('HINCRBYFLOAT', '{broke}:spent:' .. DAY, s, usd)
  redis.call('EXPIRE', '{broke}:spent:' .. DAY, 259200)
end
local function spent(s) return tonumber(redis.call('HGET', '{broke}:spent:' .. DAY, s) or '0') end
local function close(s, id)
  redis.call('ZREM', K('open', s), id)
  redis.call('HDEL', K('usd', s), id)
  redis.call('ZREM', '{broke}:held', id)
end
local GAP = 3000
local SETTLE = 2000
local function strange(run)
  local mark = redis.call('HMGET', '{broke}:server', 'run', 'since', 'beat')
  if mark[1] ~= run or T - tonumber(mark[3] or '0') > GAP then return {'strange'} end
  local wait = tonumber(mark[2]) + SETTLE - T
  if wait > 0 then return {'settling', wait} end
end
`;

/**
 * Takes a place: run, subject, id, rpm, tpm, concurrency, dailyUsd, tokens, usd, lease. held (at, spent today) | refused (limit, wait; -1: for ever) |
 * strange | settling (wait) | late.
 */
export const TAKE = `${USE}
local odd = strange(ARGV[2])
if odd then return odd end
local s, id = ARGV[3], ARGV[4]
local rpm, tpm, most, daily = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local need, usd = tonumber(ARGV[9]), tonumber(ARGV[10])
for _, kind in ipairs({'req', 'at'}) do
  -- A clock that was set back: used just now.
  for _, later in ipairs(redis.call('ZRANGEBYSCORE', K(kind, s), '(' .. T, '+inf')) do redis.call('ZADD', K(kind, s), T, later) end
end
redis.call('ZREMRANGEBYSCORE', K('req', s), '-inf', T - 60000)
for _, old in ipairs(redis.call('ZRANGEBYSCORE', K('at', s), '-inf', T - 60000)) do drop(s, old) end
for _, dead in ipairs(redis.call('ZRANGEBYSCORE', K('open', s), '-inf', T)) do
  local had = tonumber(redis.call('HGET', K('usd', s), dead) or '0')
  pay(s, had)
  close(s, dead)
  redis.call('HSET', K('gone', s), dead, had)
  redis.call('PEXPIRE', K('gone', s), 3600000)
end
local limit, wait = nil, 0
local function over(name, ms)
  if not limit or (ms < 0 and wait >= 0) then limit = name end
  if ms < 0 then wait = -1 elseif wait >= 0 then wait = math.max(wait, ms) end
end
local asked = redis.call('ZCARD', K('req', s))
if rpm > 0 and asked >= rpm then
  local first = redis.call('ZRANGE', K('req', s), asked - rpm, asked - rpm, 'WITHSCORES')
  over('rpm', first[2] + 60000 - T)
end
local sum = tonumber(redis.call('GET', K('sum', s)) or '0')
if tpm > 0 and sum + need > tpm then
  local ms = -1
  local all = redis.call('ZRANGE', K('at', s), 0, -1, 'WITHSCORES')
  for i = 1, #all, 2 do
    sum = sum - tonumber(redis.call('HGET', K('tok', s), all[i]) or '0')
    if sum + need <= tpm then ms = all[i + 1] + 60000 - T break end
  end
  over('tpm', ms)
end
if most > 0 and redis.call('ZCARD', K('open', s)) >= most then over('concurrency', 1000) end
if daily > 0 then
  local used = spent(s)
  for _, had in ipairs(redis.call('HVALS', K('usd', s))) do used = used + tonumber(had) end
  if used >= daily or used + usd > daily then over('dailyUsd', usd > daily and -1 or (DAY + 1) * 86400000 - T) end
end
if limit then return {'refused', limit, wait} end
redis.call('ZADD', K('req', s), T, id)
count(s, id, T, need)
redis.call('ZADD', K('open', s), T + ARGV[11], id)
redis.call('HSET', K('usd', s), id, usd)
redis.call('ZADD', '{broke}:held', T + ARGV[11], id)
for _, kind in ipairs({'open', 'usd'}) do redis.call('PEXPIRE', K(kind, s), 86400000) end
return {'held', T, tostring(spent(s))}
`;

/** Ends it, once: run, subject, id, tokens reserved, tokens used (empty: it was not), usd. done (at, spent today) | strange | settling | late. */
export const SETTLE = `${USE}
local odd = strange(ARGV[2])
if odd then return odd end
local s, id, need = ARGV[3], ARGV[4], tonumber(ARGV[5])
if redis.call('ZSCORE', K('open', s), id) then
  close(s, id)
  if ARGV[6] == '' then
    redis.call('ZREM', K('req', s), id)
    drop(s, id)
  else
    local used = tonumber(ARGV[6])
    if used < need and redis.call('HEXISTS', K('tok', s), id) == 1 then
      redis.call('HSET', K('tok', s), id, used)
      redis.call('INCRBY', K('sum', s), used - need)
    end
    -- What was not foreseen was used just now, not when the request began.
    if used > need then count(s, id .. '+', T, used - need) end
    pay(s, tonumber(ARGV[7]))
  end
end
return {'done', T, tostring(spent(s))}
`;

/**
 * A gateway lives: the run it knew (empty: none), lease, and as JSON what it holds and, after it was away, all it counted. Where the server's memory may
 * have gaps, limits stay closed for a moment, in which the others tell theirs. done (run, version of the book) | late.
 */
export const BEAT = `${USE}
local told = cjson.decode(ARGV[4])
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local mark = redis.call('HMGET', '{broke}:server', 'run', 'since', 'beat')
local since = tonumber(mark[2] or '0')
if mark[1] ~= run then
  since = (mark[1] or ARGV[2] ~= '') and T or 0
elseif ARGV[2] ~= '' and ARGV[2] ~= run and since == 0 then since = T
elseif T - tonumber(mark[3]) > GAP and redis.call('ZCARD', '{broke}:held') > 0 then since = T end
redis.call('HSET', '{broke}:server', 'run', run, 'since', since, 'beat', T)
for _, e in ipairs(told.entries) do
  if e.open then
    local paid = redis.call('HGET', K('gone', e.s), e.id)
    if paid then
      redis.call('HDEL', K('gone', e.s), e.id)
      pay(e.s, -tonumber(paid))
    end
    redis.call('ZADD', K('open', e.s), T + ARGV[3], e.id)
    redis.call('HSET', K('usd', e.s), e.id, e.usd)
    redis.call('ZADD', '{broke}:held', T + ARGV[3], e.id)
  end
  if told.full and e.at > T - 60000 then
    redis.call('ZADD', K('req', e.s), 'NX', e.at, e.id)
    count(e.s, e.id, e.at, e.n)
  end
  if told.full and e.more > 0 and e.moreAt > T - 60000 then count(e.s, e.id .. '+', e.moreAt, e.more) end
end
for _, s in ipairs(told.spent) do
  if s.day == DAY and spent(s.s) < s.usd then
    redis.call('HSET', '{broke}:spent:' .. DAY, s.s, tostring(s.usd))
    redis.call('EXPIRE', '{broke}:spent:' .. DAY, 259200)
  end
end
redis.call('ZREMRANGEBYSCORE', '{broke}:held', '-inf', T - 60000)
return {'done', run, redis.call('HGET', '{broke}:book', 'version') or '0'}
`;
