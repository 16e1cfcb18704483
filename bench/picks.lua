-- What wrk asks for: wrk -s picks.lua <url> -- <paths> <walk|evenly|zipf> <seed> <alpha> [<requests>]
--
-- The paths are those of a file, one a line.
--
-- walk    one path after the other, from the first, and again from there
-- evenly  each as likely as another
-- zipf    the nth path of the file n^-alpha times as often as the first
--
-- The same for the same seed, if there is one thread. Ends early after so many answers, where a number of
-- requests is given (which costs a few microseconds an answer). Prints its figures as one line of JSON.

local ffi = require('ffi')
ffi.cdef('int kill(int pid, int signal); int getpid(void);')

local SIGINT = 2

local requests = {}
local pick

local function walk(count)
  local last = 0
  return function()
    last = last % count + 1
    return last
  end
end

local function evenly(count)
  local random = math.random
  return function()
    return random(count)
  end
end

-- Walker's alias method as M. Vose builds it: each place stands for itself and for one other, so that a pick
-- costs one random number however many there are.
local function aliasTable(weights)
  local count, sum = #weights, 0
  for place = 1, count do sum = sum + weights[place] end
  local keep, alias, small, large = {}, {}, {}, {}
  for place = 1, count do
    keep[place] = weights[place] * count / sum
    alias[place] = place
    local list = keep[place] < 1 and small or large
    list[#list + 1] = place
  end
  while #small > 0 and #large > 0 do
    local less, more = table.remove(small), large[#large]
    alias[less] = more
    keep[more] = keep[more] - (1 - keep[less])
    if keep[more] < 1 then small[#small + 1] = table.remove(large) end
  end
  -- What rounding left over.
  for _, place in ipairs(small) do keep[place] = 1 end
  return keep, alias
end

local function zipf(count, alpha)
  local weights = {}
  for rank = 1, count do weights[rank] = rank ^ -alpha end
  local keep, alias = aliasTable(weights)
  local random, floor = math.random, math.floor
  return function()
    local point = random() * count
    local before = floor(point)
    local place = before + 1
    if point - before < keep[place] then return place end
    return alias[place]
  end
end

local MAKERS = { walk = walk, evenly = evenly, zipf = zipf }

function init(args)
  for path in io.lines(args[1]) do requests[#requests + 1] = wrk.format('GET', path) end
  math.randomseed(tonumber(args[3]))
  pick = MAKERS[args[2]](#requests, tonumber(args[4]))
  if args[5] == nil then return end
  local left = tonumber(args[5])
  function response()
    left = left - 1
    if left ~= 0 then return end
    wrk.thread:stop()
    -- The main thread sleeps for as long as the run was to take.
    ffi.C.kill(ffi.C.getpid(), SIGINT)
  end
end

function request()
  return requests[pick()]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"bytes":%d,"p50":%d,"p99":%d,"failed":%d,"timeouts":%d}\n',
    summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status, errors.timeout
  ))
end
