// Every key of the format, once right and once wrong. The list is held against the tables: a new key without a row
// here fails.
#include <sennit/agent/definition.hpp>
#include <sennit/agent/definition/shape.hpp>

#include <catch2/catch_test_macros.hpp>

#include <set>
#include <string>

namespace sennit {
namespace {

using namespace std::chrono_literals;
using D = Definition;

struct Row {
  std::string key;                   ///< table and key
  std::string right;                 ///< a file without its first line
  bool (*holds)(const Definition&);  ///< what it must have led to
  std::string wrong;                 ///< the same with a value that is refused
};

const std::string kModel = "model:\n  name: a/b\n";

const std::vector<Row>& rows() {
  static const std::vector<Row> kRows{
      {".sennit", "", [](const D&) { return true; }, "sennit: one"},
      {".name", "name: solver_2", [](const D& d) { return d.name == "solver_2"; }, "name: a b"},
      {".description", "description: yes", [](const D& d) { return d.description == "yes"; }, "description: [x]"},
      {".model", "model: openai/gpt-5-mini", [](const D& d) { return d.model.name == "openai/gpt-5-mini"; },
       "model: a b"},
      {".instructions", "instructions: |\n  One.\n  Two.", [](const D& d) { return d.instructions == "One.\nTwo.\n"; },
       "instructions: {a: b}"},
      {".tools", "tools: [clock, files: {roots: [a, b], write: true}]",
       [](const D& d) {
         return d.tools ==
                std::vector<ToolSelection>{{"clock", {}}, {"files", {{"roots", {"a", "b"}}, {"write", true}}}};
       },
       "tools: clock"},
      {".agents", "agents: [a.yaml]", [](const D& d) { return d.agents == std::vector<SubAgent>{{"", "a.yaml", ""}}; },
       "agents: a.yaml"},
      {".memory", "memory: true", [](const D& d) { return d.memory.enabled && d.memory.kind == "notes"; },
       "memory: notes"},
      {".planner", "planner: {tool-loop: {a: 1}}",
       [](const D& d) { return d.planner == "tool-loop" && d.planner_options == json::object{{"a", 1}}; },
       "planner: [tool-loop]"},
      {".limits", "limits: {}", [](const D& d) { return d.limits == RunLimits{}; }, "limits: 5"},
      {".policy", "policy: {}", [](const D& d) { return d.policy == PolicySettings{}; }, "policy: ask"},
      {".inputs", "inputs: {topic: }", [](const D& d) { return d.inputs.size() == 1 && d.inputs[0].name == "topic"; },
       "inputs: [topic]"},
      {".output", "output: {type: object}", [](const D& d) { return d.output == json::object{{"type", "object"}}; },
       "output: {type: 5}"},
      {".intents", "intents: [{match: hi, say: Hello.}]", [](const D& d) { return d.intents.size() == 1; },
       "intents: {match: hi}"},

      {"model.name", kModel, [](const D& d) { return d.model.name == "a/b"; }, "model: {name: /b}"},
      {"model.provider", "model: {provider: openai}", [](const D& d) { return d.model.name == "openai"; },
       "model: {provider: a/b}"},
      {"model.id", "model: {provider: ollama, id: 'deepseek-r1:7b'}",
       [](const D& d) { return d.model.name == "ollama/deepseek-r1:7b"; }, "model: {id: x}"},
      {"model.base_url", kModel + "  base_url: 'http://127.0.0.1:${env:PORT}/v1'",
       [](const D& d) { return d.model.base_url == "http://127.0.0.1:${env:PORT}/v1"; },
       kModel + "  base_url: ftp://x"},
      {"model.api_key", kModel + "  api_key: ${env:KEY}",
       [](const D& d) { return d.model.api_key == Secret("${env:KEY}"); }, kModel + "  api_key: ${KEY}"},
      {"model.options", kModel + "  options: {}", [](const D& d) { return d.model.options == CompletionOptions{}; },
       kModel + "  options: high"},
      {"model.prices", kModel + "  prices: {input: 1, output: 2.5}",
       [](const D& d) { return d.model.prices->output == 2.5; }, kModel + "  prices: 1"},
      {"model.split_think", kModel + "  split_think: false", [](const D& d) { return d.model.split_think == false; },
       kModel + "  split_think: no"},
      {"model.reasoning_replay", kModel + "  reasoning_replay: always",
       [](const D& d) { return d.model.reasoning_replay == "always"; }, kModel + "  reasoning_replay: sometimes"},
      {"model.strict_tools", kModel + "  strict_tools: true", [](const D& d) { return d.model.strict_tools == true; },
       kModel + "  strict_tools: 1"},
      {"model.stream", kModel + "  stream: False", [](const D& d) { return d.model.stream == false; },
       kModel + "  stream: []"},
      {"model.headers", kModel + "  headers: {X-A: 'Bearer ${env:T}'}",
       [](const D& d) { return d.model.headers.at("X-A") == "Bearer ${env:T}"; }, kModel + "  headers: [X-A]"},
      {"model.proxy", kModel + "  proxy: 'socks5h://${env:USER}@proxy:1080'",
       [](const D& d) { return d.model.proxy == "socks5h://${env:USER}@proxy:1080"; }, kModel + "  proxy: proxy:3128"},
      {"model.ca_file", kModel + "  ca_file: corp.pem", [](const D& d) { return d.model.ca_file == "corp.pem"; },
       kModel + "  ca_file: [corp.pem]"},
      {"model.timeouts", kModel + "  timeouts: {}", [](const D& d) { return d.model.idle_timeout == 120s; },
       kModel + "  timeouts: 5s"},

      {"model.api", kModel + "  api: responses", [](const D& d) { return d.model.api == "responses"; },
       kModel + "  api: telepathy"},
      {"model.rate", kModel + "  rate: {}", [](const D& d) { return d.model.rate == RateLimits{}; },
       kModel + "  rate: fast"},
      {"model.fallback", kModel + "  fallback: [openai/gpt-4o-mini, {name: ollama/x, base_url: 'http://127.0.0.1:1'}]",
       [](const D& d) {
         return d.model.fallback[0].name == "openai/gpt-4o-mini" && d.model.fallback[1].name == "ollama/x";
       },
       kModel + "  fallback: [[x]]"},
      {"model.retry", kModel + "  retry: {}", [](const D& d) { return d.model.retry == RetrySettings{}; },
       kModel + "  retry: 3"},
      {"model.route", kModel + "  route: {}", [](const D& d) { return d.model.route == RouteSettings{}; },
       kModel + "  route: cheap"},
      {"model.rate.requests", kModel + "  rate: {requests: 60}", [](const D& d) { return d.model.rate.requests == 60; },
       kModel + "  rate: {requests: -1}"},
      {"model.rate.tokens", kModel + "  rate: {tokens: 100000}",
       [](const D& d) { return d.model.rate.tokens == 100'000; }, kModel + "  rate: {tokens: many}"},
      {"model.rate.concurrent", kModel + "  rate: {concurrent: 4}",
       [](const D& d) { return d.model.rate.concurrent == 4; }, kModel + "  rate: {concurrent: 0.5}"},
      {"model.retry.attempts", kModel + "  retry: {attempts: 1}",
       [](const D& d) { return d.model.retry.attempts == 1; }, kModel + "  retry: {attempts: 0}"},
      {"model.retry.delay", kModel + "  retry: {delay: 2s}", [](const D& d) { return d.model.retry.delay == 2s; },
       kModel + "  retry: {delay: soon}"},
      {"model.retry.longest", kModel + "  retry: {longest: 1m}",
       [](const D& d) { return d.model.retry.longest == 1min; }, kModel + "  retry: {longest: 2d}"},
      {"model.retry.after_output", kModel + "  retry: {after_output: true}",
       [](const D& d) { return d.model.retry.after_output; }, kModel + "  retry: {after_output: 1}"},
      {"model.retry.failures", kModel + "  retry: {failures: 0}",
       [](const D& d) { return d.model.retry.failures == 0; }, kModel + "  retry: {failures: -1}"},
      {"model.retry.pause", kModel + "  retry: {pause: 5m}", [](const D& d) { return d.model.retry.pause == 5min; },
       kModel + "  retry: {pause: x}"},
      {"model.route.rules", kModel + "  route: {rules: [{model: a/b, tag: x}]}",
       [](const D& d) { return d.model.route.rules.size() == 1; }, kModel + "  route: {rules: a/b}"},
      {"model.route.rules[].model", kModel + "  route: {rules: [{model: a/b, tag: x}]}",
       [](const D& d) { return d.model.route.rules[0].model == "a/b"; }, kModel + "  route: {rules: [{tag: x}]}"},
      {"model.route.rules[].longer_than", kModel + "  route: {rules: [{model: a/b, longer_than: 5}]}",
       [](const D& d) { return d.model.route.rules[0].longer_than == 5; },
       kModel + "  route: {rules: [{model: a/b, longer_than: -5}]}"},
      {"model.route.rules[].shorter_than", kModel + "  route: {rules: [{model: a/b, shorter_than: 5}]}",
       [](const D& d) { return d.model.route.rules[0].shorter_than == 5; },
       kModel + "  route: {rules: [{model: a/b, shorter_than: 0}]}"},
      {"model.route.rules[].images", kModel + "  route: {rules: [{model: a/b, images: true}]}",
       [](const D& d) { return d.model.route.rules[0].images == true; },
       kModel + "  route: {rules: [{model: a/b, images: many}]}"},
      {"model.route.rules[].tools", kModel + "  route: {rules: [{model: a/b, tools: false}]}",
       [](const D& d) { return d.model.route.rules[0].tools == false; },
       kModel + "  route: {rules: [{model: a/b, tools: none}]}"},
      {"model.route.rules[].tag", kModel + "  route: {rules: [{model: a/b, tag: hard}]}",
       [](const D& d) { return d.model.route.rules[0].tag == "hard"; },
       kModel + "  route: {rules: [{model: a/b, tag: [hard]}]}"},
      {"model.route.rules[].budget_left_below", kModel + "  route: {rules: [{model: a/b, budget_left_below: 0.2}]}",
       [](const D& d) { return d.model.route.rules[0].budget_left_below == 0.2; },
       kModel + "  route: {rules: [{model: a/b, budget_left_below: 20}]}"},
      {"model.route.escalate", kModel + "  route: {escalate: {to: a/b}}",
       [](const D& d) { return d.model.route.escalate.on_doubt; }, kModel + "  route: {escalate: [a/b]}"},
      {"model.route.escalate.to", kModel + "  route: {escalate: {to: a/b}}",
       [](const D& d) { return d.model.route.escalate.to == "a/b"; }, kModel + "  route: {escalate: {on_doubt: true}}"},
      {"model.route.escalate.on_schema", kModel + "  route: {escalate: {to: a/b, on_schema: false}}",
       [](const D& d) { return !d.model.route.escalate.on_schema; },
       kModel + "  route: {escalate: {to: a/b, on_schema: x}}"},
      {"model.route.escalate.on_tool_error", kModel + "  route: {escalate: {to: a/b, on_tool_error: false}}",
       [](const D& d) { return !d.model.route.escalate.on_tool_error; },
       kModel + "  route: {escalate: {to: a/b, on_tool_error: x}}"},
      {"model.route.escalate.on_doubt", kModel + "  route: {escalate: {to: a/b, on_doubt: false}}",
       [](const D& d) { return !d.model.route.escalate.on_doubt; },
       kModel + "  route: {escalate: {to: a/b, on_doubt: x}}"},
      {"model.prices.cache_write", kModel + "  prices: {input: 1, output: 1, cache_write: 1.25}",
       [](const D& d) { return d.model.prices->cache_write == 1.25; },
       kModel + "  prices: {input: 1, output: 1, cache_write: -1}"},

      {"model.options.temperature", kModel + "  options: {temperature: 0.7}",
       [](const D& d) { return d.model.options.temperature == 0.7; }, kModel + "  options: {temperature: 2.1}"},
      {"model.options.top_p", kModel + "  options: {top_p: 1}", [](const D& d) { return d.model.options.top_p == 1.0; },
       kModel + "  options: {top_p: -0.1}"},
      {"model.options.max_tokens", kModel + "  options: {max_tokens: 4096}",
       [](const D& d) { return d.model.options.max_tokens == 4096; }, kModel + "  options: {max_tokens: 1.5}"},
      {"model.options.seed", kModel + "  options: {seed: -7}", [](const D& d) { return d.model.options.seed == -7; },
       kModel + "  options: {seed: x}"},
      {"model.options.stop", kModel + "  options: {stop: [a, b]}",
       [](const D& d) { return d.model.options.stop == std::vector<std::string>{"a", "b"}; },
       kModel + "  options: {stop: [[a]]}"},
      {"model.options.reasoning_effort", kModel + "  options: {reasoning_effort: max}",
       [](const D& d) { return d.model.options.reasoning_effort == "max"; },
       kModel + "  options: {reasoning_effort: huge}"},
      {"model.options.parallel_tool_calls", kModel + "  options: {parallel_tool_calls: true}",
       [](const D& d) { return d.model.options.parallel_tool_calls == true; },
       kModel + "  options: {parallel_tool_calls: 2}"},
      {"model.options.extra", kModel + "  options: {extra: {top_k: 40, x: null, y: 'yes'}}",
       [](const D& d) { return d.model.options.extra == json::object{{"top_k", 40}, {"x", nullptr}, {"y", "yes"}}; },
       kModel + "  options: {extra: 5}"},

      {"model.prices.input", kModel + "  prices: {input: 0.15, output: 1}",
       [](const D& d) { return d.model.prices->input == 0.15; }, kModel + "  prices: {output: 1}"},
      {"model.prices.output", kModel + "  prices: {input: 1, output: 0}",
       [](const D& d) { return d.model.prices->output == 0; }, kModel + "  prices: {input: 1}"},
      {"model.prices.cached_input", kModel + "  prices: {input: 1, output: 1, cached_input: 0.1}",
       [](const D& d) { return d.model.prices->cached_input == 0.1; },
       kModel + "  prices: {input: 1, output: 1, cached_input: -1}"},
      {"model.prices.currency", kModel + "  prices: {input: 1, output: 1, currency: CNY}",
       [](const D& d) { return d.model.prices->currency == "CNY"; },
       kModel + "  prices: {input: 1, output: 1, currency: []}"},

      {"model.timeouts.connect", kModel + "  timeouts: {connect: 250ms}",
       [](const D& d) { return d.model.connect_timeout == 250ms; }, kModel + "  timeouts: {connect: 5 s}"},
      {"model.timeouts.first_token", kModel + "  timeouts: {first_token: 1h30m}",
       [](const D& d) { return d.model.first_token_timeout == 90min; }, kModel + "  timeouts: {first_token: -1}"},
      {"model.timeouts.idle", kModel + "  timeouts: {idle: 0.5}",
       [](const D& d) { return d.model.idle_timeout == 500ms; }, kModel + "  timeouts: {idle: 2d}"},
      {"model.timeouts.total", kModel + "  timeouts: {total: 2h}",
       [](const D& d) { return d.model.total_timeout == 2h; }, kModel + "  timeouts: {total: never}"},

      {"agents[].file", "agents: [{file: a.yaml}]", [](const D& d) { return d.agents[0].file == "a.yaml"; },
       "agents: [{file: ' '}]"},
      {"agents[].name", "agents: [{file: a.yaml, name: maths}]", [](const D& d) { return d.agents[0].name == "maths"; },
       "agents: [{file: a.yaml, name: the maths}]"},
      {"agents[].description", "agents: [{file: a.yaml, description: Does maths.}]",
       [](const D& d) { return d.agents[0].description == "Does maths."; }, "agents: [{file: a.yaml, description: }]"},

      {"memory.kind", "memory: {kind: vectors}",
       [](const D& d) { return d.memory.enabled && d.memory.kind == "vectors"; }, "memory: {kind: [notes]}"},
      {"memory.space", "memory: {space: family}", [](const D& d) { return d.memory.space == "family"; },
       "memory: {space: {}}"},
      {"memory.recall", "memory: {recall: false}", [](const D& d) { return d.memory.enabled && !d.memory.recall; },
       "memory: {recall: never}"},
      {"memory.recall_limit", "memory: {recall_limit: 9}", [](const D& d) { return d.memory.recall_limit == 9; },
       "memory: {recall_limit: 0}"},

      {"memory.confidential", "memory: {confidential: true}", [](const D& d) { return d.memory.confidential; },
       "memory: {confidential: secret}"},

      {"limits.tool_schemas", "limits: {tool_schemas: 4000}", [](const D& d) { return d.limits.tool_schemas == 4'000; },
       "limits: {tool_schemas: few}"},
      {"limits.steps", "limits: {steps: 7}", [](const D& d) { return d.limits.steps == 7; }, "limits: {steps: 0}"},
      {"limits.tool_calls", "limits: {tool_calls: 7}", [](const D& d) { return d.limits.tool_calls == 7; },
       "limits: {tool_calls: many}"},
      {"limits.tokens", "limits: {tokens: 200000}", [](const D& d) { return d.limits.tokens == 200'000; },
       "limits: {tokens: 200k}"},
      {"limits.cost", "limits: {cost: 0.05}", [](const D& d) { return d.limits.cost == 0.05; }, "limits: {cost: $1}"},
      {"limits.time", "limits: {time: 5m}", [](const D& d) { return d.limits.time == 5min; }, "limits: {time: 5min}"},
      {"limits.tool_time", "limits: {tool_time: 20s}", [](const D& d) { return d.limits.tool_time == 20s; },
       "limits: {tool_time: -1}"},
      {"limits.repairs", "limits: {repairs: 0}", [](const D& d) { return d.limits.repairs == 0; },
       "limits: {repairs: -1}"},
      {"limits.repeats", "limits: {repeats: 2}", [](const D& d) { return d.limits.repeats == 2; },
       "limits: {repeats: 1}"},
      {"limits.depth", "limits: {depth: 0}", [](const D& d) { return d.limits.depth == 0; }, "limits: {depth: 17}"},
      {"limits.parallel_tool_calls", "limits: {parallel_tool_calls: 1}",
       [](const D& d) { return d.limits.parallel_tool_calls == 1; }, "limits: {parallel_tool_calls: true}"},

      {"policy.allow", "policy: {allow: [a, b_*]}",
       [](const D& d) { return d.policy.allow == std::vector<PolicyRule>{"a", "b_*"}; }, "policy: {allow: [a b]}"},
      {"policy.ask", "policy: {ask: files_write}",
       [](const D& d) { return d.policy.ask == std::vector<PolicyRule>{"files_write"}; }, "policy: {ask: ''}"},
      {"policy.deny", "policy: {deny: '*'}", [](const D& d) { return d.policy.deny == std::vector<PolicyRule>{"*"}; },
       "policy: {deny: true!}"},
      {"policy.default", "policy: {default: deny}", [](const D& d) { return d.policy.fallback == Verdict::deny; },
       "policy: {default: never}"},
      {"policy.flow", "policy: {flow: {}}", [](const D& d) { return d.policy.flow == FlowSettings{}; },
       "policy: {flow: ask}"},
      {"policy.trust", "policy: {trust: {files_read: {path: docs/**}}}",
       [](const D& d) { return d.policy.trust == std::vector<PolicyRule>{{"files_read", {{"path", {"docs/**"}}}}}; },
       "policy: {trust: [[files_read]]}"},
      {"policy.confidential", "policy: {confidential: [sql_*, crm: {region: [eu, '!test*']}]}",
       [](const D& d) {
         return d.policy.confidential == std::vector<PolicyRule>{"sql_*", {"crm", {{"region", {"eu", "!test*"}}}}};
       },
       "policy: {confidential: true!}"},
      {"policy.unsandboxed", "policy: {unsandboxed: false}", [](const D& d) { return d.policy.unsandboxed == false; },
       "policy: {unsandboxed: ask}"},
      {"policy.flow.untrusted", "policy: {flow: {untrusted: deny}}",
       [](const D& d) { return d.policy.flow.untrusted == Verdict::deny; }, "policy: {flow: {untrusted: stop}}"},
      {"policy.flow.confidential", "policy: {flow: {confidential: allow}}",
       [](const D& d) { return d.policy.flow.confidential == Verdict::allow; }, "policy: {flow: {confidential: 1}}"},
      {"policy.flow.both", "policy: {flow: {both: ask}}", [](const D& d) { return d.policy.flow.both == Verdict::ask; },
       "policy: {flow: {both: [ask]}}"},
      {"policy.flow.steerable", "policy: {flow: {steerable: [lights_*]}}",
       [](const D& d) { return d.policy.flow.steerable == std::vector<PolicyRule>{"lights_*"}; },
       "policy: {flow: {steerable: [lights *]}}"},
      {"policy.flow.permit", "policy: {flow: {permit: [{to: x.org}]}}",
       [](const D& d) { return d.policy.flow.permit == std::vector<FlowPermit>{{"*", "x.org"}}; },
       "policy: {flow: {permit: x.org}}"},
      {"policy.flow.permit[].from", "policy: {flow: {permit: [{from: 'files:*', to: x.org}]}}",
       [](const D& d) { return d.policy.flow.permit[0].from == "files:*"; },
       "policy: {flow: {permit: [{from: [a], to: x.org}]}}"},
      {"policy.flow.permit[].to", "policy: {flow: {permit: [{to: 'mcp:mail'}]}}",
       [](const D& d) { return d.policy.flow.permit[0].to == "mcp:mail"; }, "policy: {flow: {permit: [{from: a}]}}"},

      {".mcp", "mcp: {files: {command: [npx, server]}}",
       [](const D& d) { return d.mcp.size() == 1 && d.mcp[0].name == "files"; }, "mcp: [files]"},
      {"mcp.*.command", "mcp: {s: {command: [npx, -y]}}",
       [](const D& d) { return d.mcp[0].command == std::vector<std::string>{"npx", "-y"}; },
       "mcp: {s: {command: npx -y}}"},
      {"mcp.*.env", "mcp: {s: {command: [x], env: {A: b}}}", [](const D& d) { return d.mcp[0].env.at("A") == "b"; },
       "mcp: {s: {command: [x], env: [A]}}"},
      {"mcp.*.directory", "mcp: {s: {command: [x], directory: work}}",
       [](const D& d) { return d.mcp[0].directory == "work"; }, "mcp: {s: {command: [x], directory: [work]}}"},
      {"mcp.*.url", "mcp: {s: {url: 'https://x.org/mcp'}}",
       [](const D& d) { return d.mcp[0].url == "https://x.org/mcp"; }, "mcp: {s: {url: x.org/mcp}}"},
      {"mcp.*.headers", "mcp: {s: {url: 'https://x.org/', headers: {A: b}}}",
       [](const D& d) { return d.mcp[0].headers.at("A") == "b"; }, "mcp: {s: {url: 'https://x.org/', headers: [A]}}"},
      {"mcp.*.transport", "mcp: {s: {url: 'https://x.org/', transport: sse}}",
       [](const D& d) { return d.mcp[0].transport == "sse"; }, "mcp: {s: {url: 'https://x.org/', transport: pigeon}}"},
      {"mcp.*.era", "mcp: {s: {command: [x], era: legacy}}", [](const D& d) { return d.mcp[0].era == "legacy"; },
       "mcp: {s: {command: [x], era: old}}"},
      {"mcp.*.auth", "mcp: {s: {url: 'https://x.org/', auth: oauth}}",
       [](const D& d) { return d.mcp[0].auth == "oauth"; }, "mcp: {s: {url: 'https://x.org/', auth: basic}}"},
      {"mcp.*.client_id", "mcp: {s: {url: 'https://x.org/', client_id: me}}",
       [](const D& d) { return d.mcp[0].client_id == "me"; }, "mcp: {s: {url: 'https://x.org/', client_id: [me]}}"},
      {"mcp.*.client_secret", "mcp: {s: {url: 'https://x.org/', client_secret: '${env:S}', issuer: 'https://as.org'}}",
       [](const D& d) { return d.mcp[0].client_secret == Secret("${env:S}"); },
       "mcp: {s: {url: 'https://x.org/', client_secret: [x], issuer: 'https://as.org'}}"},
      {"mcp.*.issuer", "mcp: {s: {url: 'https://x.org/', issuer: 'https://as.org'}}",
       [](const D& d) { return d.mcp[0].issuer == "https://as.org"; },
       "mcp: {s: {url: 'https://x.org/', issuer: [x]}}"},
      {"mcp.*.scopes", "mcp: {s: {url: 'https://x.org/', scopes: [a, b]}}",
       [](const D& d) { return d.mcp[0].scopes == std::vector<std::string>{"a", "b"}; },
       "mcp: {s: {url: 'https://x.org/', scopes: {a: b}}}"},
      {"mcp.*.tools", "mcp: {s: {command: [x], tools: ['read_*']}}",
       [](const D& d) { return d.mcp[0].tools == std::vector<std::string>{"read_*"}; },
       "mcp: {s: {command: [x], tools: {a: b}}}"},
      {"mcp.*.timeout", "mcp: {s: {command: [x], timeout: 5s}}", [](const D& d) { return d.mcp[0].timeout == 5s; },
       "mcp: {s: {command: [x], timeout: soon}}"},
      {"mcp.*.start_timeout", "mcp: {s: {command: [x], start_timeout: 2m}}",
       [](const D& d) { return d.mcp[0].start_timeout == 2min; }, "mcp: {s: {command: [x], start_timeout: 0}}"},
      {"mcp.*.required", "mcp: {s: {command: [x], required: true}}", [](const D& d) { return d.mcp[0].required; },
       "mcp: {s: {command: [x], required: 1}}"},
      {"mcp.*.reviewed", "mcp: {s: {command: [x], reviewed: true}}", [](const D& d) { return d.mcp[0].reviewed; },
       "mcp: {s: {command: [x], reviewed: maybe}}"},
      {"mcp.*.trusted", "mcp: {s: {command: [x], trusted: true}}", [](const D& d) { return d.mcp[0].trusted; },
       "mcp: {s: {command: [x], trusted: maybe}}"},
      {"mcp.*.allow_private", "mcp: {s: {url: 'https://x.org/', allow_private: true}}",
       [](const D& d) { return d.mcp[0].allow_private; }, "mcp: {s: {url: 'https://x.org/', allow_private: 1}}"},
      {"mcp.*.sampling", "mcp: {s: {command: [x], sampling: deny}}",
       [](const D& d) { return d.mcp[0].sampling == Verdict::deny; }, "mcp: {s: {command: [x], sampling: no}}"},
      {"mcp.*.roots", "mcp: {s: {command: [x], roots: [src]}}",
       [](const D& d) { return d.mcp[0].roots == std::vector<std::filesystem::path>{"src"}; },
       "mcp: {s: {command: [x], roots: {a: b}}}"},
      {"mcp.*.sandbox", "mcp: {s: {command: [x], sandbox: {}}}",
       [](const D& d) { return d.mcp[0].sandbox == SandboxSpec{}; }, "mcp: {s: {command: [x], sandbox: off}}"},
      {"mcp.*.sandbox.enabled", "mcp: {s: {command: [x], sandbox: {enabled: false}}}",
       [](const D& d) { return !d.mcp[0].sandbox.enabled; }, "mcp: {s: {command: [x], sandbox: {enabled: 0}}}"},
      {"mcp.*.sandbox.read", "mcp: {s: {command: [x], sandbox: {read: [/usr/share]}}}",
       [](const D& d) { return d.mcp[0].sandbox.read == std::vector<std::filesystem::path>{"/usr/share"}; },
       "mcp: {s: {command: [x], sandbox: {read: {a: b}}}}"},
      {"mcp.*.sandbox.write", "mcp: {s: {command: [x], sandbox: {write: [out]}}}",
       [](const D& d) { return d.mcp[0].sandbox.write == std::vector<std::filesystem::path>{"out"}; },
       "mcp: {s: {command: [x], sandbox: {write: {a: b}}}}"},
      {"mcp.*.sandbox.hosts", "mcp: {s: {command: [x], sandbox: {hosts: [pypi.org]}}}",
       [](const D& d) { return d.mcp[0].sandbox.hosts == std::vector<std::string>{"pypi.org"}; },
       "mcp: {s: {command: [x], sandbox: {hosts: {a: b}}}}"},
      {"mcp.*.sandbox.memory", "mcp: {s: {command: [x], sandbox: {memory: 2G}}}",
       [](const D& d) { return d.mcp[0].sandbox.memory == 2LL << 30U; },
       "mcp: {s: {command: [x], sandbox: {memory: 1}}}"},
      {"mcp.*.sandbox.disk", "mcp: {s: {command: [x], sandbox: {disk: 16777216}}}",
       [](const D& d) { return d.mcp[0].sandbox.disk == 16'777'216; },
       "mcp: {s: {command: [x], sandbox: {disk: large}}}"},
      {"mcp.*.sandbox.processes", "mcp: {s: {command: [x], sandbox: {processes: 5}}}",
       [](const D& d) { return d.mcp[0].sandbox.processes == 5; }, "mcp: {s: {command: [x], sandbox: {processes: 0}}}"},
      {"mcp.*.sandbox.cpu", "mcp: {s: {command: [x], sandbox: {cpu: 10s}}}",
       [](const D& d) { return d.mcp[0].sandbox.cpu == 10s; }, "mcp: {s: {command: [x], sandbox: {cpu: slow}}}"},

      {"inputs.*.type", "inputs: {n: {type: number}}", [](const D& d) { return d.inputs[0].type == "number"; },
       "inputs: {n: {type: int}}"},
      {"inputs.*.description", "inputs: {n: {description: How many}}",
       [](const D& d) { return d.inputs[0].description == "How many"; }, "inputs: {n: {description: [x]}}"},
      {"inputs.*.required", "inputs: {n: {required: true}}", [](const D& d) { return d.inputs[0].required; },
       "inputs: {n: {required: yes}}"},
      {"inputs.*.default", "inputs: {n: {type: boolean, default: true}}",
       [](const D& d) { return d.inputs[0].fallback == json::value(true); },
       "inputs: {n: {type: boolean, default: 1}}"},

      {"intents[].match", "intents: [{match: ['a {b}', c], say: d}]",
       [](const D& d) { return d.intents[0].match == std::vector<std::string>{"a {b}", "c"}; },
       "intents: [{match: {a: b}, say: d}]"},
      {"intents[].steps", "intents: [{match: a, steps: [{call: x}, {call: y}]}]",
       [](const D& d) { return d.intents[0].steps.size() == 2; }, "intents: [{match: a, steps: {call: x}}]"},
      {"intents[].say", "intents: [{match: a, say: '{result}'}]",
       [](const D& d) { return d.intents[0].say == "{result}"; }, "intents: [{match: a, say: {result}}]"},

      {"intents[].steps[].call", "intents: [{match: a, steps: [{call: clock}]}]",
       [](const D& d) { return d.intents[0].steps[0].call == "clock"; }, "intents: [{match: a, steps: [{call: a b}]}]"},
      {"intents[].steps[].with", "intents: [{match: a, steps: [{call: x, with: {n: 1, t: '{b}'}}]}]",
       [](const D& d) { return d.intents[0].steps[0].with == json::object{{"n", 1}, {"t", "{b}"}}; },
       "intents: [{match: a, steps: [{call: x, with: y}]}]"},
      {"intents[].steps[].take", "intents: [{match: a, steps: [{call: x, take: 'is {b}'}]}]",
       [](const D& d) { return d.intents[0].steps[0].take == "is {b}"; },
       "intents: [{match: a, steps: [{call: x, take: []}]}]"},
      {"intents[].steps[].otherwise", "intents: [{match: a, steps: [{call: x, otherwise: No.}]}]",
       [](const D& d) { return d.intents[0].steps[0].otherwise == "No."; },
       "intents: [{match: a, steps: [{call: x, otherwise: [No.]}]}]"},

      {".hooks", "hooks: [{run: [./check], on: [before_tool]}]", [](const D& d) { return d.hooks.size() == 1; },
       "hooks: ./check"},
      {"hooks[].run", "hooks: [{run: [./check, -v], on: [before_tool]}]",
       [](const D& d) { return d.hooks[0].run == std::vector<std::string>{"./check", "-v"}; },
       "hooks: [{run: [], on: [before_tool]}]"},
      {"hooks[].on", "hooks: [{run: [a], on: [before_model, after_tool]}]",
       [](const D& d) { return d.hooks[0].on == std::vector<std::string>{"before_model", "after_tool"}; },
       "hooks: [{run: [a], on: [sometimes]}]"},
      {"hooks[].tools", "hooks: [{run: [a], on: [before_tool], tools: 'http_*'}]",
       [](const D& d) { return d.hooks[0].tools == "http_*"; },
       "hooks: [{run: [a], on: [before_tool], tools: [http]}]"},
      {"hooks[].env", "hooks: [{run: [a], on: [before_tool], env: {TOKEN: '${env:T}'}}]",
       [](const D& d) { return d.hooks[0].env.at("TOKEN") == "${env:T}"; },
       "hooks: [{run: [a], on: [before_tool], env: [TOKEN]}]"},
      {"hooks[].timeout", "hooks: [{run: [a], on: [before_tool], timeout: 2s}]",
       [](const D& d) { return d.hooks[0].timeout == 2s; }, "hooks: [{run: [a], on: [before_tool], timeout: soon}]"},
      {"hooks[].required", "hooks: [{run: [a], on: [before_tool], required: false}]",
       [](const D& d) { return !d.hooks[0].required; }, "hooks: [{run: [a], on: [before_tool], required: 1}]"},

      {".guardrails", "guardrails: {}", [](const D& d) { return d.guardrails == GuardrailSettings{}; },
       "guardrails: [bomb]"},
      {"guardrails.input", "guardrails: {input: [{pattern: bomb}]}",
       [](const D& d) { return d.guardrails.input.size() == 1; }, "guardrails: {input: bomb}"},
      {"guardrails.output", "guardrails: {output: [{pattern: a}, {run: [./b]}]}",
       [](const D& d) { return d.guardrails.output.size() == 2; }, "guardrails: {output: {pattern: a}}"},
      {"guardrails.window", "guardrails: {window: 0}", [](const D& d) { return d.guardrails.window == 0; },
       "guardrails: {window: all}"},
      {"guardrails.input[].name", "guardrails: {input: [{name: cards, pattern: a}]}",
       [](const D& d) { return d.guardrails.input[0].name == "cards"; },
       "guardrails: {input: [{name: [cards], pattern: a}]}"},
      {"guardrails.input[].pattern", "guardrails: {input: [{pattern: '[0-9]+'}]}",
       [](const D& d) { return d.guardrails.input[0].pattern == "[0-9]+"; },
       "guardrails: {input: [{pattern: '[0-9'}]}"},
      {"guardrails.input[].run", "guardrails: {input: [{run: [./check, -v]}]}",
       [](const D& d) { return d.guardrails.input[0].run == std::vector<std::string>{"./check", "-v"}; },
       "guardrails: {input: [{run: ./check}]}"},
      {"guardrails.input[].action", "guardrails: {output: [{pattern: a, action: redact}]}",
       [](const D& d) { return d.guardrails.output[0].action == "redact"; },
       "guardrails: {output: [{pattern: a, action: drop}]}"},
      {"guardrails.input[].say", "guardrails: {output: [{pattern: a, say: No.}]}",
       [](const D& d) { return d.guardrails.output[0].say == "No."; },
       "guardrails: {output: [{pattern: a, say: [No.]}]}"},
      {"guardrails.input[].timeout", "guardrails: {input: [{run: [./a], timeout: 500ms}]}",
       [](const D& d) { return d.guardrails.input[0].timeout == 500ms; },
       "guardrails: {input: [{run: [./a], timeout: soon}]}"},
  };
  return kRows;
}

ParsedDefinition parse(const std::string& rest) {
  return parse_definition("sennit: 1\n" + rest + "\n");
}

TEST_CASE("every key is read into its member") {
  for (const Row& row : rows()) {
    INFO(row.key << "\n" << row.right);
    const ParsedDefinition parsed = parse(row.right);
    for (const Diagnostic& diagnostic : parsed.diagnostics) UNSCOPED_INFO(diagnostic.message);
    CHECK(parsed.diagnostics.empty());
    CHECK(row.holds(parsed.definition));
  }
}

TEST_CASE("every key refuses a wrong value, in words that name it") {
  for (const Row& row : rows()) {
    INFO(row.key << "\n" << row.wrong);
    const ParsedDefinition parsed = parse(row.wrong);
    REQUIRE_FALSE(parsed.ok());
    const std::string key = row.key.substr(row.key.rfind('.') + 1);
    CHECK(parsed.diagnostics[0].message.find(key) != std::string::npos);
    CHECK(parsed.diagnostics[0].line >= 1);
    CHECK(parsed.diagnostics[0].column >= 1);
  }
}

TEST_CASE("every key has a test") {
  std::set<std::string> tested;
  for (const Row& row : rows()) tested.insert(row.key);
  for (const format::Table* table : format::all_tables()) {
    for (const format::Field& field : table->fields) {
      const std::string key = std::string(table->path) + "." + std::string(field.key);
      INFO(key);
      // The same keys as the model's own, from the same lines of the table.
      if (table == &format::fallback_table()) continue;
      CHECK(tested.erase(key) == 1);
    }
  }
  CHECK(tested.empty());
}

TEST_CASE("instruction and system mean instructions") {
  CHECK(parse("instruction: Help.").definition.instructions == "Help.");
  CHECK(parse("system: Help.").definition.instructions == "Help.");
}

}  // namespace
}  // namespace sennit
