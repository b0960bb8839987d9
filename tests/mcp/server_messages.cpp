// The server's rules in both eras, without a transport.
#include "mcp/server_bench.hpp"
#include <sennit/mcp/server/seal.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace sennit;
using namespace sennit::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

using Bench = ServerBench<TestEnvironment>;

std::string code_of(const json::object& answer) {
  return text_at_path(answer, "error/code");
}

}  // namespace

TEST_CASE("what is sealed opens only as it was", "[mcp_server]") {
  TestEnvironment env;
  const mcp::Seal seal(env);
  const mcp::Seal other(env);
  const std::string sealed = seal.close("some state");
  CHECK(seal.open(sealed) == "some state");
  CHECK_FALSE(other.open(sealed));
  CHECK_FALSE(seal.open(sealed + "0"));
  CHECK_FALSE(seal.open("x" + sealed));
  CHECK_FALSE(seal.open(sealed.substr(0, sealed.size() - 1)));
  CHECK_FALSE(seal.open(""));
  CHECK_FALSE(seal.open("."));
  CHECK(mcp::same_secret("abc", "abc"));
  CHECK_FALSE(mcp::same_secret("abc", "abd"));
  CHECK_FALSE(mcp::same_secret("abc", ""));
}

TEST_CASE("a legacy client agrees on a version", "[mcp_server]") {
  for (const std::string version : {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"}) {
    Bench bench;
    bench.greet({}, version);
    CHECK(bench.agreed == version);
    CHECK(bench.peer->is_greeted());
  }
  Bench bench;
  bench.greet({}, "1999-01-01");
  CHECK(bench.agreed == "2025-11-25");
}

TEST_CASE("nothing but ping comes before the handshake", "[mcp_server]") {
  Bench bench;
  CHECK(code_of(bench.call("tools/list")) == "-32600");
  CHECK(bench.call("ping").contains("result"));
  CHECK(code_of(bench.call("initialize", {})) == "-32602");
  CHECK_FALSE(bench.peer->is_greeted());
}

TEST_CASE("each era has its own methods", "[mcp_server]") {
  Bench bench;
  bench.greet();
  CHECK(bench.call("ping").contains("result"));
  CHECK(code_of(bench.call("server/discover")) == "-32602");
  CHECK(code_of(bench.call("subscriptions/listen")) == "-32601");
  CHECK(code_of(bench.call("tools/nothing")) == "-32601");
  CHECK(code_of(bench.call("nothing")) == "-32601");
  for (const char* gone : {"initialize", "ping", "logging/setLevel", "resources/subscribe"}) {
    CHECK(code_of(bench.modern(gone)) == "-32601");
  }
}

TEST_CASE("a modern request says who asks", "[mcp_server]") {
  Bench bench;
  const json::object discovered = bench.modern("server/discover");
  CHECK(text_at_path(discovered, "result/supportedVersions/0") == "2026-07-28");
  CHECK(text_at_path(discovered, "result/resultType") == "complete");
  CHECK(text_at_path(discovered, "result/cacheScope") == "private");
  CHECK(at(discovered, "result/ttlMs").is_int64());
  CHECK(at(discovered, "result/_meta/io.modelcontextprotocol~1serverInfo/name").is_string());
  CHECK(at(discovered, "result/capabilities/logging").is_null());
  json::object meta = modern_meta();
  meta.erase("io.modelcontextprotocol/clientCapabilities");
  CHECK(code_of(bench.call("tools/list", {{"_meta", meta}})) == "-32602");
  meta = modern_meta();
  meta["io.modelcontextprotocol/protocolVersion"] = "2030-01-01";
  const json::object newer = bench.call("tools/list", {{"_meta", meta}});
  CHECK(code_of(newer) == "-32022");
  CHECK(text_at_path(newer, "error/data/supported/0") == "2026-07-28");
  CHECK(text_at_path(newer, "error/data/requested") == "2030-01-01");
}

TEST_CASE("lists come in pages", "[mcp_server]") {
  Bench bench({.page = 12});
  bench.greet();
  std::size_t count = 0;
  json::object params;
  for (int pages = 1;; ++pages) {
    const json::object answer = bench.call("tools/list", params);
    count += at(answer, "result/tools").as_array().size();
    const json::value next = at(answer, "result/nextCursor");
    if (next.is_null()) {
      CHECK(pages == 3);
      break;
    }
    params["cursor"] = next;
  }
  CHECK(count == bench.fixtures.tools().size());
  CHECK(code_of(bench.call("tools/list", {{"cursor", "MTAwMA=="}})) == "-32602");
  CHECK(code_of(bench.call("tools/list", {{"cursor", 7}})) == "-32602");
}

TEST_CASE("a tool that fails is a result, one that is not there an error", "[mcp_server]") {
  Bench bench;
  bench.greet();
  const json::object failed = bench.call_tool("test_error_handling");
  CHECK(text_at_path(failed, "result/isError") == "true");
  CHECK_THAT(text_at_path(failed, "result/content/0/text"), ContainsSubstring("intentionally"));
  CHECK(code_of(bench.call_tool("no_such_tool")) == "-32602");
  CHECK(code_of(bench.call("tools/call", {{"arguments", json::object()}})) == "-32602");
  CHECK(code_of(bench.call("tools/call", {{"name", "test_simple_text"}, {"arguments", 1}})) == "-32602");
  CHECK(code_of(bench.call("resources/read", {{"uri", "test://none"}})) == "-32002");
  CHECK(code_of(bench.modern("resources/read", {{"uri", "test://none"}})) == "-32602");
}

TEST_CASE("progress and logs go to who wants them", "[mcp_server]") {
  Bench bench;
  bench.greet();
  const auto count = [&](json::object params) {
    const auto outlet = bench.send("tools/call", std::move(params));
    bench.answer_of(outlet);
    return outlet->messages.size() - 1;
  };
  CHECK(count({{"name", "test_tool_with_progress"}}) == 0);
  CHECK(count({{"name", "test_tool_with_progress"}, {"_meta", {{"progressToken", 7}}}}) == 3);
  CHECK(count({{"name", "test_tool_with_logging"}}) == 3);
  bench.call("logging/setLevel", {{"level", "warning"}});
  CHECK(count({{"name", "test_tool_with_logging"}}) == 0);
  json::object meta = modern_meta();
  CHECK(count({{"name", "test_tool_with_logging"}, {"_meta", meta}}) == 0);
  meta["io.modelcontextprotocol/logLevel"] = "info";
  CHECK(count({{"name", "test_tool_with_logging"}, {"_meta", meta}}) == 3);
}

TEST_CASE("a request is cancelled by its id, and not answered", "[mcp_server]") {
  Bench bench;
  bench.greet();
  const auto outlet = bench.send("tools/call", {{"name", "test_hang"}});
  until(bench.env, [&] { return bench.fixtures.hanging == 1; });
  CHECK(code_of([&] {
          --bench.next_id;  // an id that is in use
          return bench.call("tools/call", {{"name", "test_hang"}});
        }()) == "-32600");
  bench.server.take(bench.peer, mcp::Notification{"notifications/cancelled", {{"requestId", bench.last_id}}}, nullptr);
  until(bench.env, [&] { return bench.fixtures.hung_up == 1 && outlet->dropped == 1; });
  CHECK(outlet->messages.empty());
  CHECK(bench.peer->calls() == 0);
}

TEST_CASE("a peer that leaves takes its requests along", "[mcp_server]") {
  Bench bench;
  bench.greet();
  bench.send("tools/call", {{"name", "test_hang"}});
  until(bench.env, [&] { return bench.fixtures.hanging == 1; });
  bench.server.leave(bench.peer);
  until(bench.env, [&] { return bench.fixtures.hung_up == 1; });
}

TEST_CASE("there is a bound on requests at a time, and on their time", "[mcp_server]") {
  ServerBench<VirtualEnvironment> bench({.calls = 2, .call_timeout = 60'000ms});
  bench.greet();
  const auto first = bench.send("tools/call", {{"name", "test_hang"}});
  bench.send("tools/call", {{"name", "test_hang"}});
  CHECK(code_of(bench.call_tool("test_hang")) == "-32603");
  CHECK_THAT(text_at_path(bench.answer_of(first), "error/message"), ContainsSubstring("60000 ms"));
}

TEST_CASE("there is a bound on requests of modern clients together, each a peer of its own", "[mcp_server]") {
  ServerBench<VirtualEnvironment> bench({.modern_calls = 2});
  std::vector<std::shared_ptr<mcp::ServerPeer>> peers;
  const auto send = [&](std::string_view tool) {
    peers.push_back(bench.server.meet());
    auto outlet = std::make_shared<Collector>();
    json::object params{{"name", tool}, {"arguments", json::object()}, {"_meta", modern_meta()}};
    bench.server.take(peers.back(), mcp::Request{1, "tools/call", std::move(params)}, outlet);
    return outlet;
  };
  send("test_hang");
  send("test_hang");
  CHECK(code_of(bench.answer_of(send("test_simple_text"))) == "-32603");
  bench.server.leave(peers.front());
  until(bench.env, [&] { return bench.fixtures.hung_up == 1; });
  CHECK(bench.answer_of(send("test_simple_text")).contains("result"));
  for (const auto& peer : peers) bench.server.leave(peer);
}

TEST_CASE("a legacy client is asked by a request of the server's", "[mcp_server]") {
  Bench bench;
  bench.greet({{"elicitation", json::object()}});
  const auto outlet = bench.send("tools/call", {{"name", "test_elicitation"}, {"arguments", {{"message", "Who?"}}}});
  until(bench.env, [&] { return !outlet->messages.empty(); });
  const json::object asked = outlet->messages.front();
  CHECK(text_at_path(asked, "method") == "elicitation/create");
  CHECK(text_at_path(asked, "params/message") == "Who?");
  const mcp::Id id = mcp::read_id(asked.at("id")).value();
  SECTION("and answers") {
    bench.server.take(bench.peer, mcp::Answer{id, json::object{{"action", "decline"}}}, nullptr);
    CHECK_THAT(text_at_path(bench.answer_of(outlet), "result/content/0/text"), ContainsSubstring("decline"));
    bench.server.take(bench.peer, mcp::Answer{id, json::object{{"action", "accept"}}}, nullptr);  // late: ignored
  }
  SECTION("or fails") {
    bench.server.take(bench.peer, mcp::Answer{id, mcp::Fault{-1, "no time", {}}}, nullptr);
    const json::object answer = bench.answer_of(outlet);
    CHECK(text_at_path(answer, "result/isError") == "true");
    CHECK_THAT(text_at_path(answer, "result/content/0/text"), ContainsSubstring("no time"));
  }
  SECTION("or takes back what it wanted") {
    bench.server.take(bench.peer, mcp::Notification{"notifications/cancelled", {{"requestId", bench.last_id}}},
                      nullptr);
    until(bench.env, [&] { return outlet->messages.size() == 2; });
    CHECK(text_at_path(outlet->messages.back(), "method") == "notifications/cancelled");
    CHECK(at(outlet->messages.back(), "params/requestId") == asked.at("id"));
  }
}

TEST_CASE("who cannot be asked is not", "[mcp_server]") {
  Bench bench;
  bench.greet();
  const json::object answer = bench.call_tool("test_elicitation", {{"message", "Who?"}});
  CHECK(text_at_path(answer, "result/isError") == "true");
  CHECK_THAT(text_at_path(answer, "result/content/0/text"), ContainsSubstring("'elicitation'"));
  const json::object missing = bench.modern_tool("test_missing_capability");
  CHECK(code_of(missing) == "-32021");
  CHECK(at(missing, "error/data/requiredCapabilities/sampling").is_object());
}

TEST_CASE("who can only open addresses is sent no form", "[mcp_server]") {
  for (const bool form : {false, true}) {
    Bench bench;
    json::object ways{{"url", json::object()}};
    if (form) ways["form"] = json::object();
    bench.greet({{"elicitation", std::move(ways)}});
    const auto outlet = bench.send("tools/call", {{"name", "test_elicitation"}, {"arguments", {{"message", "Who?"}}}});
    until(bench.env, [&] { return !outlet->messages.empty(); });
    CHECK(outlet->messages.front().contains("method") == form);
  }
}

TEST_CASE("an answer that does not come is not waited for for ever", "[mcp_server]") {
  ServerBench<VirtualEnvironment> bench({.reply_timeout = 1'000ms});
  bench.greet({{"elicitation", json::object()}});
  const auto outlet = bench.send("tools/call", {{"name", "test_elicitation"}, {"arguments", {{"message", "Who?"}}}});
  CHECK(text_at_path(bench.answer_of(outlet), "result/isError") == "true");
}

TEST_CASE("a modern client comes back with what was asked for", "[mcp_server]") {
  Bench bench;
  const json::object able{{"elicitation", json::object()}};
  const json::object first = bench.modern_tool("test_input_required_result_multi_round", {}, able);
  CHECK(text_at_path(first, "result/resultType") == "input_required");
  CHECK(text_at_path(first, "result/inputRequests/step1/method") == "elicitation/create");
  CHECK(bench.peer->calls() == 0);
  const json::value state = at(first, "result/requestState");
  const auto reply = [](std::string_view field, std::string_view value) {
    return json::object{{"action", "accept"}, {"content", json::object{{field, value}}}};
  };
  const json::object name{{"step1", reply("name", "Ann")}};
  const auto again = [&](const json::value& with, json::object replies) {
    return bench.modern_tool("test_input_required_result_multi_round",
                             {{"requestState", with}, {"inputResponses", std::move(replies)}}, able);
  };
  SECTION("in two rounds") {
    const json::object second = again(state, name);
    CHECK(at(second, "result/inputRequests/step2").is_object());
    CHECK(at(second, "result/requestState") != state);
    const json::object third = again(at(second, "result/requestState"), {{"step2", reply("color", "blue")}});
    CHECK(text_at_path(third, "result/content/0/text") == "Ann likes blue");
    CHECK(text_at_path(third, "result/resultType") == "complete");
    CHECK(code_of(again(at(second, "result/requestState"), name)) == "-32602");
  }
  SECTION("and is asked again for what it did not bring") {
    const json::object second = again(state, {{"other", reply("name", "Ann")}});
    CHECK(at(second, "result/inputRequests/step1").is_object());
    CHECK(at(again(at(second, "result/requestState"), name), "result/inputRequests/step2").is_object());
  }
  SECTION("but not twice with the same state") {
    again(state, name);
    CHECK(code_of(again(state, name)) == "-32602");
  }
  SECTION("nor with one that it made, or took from elsewhere") {
    CHECK(code_of(again(json::value(std::string(state.get_string()) + "x"), name)) == "-32602");
    CHECK(code_of(again(7, name)) == "-32602");
    const json::object other = bench.modern_tool("test_input_required_result_elicitation",
                                                 {{"requestState", state}, {"inputResponses", name}}, able);
    CHECK(code_of(other) == "-32602");
    CHECK_THAT(text_at_path(other, "error/message"), ContainsSubstring("another request"));
  }
  SECTION("nor with replies that are none") {
    CHECK(code_of(again(state, {{"step1", 5}})) == "-32602");
    CHECK(at(again(state, name), "result/inputRequests/step2").is_object());  // the state is still good
  }
}

TEST_CASE("a request that waits for a modern client does not wait for ever", "[mcp_server]") {
  ServerBench<VirtualEnvironment> bench({.reply_timeout = 1'000ms});
  const json::object able{{"elicitation", json::object()}};
  const json::object first = bench.modern_tool("test_input_required_result_elicitation", {}, able);
  run(bench.env, bench.env.sleep(2'000ms));
  const json::object late =
      bench.modern_tool("test_input_required_result_elicitation",
                        {{"requestState", at(first, "result/requestState")},
                         {"inputResponses", {{"user_name", {{"action", "accept"}, {"content", {{"name", "Ann"}}}}}}}},
                        able);
  CHECK(code_of(late) == "-32602");
}

TEST_CASE("there is a bound on requests that wait for a modern client", "[mcp_server]") {
  Bench bench({.parked = 2});
  const json::object able{{"elicitation", json::object()}};
  std::vector<json::value> states;
  for (int i = 0; i < 3; ++i) {
    states.push_back(at(bench.modern_tool("test_input_required_result_elicitation", {}, able), "result/requestState"));
  }
  const auto again = [&](const json::value& state) {
    return bench.modern_tool("test_input_required_result_elicitation",
                             {{"requestState", state}, {"inputResponses", {{"user_name", {{"action", "decline"}}}}}},
                             able);
  };
  CHECK(code_of(again(states[0])) == "-32602");
  CHECK(again(states[1]).contains("result"));
  CHECK(again(states[2]).contains("result"));
}

TEST_CASE("a modern client hears what it listens for, tagged", "[mcp_server]") {
  Bench bench;
  json::object params{{"notifications", {{"toolsListChanged", true}, {"resourceSubscriptions", {"test://a"}}}}};
  params["_meta"] = modern_meta();
  const auto outlet = bench.send("subscriptions/listen", params);
  const std::int64_t id = bench.last_id;
  REQUIRE(outlet->messages.size() == 1);
  CHECK(text_at_path(outlet->messages[0], "method") == "notifications/subscriptions/acknowledged");
  CHECK(text_at_path(outlet->messages[0], "params/notifications") ==
        R"({"toolsListChanged":true,"resourceSubscriptions":["test://a"]})");
  bench.server.prompts_changed();
  bench.server.resource_updated("test://b");
  bench.server.tools_changed();
  bench.server.resource_updated("test://a");
  REQUIRE(outlet->messages.size() == 3);
  CHECK(text_at_path(outlet->messages[1], "method") == "notifications/tools/list_changed");
  CHECK(text_at_path(outlet->messages[2], "params/uri") == "test://a");
  for (const json::object& message : outlet->messages) {
    CHECK(at(message, "params/_meta/io.modelcontextprotocol~1subscriptionId") == json::value(id));
  }
  SECTION("until it cancels") {
    bench.server.take(bench.peer, mcp::Notification{"notifications/cancelled", {{"requestId", id}}}, nullptr);
    bench.server.tools_changed();
    CHECK(outlet->messages.size() == 3);
  }
  SECTION("until the server ends") {
    run(bench.env, bench.server.stop(1ms));
    REQUIRE(outlet->messages.size() == 4);
    CHECK(text_at_path(outlet->messages.back(), "result/resultType") == "complete");
  }
}

TEST_CASE("a legacy client hears of lists, and of the resources that it watches", "[mcp_server]") {
  Bench bench({.subscriptions = 1});
  bench.server.tools_changed();
  CHECK(bench.general->messages.empty());
  bench.greet();
  bench.call("resources/subscribe", {{"uri", "test://a"}});
  CHECK(code_of(bench.call("resources/subscribe", {{"uri", "test://b"}})) == "-32603");
  bench.server.tools_changed();
  bench.server.resource_updated("test://b");
  bench.server.resource_updated("test://a");
  CHECK(bench.general->messages.size() == 2);
  bench.call("resources/unsubscribe", {{"uri", "test://a"}});
  bench.server.resource_updated("test://a");
  CHECK(bench.general->messages.size() == 2);
  bench.general->room = false;
  bench.server.tools_changed();
  CHECK(bench.general->messages.size() == 2);
}

TEST_CASE("a server that stops lets requests end for a while, and takes no others", "[mcp_server]") {
  Bench bench;
  bench.greet();
  const auto outlet = bench.send("tools/call", {{"name", "test_tool_with_progress"}});
  const auto hanging = bench.send("tools/call", {{"name", "test_hang"}});
  auto stopping = start(bench.env, bench.server.stop(300ms));
  until(bench.env, [&] { return !outlet->messages.empty(); });
  CHECK(code_of(bench.call("ping")) == "-32603");
  stopping.get();
  CHECK(hanging->dropped == 1);
  CHECK(bench.fixtures.hung_up == 1);
}

TEST_CASE("a call may go on as a task, of a client that knows tasks", "[mcp_server]") {
  ServerBench<VirtualEnvironment> bench({.tasks = 2, .task_life = 60'000ms});
  const json::object able{{"elicitation", json::object()},
                          {"extensions", json::object{{"io.modelcontextprotocol/tasks", json::object()}}}};
  const auto status_of = [&](const json::value& id) {
    return text_at_path(bench.modern("tasks/get", {{"taskId", id}}, able), "result/status");
  };
  SECTION("and is looked after") {
    const json::object made =
        bench.modern_tool("slow_compute", {{"arguments", {{"seconds", 5}, {"label", "it"}}}}, able);
    CHECK(text_at_path(made, "result/resultType") == "task");
    CHECK(text_at_path(made, "result/status") == "working");
    CHECK(bench.peer->calls() == 0);
    bench.server.leave(bench.peer);  // its stream is not needed
    const json::value id = at(made, "result/taskId");
    CHECK(status_of(id) == "working");
    until(bench.env, [&] { return status_of(id) == "completed"; });
    const json::object got = bench.modern("tasks/get", {{"taskId", id}}, able);
    CHECK(text_at_path(got, "result/result/content/0/text") == "computed it");
    CHECK(text_at_path(got, "result/resultType") == "complete");
    CHECK(code_of(bench.modern("tasks/get", {{"taskId", "none"}}, able)) == "-32602");
    CHECK(code_of(bench.modern("tasks/get", {{"taskId", id}})) == "-32021");
    run(bench.env, bench.env.sleep(61'000ms));
    CHECK(code_of(bench.modern("tasks/get", {{"taskId", id}}, able)) == "-32602");
  }
  SECTION("and is cancelled") {
    const json::value id =
        at(bench.modern_tool("slow_compute", {{"arguments", {{"seconds", 600}}}}, able), "result/taskId");
    CHECK(bench.modern("tasks/cancel", {{"taskId", id}}, able).contains("result"));
    until(bench.env, [&] { return status_of(id) == "cancelled"; });
    CHECK(bench.modern("tasks/cancel", {{"taskId", id}}, able).contains("result"));
  }
  SECTION("and asks") {
    const json::value id = at(bench.modern_tool("confirm_delete", {}, able), "result/taskId");
    until(bench.env, [&] { return status_of(id) == "input_required"; });
    const json::object got = bench.modern("tasks/get", {{"taskId", id}}, able);
    CHECK(text_at_path(got, "result/inputRequests/confirm/method") == "elicitation/create");
    CHECK(code_of(bench.modern("tasks/update", {{"taskId", id}, {"inputResponses", 5}}, able)) == "-32602");
    bench.modern("tasks/update", {{"taskId", id}, {"inputResponses", {{"confirm", {{"action", "accept"}}}}}}, able);
    until(bench.env, [&] { return status_of(id) == "completed"; });
  }
  SECTION("or is done at once, where there are too many, or the client does not know them") {
    for (int i = 0; i < 2; ++i) bench.modern_tool("slow_compute", {{"arguments", {{"seconds", 600}}}}, able);
    CHECK(text_at_path(bench.modern_tool("slow_compute", {}, able), "result/resultType") == "complete");
    CHECK(text_at_path(bench.modern_tool("slow_compute"), "result/resultType") == "complete");
    bench.greet(able);
    CHECK(text_at_path(bench.call_tool("slow_compute"), "result/content/0/text") == "computed ");
  }
}
