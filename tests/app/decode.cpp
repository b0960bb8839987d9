// `sennit decode` as a person calls it.
#include "support/fixtures.hpp"
#include <sennit/agent/io/json.hpp>

#include <catch2/catch_test_macros.hpp>
#include <sys/wait.h>

#include <array>
#include <cstdio>

namespace sennit::testing {
namespace {

struct Said {
  int exit_code = -1;
  std::string out;  ///< both outputs, in their order
};

Said sennit(const std::string& arguments) {
  Said said;
  FILE* const pipe = ::popen((std::string(SENNIT_PROGRAM " ") + arguments + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 4096> piece{};
  for (std::size_t size = 0; (size = std::fread(piece.data(), 1, piece.size(), pipe)) > 0;) {
    said.out.append(piece.data(), size);
  }
  const int status = ::pclose(pipe);
  said.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return said;
}

constexpr std::string_view kThinking =
    "data: {\"choices\":[{\"delta\":{\"content\":\"<think>hm</think>\\n\\nyes\"},\"finish_reason\":\"stop\"}]}\n\n"
    "data: [DONE]\n\n";

TEST_CASE("decode prints one JSON object for a recorded stream") {
  const TempDir folder;
  const Said said = sennit("decode --api chat-completions " + folder.write("a.sse", kThinking).string());
  CHECK(said.exit_code == 0);
  CHECK(
      said.out ==
      R"({"text":"<think>hm</think>\n\nyes","reasoning":"","refusal":null,"tool_calls":[],"finish_reason":"stop",)"
      R"("finish_detail":null,"usage":{"input":null,"output":null,"cached_input":null,"reasoning":null},"error":null})"
      "\n");
}

TEST_CASE("decode splits think tags where asked, with and without the opening one") {
  const TempDir folder;
  for (const std::string_view body :
       {kThinking, std::string_view("data: {\"choices\":[{\"delta\":{\"content\":\"hm</think>yes\"}}]}\n\n")}) {
    const Said said = sennit("decode --split-think " + folder.write("a.sse", body).string());
    const std::optional<json::value> read = parse_json(said.out);
    REQUIRE(read);
    CHECK(find_string(*read, "text") == "yes");
    CHECK(find_string(*read, "reasoning") == "hm");
  }
}

TEST_CASE("decode takes the HTTP status and the framing from the command line and the name") {
  const TempDir folder;
  const Said refused =
      sennit("decode --status 429 " + folder.write("a.json", R"({"error":{"message":"slow"}})").string());
  CHECK(refused.out.find(R"("error":{"status":429,"type":null,"message":"slow"})") != std::string::npos);
  const Said lines =
      sennit("decode " + folder.write("a.ndjson", "{\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n").string());
  CHECK(lines.out.find(R"("text":"x")") != std::string::npos);
}

TEST_CASE("decode says so where it recognised nothing, and prints the empty answer all the same") {
  const TempDir folder;
  for (const char* name : {"a.md", "a.sse", "a.ndjson", "a.json"}) {
    for (const char* body : {"", "# Notes\n\nSome words.\n"}) {
      INFO(name << ": " << body);
      const Said said = sennit("decode " + folder.write(name, body).string());
      CHECK(said.exit_code == 0);
      CHECK(said.out.starts_with(R"({"text":"","reasoning":"",)"));
      CHECK(said.out.find(std::string(name) + ": nothing in it was recognised") != std::string::npos);
    }
  }
}

TEST_CASE("decode says what is wrong with its arguments") {
  const Said unknown = sennit("decode --api smoke-signals x.sse");
  CHECK(unknown.exit_code == 1);
  CHECK(unknown.out.find("known: chat-completions") != std::string::npos);
  const Said missing = sennit("decode /no/such/file.sse");
  CHECK(missing.exit_code == 1);
  CHECK(missing.out.find("/no/such/file.sse") != std::string::npos);
  CHECK(sennit("decode").exit_code != 0);
  CHECK(sennit("decode --status 9 x.sse").exit_code != 0);
}

}  // namespace
}  // namespace sennit::testing
