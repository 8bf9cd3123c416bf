-- wrk script for our own server: a random person of the manifest at each request, with their own token.
-- Environment: KIND of person, DEALS (instead of the manifest, from line DEALT on), VARIABLES (JSON with {fields} of the person's line, and {key}), WRITES, QUERY_FILE, MANIFEST, SEED
local template = os.getenv("VARIABLES")
local writes = os.getenv("WRITES") ~= ""
local file = assert(io.open(os.getenv("QUERY_FILE"), "rb")); local query = file:read("*a"):gsub("%s+", " "); file:close()
local function json(s) return '"' .. s:gsub('[%c"\\]', function(c) return string.format('\\u%04x', c:byte()) end) .. '"' end
local head = '{"operationName":' .. json(query:match("^%s*%a+%s+(%w+)")) .. ',"query":' .. json(query) .. ',"variables":'

-- One line of flat JSON per person: field by field is enough.
local wanted = os.getenv("KIND")
-- Deals are used up: each is taken once, in order, from where the last load stopped.
local deals = os.getenv("DEALS")
local taken = tonumber(os.getenv("DEALT") or "0")
local people = {}
for line in io.lines(deals or os.getenv("MANIFEST")) do
  local function field(name) return line:match('"' .. name .. '":"([^"]*)"') end
  if field("kind") == wanted and (field("role") or "CARE") == "CARE" then
    -- Filled in once; the key is another one each time.
    local variables = template:gsub("{(%w+)}", function(name) return name ~= "key" and field(name) or nil end)
    people[#people + 1] = { token = field("token"), variables = variables }
  end
end
assert(#people > 0, "the manifest names nobody of the kind " .. wanted)

local seed = tonumber(os.getenv("SEED") or "1")
made = 0
function init() math.randomseed(seed) end
function request()
  made = made + 1
  local one = deals and people[taken + made] or people[math.random(1, #people)]
  local variables = one.variables
  if writes then
    -- Never used before, in this round or another.
    variables = variables:gsub("{key}", string.format("bench-%d-%d-%d", os.time(), seed, made))
  end
  local headers = { ["Content-Type"] = "application/json", ["Accept"] = "application/json",
    ["Authorization"] = "Bearer " .. one.token }
  return wrk.format("POST", nil, headers, head .. variables .. "}")
end
-- A refusal is an answer of 200 too: it counts as an error. Only here: to look at a body costs the load generator.
refused_count = 0
if writes then
  function response(_, _, body)
    if not body:find('"userErrors":[]', 1, true) then refused_count = refused_count + 1 end
  end
end
local threads = {}
function setup(thread) threads[#threads + 1] = thread end
function done(summary, latency)
  local no, asked = 0, 0
  for _, thread in ipairs(threads) do
    no, asked = no + (thread:get("refused_count") or 0), asked + thread:get("made")
  end
  io.write(string.format('JSON {"requests":%d,"made":%d,"us":%d,"bytes":%d,"p50":%d,"p90":%d,"p99":%d,"errors":%d}\n',
    summary.requests, asked, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(90),
    latency:percentile(99), no + summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.status + summary.errors.timeout))
end
