// `sennit embed` as a person calls it.
#include "app/program.hpp"
#include "support/http_server.hpp"
#include <sennit/agent/io/json.hpp>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <csignal>
#include <thread>

namespace sennit::testing {
namespace {

/// A text's vector is its length and 1.
Reply lengths(const HttpRequest& request) {
  const json::value asked = json::parse(request.body);
  json::array data;
  for (const json::value& text : asked.at("input").as_array()) {
    data.push_back(
        {{"index", data.size()}, {"embedding", json::array{static_cast<double>(text.as_string().size()) * 0.1, 1}}});
  }
  return Reply::json(json::serialize(json::value{{"data", data}}));
}

std::vector<std::string> command(const HttpServer& server, const std::vector<std::string>& more) {
  std::vector<std::string> arguments{"embed", "-m", "openai-compatible/m", "--base-url", server.url("/v1")};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

Program::Options in(const TempDir& folder, std::string input = "") {
  Program::Options options;
  options.folder = folder.path();
  options.input = std::move(input);
  return options;
}

TEST_CASE("embed prints a JSON object a text, in decimals that give the floats back") {
  const HttpServer server(lengths);
  const TempDir folder;
  const Ended ended = run_program(command(server, {"a", "four"}), in(folder));
  CHECK(ended.err.empty());
  CHECK(ended.out == R"({"index":0,"dimensions":2,"vector":[0.1,1]})"
                     "\n"
                     R"({"index":1,"dimensions":2,"vector":[0.4,1]})"
                     "\n");
  CHECK(ended.status == 0);
}

TEST_CASE("embed takes texts from a file and from standard input") {
  const HttpServer server(lengths);
  const TempDir folder;
  const std::string file = folder.write("texts", "a\r\n\nbc\n").string();
  CHECK(run_program(command(server, {"--file", file}), in(folder)).status == 0);
  CHECK(run_program(command(server, {"--file", "-"}), in(folder, "a\nbc")).status == 0);
  CHECK(server.requests().at(0).body == R"({"model":"m","input":["a","bc"]})");
  CHECK(server.requests().at(1).body == server.requests().at(0).body);
}

TEST_CASE("embed --similarity prints the cosines") {
  const HttpServer server(lengths);
  const TempDir folder;
  const Ended ended = run_program(command(server, {"--similarity", "a", "b", "cccccccccc"}), in(folder));
  CHECK(ended.out ==
        "{\"index\":0,\"cosine\":[1.0000,1.0000,0.7740]}\n"
        "{\"index\":1,\"cosine\":[1.0000,1.0000,0.7740]}\n"
        "{\"index\":2,\"cosine\":[0.7740,0.7740,1.0000]}\n");
}

TEST_CASE("embed says what is wrong, and prints nothing then") {
  const TempDir folder;
  const HttpServer server(Reply::json(R"({"error":{"message":"no"}})").status(401));
  const Ended refused = run_program(command(server, {"a"}), in(folder));
  CHECK(refused.status == 1);
  CHECK(refused.out.empty());
  CHECK(refused.err.find("sennit: error: ") == 0);
  const Ended nothing = run_program(command(server, {}), in(folder));
  CHECK(nothing.status == 2);
  CHECK(nothing.err.find("give texts") != std::string::npos);
  const Ended unknown = run_program({"embed", "-m", "nobody/m", "a"}, in(folder));
  CHECK(unknown.status == 2);
  CHECK(unknown.err.find("there is no provider “nobody”") != std::string::npos);
  const Ended absent = run_program(command(server, {"--file", "absent"}), in(folder));
  CHECK(absent.status == 2);
}

TEST_CASE("embed is interrupted by Ctrl-C") {
  const TempDir folder;
  const HttpServer server(Reply::json("{}").stall());
  Program program(command(server, {"a"}), in(folder));
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (server.requests().empty() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  program.signal(SIGINT);
  CHECK(program.wait().status == 128 + SIGINT);
}

}  // namespace
}  // namespace sennit::testing
