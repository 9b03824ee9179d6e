-- wrk: POSTs the lines of $BODIES in turn; prints one line of JSON.
local bodies, requests, turn = {}, {}, 0
for line in assert(io.open(os.getenv("BODIES"))):lines() do bodies[#bodies + 1] = line end
function init()
  for k = 1, #bodies do
    requests[k] = wrk.format("POST", nil, {["Content-Type"] = "application/json"}, bodies[k])
  end
end
function request()
  turn = turn % #requests + 1
  return requests[turn]
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('WRK {"per_second": %.1f, "p50_us": %.0f, "p99_us": %.0f, "errors": %d}\n',
    summary.requests / (summary.duration / 1e6), latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
