-- Sends one kind of request again and again, and writes what wrk saw as one line of JSON:
--
--   wrk --script load.lua URL -- METHOD [KEY]

function init(args)
  wrk.method = args[1]
  if args[2] then
    wrk.headers["Authorization"] = "Bearer " .. args[2]
  end
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  -- All times in microseconds.
  io.write(string.format(
    '{"requests": %d, "duration": %d, "p50": %d, "p99": %d, "failed": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed
  ))
end
