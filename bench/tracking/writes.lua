-- wrk: small writes. KIND is create (EXPERIMENT) or metric (RUNS: a file of run ids, one a line; every point is another). Prints one line of JSON.
local runs, turn = {}, 0
local kind, experiment = os.getenv("KIND"), os.getenv("EXPERIMENT")
if kind == "metric" then
  for line in assert(io.open(os.getenv("RUNS"))):lines() do runs[#runs + 1] = line end
end
local headers = {["Content-Type"] = "application/json"}
local create = '{"experiment_id":"' .. (experiment or "") .. '","start_time":1700000000000,"tags":[{"key":"a","value":"b"}]}'
local metric = '{"run_id":"%s","key":"loss","value":%d.5,"timestamp":%d,"step":%d}'

function request()
  turn = turn + 1
  if kind == "create" then
    return wrk.format("POST", "/api/2.0/mlflow/runs/create", headers, create)
  end
  local body = string.format(metric, runs[turn % #runs + 1], turn, 1700000000000 + turn, turn)
  return wrk.format("POST", "/api/2.0/mlflow/runs/log-metric", headers, body)
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format('WRK {"per_second": %.2f, "p50_ms": %.3f, "p99_ms": %.3f, "errors": %d}\n',
    summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
