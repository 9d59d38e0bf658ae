# What the bridge says of itself, each made of Site::report(). $metrics is metrics.json: rows of name, type,
# help, the member of the report and the member of that, and a label when there is one such for each key.

def health:
  {status: (if any(.streams[]; .state == "failed") then "not ready" else "ok" end), uptime,
   checks: (.streams | with_entries({key: "stream \(.key)", value: (if .value.state == "failed" then "failed" else "ok" end)}))};

def streams: [.streams | to_entries[] | {name: .key} + (.value | {state, records, last} | del(.last | nulls))];

def websocket_stats:
  .sockets | map_values({active_connections: .active, messages_sent: .messages, dropped, conflated})
  | {active_connections: (map(.active_connections) | add // 0), by_socket: .,
     messages_sent: (map(.messages_sent) | add // 0), dropped: (map(.dropped) | add // 0),
     conflated: (map(.conflated) | add // 0)};

def hit_rate: . + {hit_rate: ((if .hits + .misses == 0 then 0 else .hits / (.hits + .misses) end) * 1e4 | round / 1e4)};
def cache: .cache | {hits: ([.by_route[].hits] | add // 0), misses: ([.by_route[].misses] | add // 0)} + .;
def cache_statistics: cache | hit_rate | .by_route |= map_values(hit_rate);

# OpenMetrics 1.0.
def samples($name; $type):
  if $type == "histogram" then
    (.value.buckets | to_entries[] | "\($name)_bucket{le=\(.key | tojson)} \(.value)"),
    "\($name)_count \(.value.count)", "\($name)_sum \(.value.sum)"
  else "\($name)\(if $type == "counter" then "_total" else "" end)\(.labels) \(.value)" end;
def metrics:
  (.cache = cache) as $report
  | [$metrics[] | . as [$name, $type, $help, $group, $member, $by] | $report[$group]
     | "# TYPE \($name) \($type)",
       (["seconds", "bytes"][] | select(. as $unit | $name | endswith($unit)) | "# UNIT \($name) \(.)"),
       "# HELP \($name) \($help)",
       (if $by then to_entries[] | {labels: "{\($by)=\(.key | tojson)}", value: (.value | if $member then .[$member] else . end)}
        else {labels: "", value: .[$member]} end | samples($name; $type))]
  | join("\n") + "\n# EOF\n";
