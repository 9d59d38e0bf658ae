# OpenAPI 3.1 of {version, routes, sockets}, as openapi.cpp tells of them, and of what every bridge has: $frame,
# which is openapi.json. Its failures, and ours, are null until the end: then they are those of its components.
def content($type; $schema): {($type): {schema: $schema}};
def bytes: {type: "string", format: "binary"};
def described: if .description == "" then del(.description) else . end;

def parameters:
  [.params[] | select(.in != "body") | described]
  + if .upload then [{name: "name", in: "query", description: "The file's name, when the body is the file itself",
                      required: false, schema: {type: "string"}}] else [] end
  | if . == [] then {} else {parameters: .} end;

def body:
  [.params[] | select(.in == "body")] as $params | [$params[] | select(.required).name] as $required
  | if .upload then
      {required: true,
       content: (content("multipart/form-data"; {type: "object", properties: {(.upload): bytes}, required: [.upload]})
                 + content("application/octet-stream"; bytes))}
    else
      {required: ($required != []),
       content: content("application/json"; {type: "object",
         properties: ([$params[] | {(.name): (.schema + {description} | described)}] | add)}
         + if $required == [] then {} else {required: $required} end)}
    end
  | if $params == [] and (.required | not) then {} else {requestBody: .} end;

def answer:
  {json: ["application/json", {}], ndjson: ["application/x-ndjson", {type: "string"}], raw: [.media_type, bytes]}[.form] as [$type, $schema]
  | {(.status): ({description: .reason} + if .status == "204" then {} else {content: content($type; $schema)} end)};

def failures:
  .own_failures as $own
  | (if .runs or .upload or .params != [] then "400" else empty end),
    (if .access != "everybody" then "401" else empty end), (if .upload then "413" else empty end),
    (if .runs then "404", "500", "504" else empty end), (if .rate then "429" else empty end),
    (if .worker then "503" else empty end)
  | {(.): (if $own then {description: $frame.components.responses[.].description, content: content("application/json"; {})}
           else null end)};

def operation:
  .method as $method | .builtin as $builtin | (if .summary == "" then "\(.method) \(.path)" else .summary end) as $summary
  | (([$frame.paths[][$method | ascii_downcase] | select(. and .["x-builtin"] == $builtin)] | first) // {tags: ["profile"], responses: answer})
    # "GET/api/files/:id": each is another, and can stand in a URL.
    + {operationId: "\(.method)\(.path | gsub("{"; ":") | gsub("}"; ""))", summary: $summary, description: "\($summary)."}
    # "open" is without a token for some: either of the two.
    + {security: {everybody: [], token: [{bearer: []}], open: [{bearer: []}, {}]}[.access]} + parameters + body
    + {failures: ([failures] | add)}
  | .responses += .failures | del(.failures);

def socket:
  operation | .responses |= (del(.["200"]) + {"101": {description: "The connection is a WebSocket from here on (RFC 6455)"},
                                              "426": {description: "Not asked as a WebSocket"}});

.version as $version
| reduce ((.routes[] | [.path, (.method | ascii_downcase), operation]), (.sockets[] | [.path, "get", socket]),
          ($frame.paths | to_entries[] | .key as $path | .value | to_entries[] | [$path, .key, .value])) as [$path, $method, $operation]
  ({}; .[$path][$method] //= $operation)
| map_values(map_values(.responses |= with_entries(.key as $status | .value //= $frame.components.responses[$status]))) as $paths
| $frame | .info.version = $version | .paths = $paths | del(.components.responses)
