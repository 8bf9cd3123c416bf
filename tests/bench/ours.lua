-- wrk script for our own server: a random person of the manifest at each request, with their own token.
-- Environment: WL=w1|w2|w3, QUERY_FILE, MANIFEST, SEED
local wl = os.getenv("WL")
local text = "Hej! Kan jag boka om tiden till nästa vecka? Jag behöver också nytt recept på blodtryckstabletterna. Tack!"
local file = assert(io.open(os.getenv("QUERY_FILE"), "rb")); local query = file:read("*a"):gsub("%s+", " "); file:close()
local function json(s) return '"' .. s:gsub('[%c"\\]', function(c) return string.format('\\u%04x', c:byte()) end) .. '"' end
local head = '{"operationName":' .. json(query:match("^%s*%a+%s+(%w+)")) .. ',"query":' .. json(query) .. ',"variables":{'

-- One line of flat JSON per person: field by field is enough.
local wanted = wl == "w2" and "staff" or "patient"
local people = {}
for line in io.lines(os.getenv("MANIFEST")) do
  local function field(name) return line:match('"' .. name .. '":"([^"]*)"') end
  if field("kind") == wanted then
    people[#people + 1] = { token = field("token"), unit = field("careUnitId"), thread = field("threadId") }
  end
end
assert(#people > 0, "the manifest names nobody of the kind " .. wanted)

local seed = tonumber(os.getenv("SEED") or "1")
local made = 0
function init() math.randomseed(seed) end
function request()
  local one = people[math.random(1, #people)]
  local variables = ""
  if wl == "w2" then variables = '"unitId":"' .. one.unit .. '"'
  elseif wl == "w3" then
    made = made + 1
    -- Never used before, in this round or another.
    local key = string.format("bench-%d-%d-%d", os.time(), seed, made)
    variables = '"threadId":"' .. one.thread .. '","key":"' .. key .. '","body":"' .. text .. '"'
  end
  local headers = { ["Content-Type"] = "application/json", ["Accept"] = "application/json",
    ["Authorization"] = "Bearer " .. one.token }
  return wrk.format("POST", nil, headers, head .. variables .. "}}")
end
-- A refusal is an answer of 200 too: it counts as an error. Only here: to look at a body costs the load generator.
refused_count = 0
if wl == "w3" then
  function response(_, _, body)
    if not body:find('"userErrors":[]', 1, true) then refused_count = refused_count + 1 end
  end
end
local threads = {}
function setup(thread) threads[#threads + 1] = thread end
function done(summary, latency)
  local no = 0
  for _, thread in ipairs(threads) do no = no + (thread:get("refused_count") or 0) end
  io.write(string.format('JSON {"requests":%d,"us":%d,"bytes":%d,"p50":%d,"p90":%d,"p99":%d,"errors":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(90),
    latency:percentile(99), no + summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.status + summary.errors.timeout))
end
