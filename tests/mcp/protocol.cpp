#include <sennit/agent/io/error.hpp>
#include <sennit/mcp/protocol/content.hpp>
#include <sennit/mcp/protocol/detection.hpp>
#include <sennit/mcp/protocol/envelope.hpp>
#include <sennit/mcp/protocol/json_rpc.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace sennit;
using namespace sennit::mcp;
using Catch::Matchers::ContainsSubstring;

namespace {

json::object object(std::string_view text) {
  return json::parse(text).as_object();
}

Fault fault_in(std::string_view text) {
  return std::get<Unreadable>(read_message(text)).fault;
}

Answer answer(std::string_view text) {
  return std::get<Answer>(read_message(text));
}

}  // namespace

TEST_CASE("messages are read as what they are, and written as they were read") {
  const std::string text = GENERATE(R"({"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"x"}})",
                                    R"({"jsonrpc":"2.0","id":"seven","method":"ping","params":{}})",
                                    R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}})",
                                    R"({"jsonrpc":"2.0","method":"notifications/initialized"})",
                                    R"({"jsonrpc":"2.0","id":1,"result":{"tools":[]}})",
                                    R"({"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no","data":{"x":1}}})",
                                    R"({"jsonrpc":"2.0","error":{"code":-32700,"message":"no"}})");
  const mcp::Message message = read_message(text);
  REQUIRE_FALSE(std::holds_alternative<Unreadable>(message));
  const std::string written = std::visit(
      [](const auto& one) -> std::string {
        if constexpr (std::is_same_v<std::decay_t<decltype(one)>, Unreadable>) {
          return "";
        } else {
          return write_message(one);
        }
      },
      message);
  CHECK(written == text);
  CHECK(read_message(written) == message);
}

TEST_CASE("what is no message says why, and whom to tell") {
  CHECK(fault_in("").code == code::kParse);
  CHECK(fault_in("Listening on 3000").code == code::kParse);
  CHECK(fault_in(std::string(100'000, '[')).code == code::kParse);
  CHECK(fault_in("{\"jsonrpc\":\"2.0\",\"method\":\"\xff\"}").code == code::kParse);
  CHECK(fault_in(std::string(kMaxMessage + 1, ' ')).code == code::kParse);
  for (const char* text :
       {"[]", "7", "null", R"({"id":1,"method":"x"})", R"({"jsonrpc":"1.0","id":1,"method":"x"})",
        R"({"jsonrpc":"2.0","id":1})", R"({"jsonrpc":"2.0","id":1,"result":7})", R"({"jsonrpc":"2.0","result":{}})",
        R"({"jsonrpc":"2.0","id":null,"method":"x"})", R"({"jsonrpc":"2.0","id":1.5,"method":"x"})",
        R"({"jsonrpc":"2.0","id":1,"method":7})", R"({"jsonrpc":"2.0","id":1,"method":"x","params":[]})",
        R"({"jsonrpc":"2.0","id":1,"error":{"message":"no code"}})"}) {
    CAPTURE(text);
    CHECK(fault_in(text).code == code::kInvalidRequest);
  }
  CHECK(std::get<Unreadable>(read_message(std::string_view(R"({"jsonrpc":"2.0","id":"a","method":7})"))).id == Id("a"));
}

TEST_CASE("a batch is its messages, and has a bound") {
  const auto batch = read_messages(R"([{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0","id":1,"result":{}},7])");
  REQUIRE(batch.size() == 3);
  CHECK(std::holds_alternative<Notification>(batch[0]));
  CHECK(std::holds_alternative<Answer>(batch[1]));
  CHECK(std::holds_alternative<Unreadable>(batch[2]));
  std::string many = "[0";
  for (std::size_t i = 0; i < kMaxBatch; ++i) many += ",0";
  CHECK(read_messages(many + "]").size() == 1);
  CHECK(std::holds_alternative<Unreadable>(read_messages("[]").at(0)));
}

TEST_CASE("a modern server is known by what no other says") {
  using Verdict = Discovery::Verdict;
  const auto judge = [](std::string_view outcome) {
    return judge_discovery(answer(R"({"jsonrpc":"2.0","id":1,)" + std::string(outcome) + "}"));
  };
  const Discovery modern = judge(
      R"("result":{"supportedVersions":["2027-01-01","2026-07-28"],"capabilities":{"tools":{}},"instructions":"Be kind",
          "_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}}})");
  CHECK(modern.verdict == Verdict::modern);
  CHECK(modern.facts.version == "2026-07-28");
  CHECK(modern.facts.has("tools"));
  CHECK(modern.facts.name == "s");
  CHECK(modern.facts.instructions == "Be kind");
  CHECK(judge(R"("error":{"code":-32022,"message":"","data":{"supported":["2026-07-28"]}})").verdict ==
        Verdict::needs_other);
  CHECK(judge(R"("error":{"code":-32022,"message":"","data":{"supported":["2025-11-25"]}})").verdict ==
        Verdict::legacy);
  const Discovery future = judge(R"("error":{"code":-32022,"message":"","data":{"supported":["2030-01-01"]}})");
  CHECK(future.verdict == Verdict::no_version);
  CHECK_THAT(future.why, ContainsSubstring("2030-01-01"));
  CHECK(judge(R"("error":{"code":-32021,"message":"needs sampling"})").verdict == Verdict::no_version);
  for (const char* legacy :
       {R"("error":{"code":-32601,"message":"Method not found"})", R"("error":{"code":-32600,"message":"initialize"})",
        R"("error":{"code":-32602,"message":""})", R"("error":{"code":-1,"message":""})", R"("result":{})",
        R"("result":{"tools":[]})"}) {
    CHECK(judge(legacy).verdict == Verdict::legacy);
  }
}

TEST_CASE("the handshake's answer must name a version that we speak") {
  const ServerFacts facts = read_initialize(
      object(R"({"protocolVersion":"2025-03-26","capabilities":{"prompts":{}},"serverInfo":{"name":"old"}})"));
  CHECK(facts.era == Era::legacy);
  CHECK(facts.version == "2025-03-26");
  CHECK(facts.name == "old");
  for (const char* bad : {R"({})", R"({"protocolVersion":"1999-01-01"})", R"({"protocolVersion":"2026-07-28"})",
                          R"({"protocolVersion":7})"}) {
    CHECK_THROWS_AS(read_initialize(object(bad)), Error);
  }
}

TEST_CASE("results say what kind they are") {
  CHECK(result_kind(object("{}")) == ResultKind::complete);
  CHECK(result_kind(object(R"({"resultType":"complete"})")) == ResultKind::complete);
  CHECK(result_kind(object(R"({"resultType":"input_required"})")) == ResultKind::input_required);
  CHECK(result_kind(object(R"({"resultType":"task"})")) == ResultKind::other);
  CHECK(result_kind(object(R"({"resultType":7})")) == ResultKind::other);
}

TEST_CASE("the envelope keeps what stands in _meta, and tells the version") {
  json::object params = object(R"({"name":"x","_meta":{"progressToken":3}})");
  add_envelope(params, kModernVersion, object(R"({"sampling":{}})"));
  CHECK(version_in(params) == kModernVersion);
  const json::object& about = params.at("_meta").as_object();
  CHECK(about.at("progressToken") == 3);
  CHECK(about.at("io.modelcontextprotocol/clientCapabilities") == object(R"({"sampling":{}})"));
  CHECK(about.at("io.modelcontextprotocol/clientInfo").at("name") == "sennit");
  CHECK(version_in(object("{}")).empty());
  CHECK(version_in(object(R"({"_meta":7})")).empty());
}

TEST_CASE("values that a header cannot carry are encoded, and come back") {
  for (const std::string& value :
       std::vector<std::string>{"plain", "two words", "", " leading", "trailing ", "\ttab", "Grüße", "line\nbreak",
                                "=?base64?eA==?=", "a,b;c=\"d\"", std::string("nul\0byte", 8)}) {
    const std::string encoded = encode_header(value);
    CAPTURE(value, encoded);
    for (const char c : encoded) CHECK((c >= ' ' && c <= '~'));
    CHECK(decode_header(encoded) == value);
  }
  CHECK(encode_header("plain") == "plain");
  CHECK(encode_header("two words") == "two words");
  CHECK_FALSE(decode_header("=?base64?!!!?=").has_value());
}

TEST_CASE("which header repeats which argument") {
  const json::object schema = object(
      R"({"type":"object","properties":{
            "region":{"type":"string","x-mcp-header":"Region"},
            "deep":{"type":"object","properties":{"level":{"type":"integer","x-mcp-header":"Level"}}},
            "dry":{"type":"boolean","x-mcp-header":"Dry-Run"}, "other":{"type":"string"}}})");
  const auto found = header_parameters(schema);
  REQUIRE(found);
  REQUIRE(found->size() == 3);
  const json::object arguments = object(R"({"region":"Köln","deep":{"level":42},"dry":false,"other":"x"})");
  CHECK(header_value((*found)[0], arguments) == encode_header("Köln"));
  CHECK(header_value((*found)[1], arguments) == "42");
  CHECK(header_value((*found)[2], arguments) == "false");
  CHECK_FALSE(header_value((*found)[1], object(R"({"deep":7})")).has_value());
  CHECK_FALSE(header_value((*found)[0], object(R"({"region":null})")).has_value());
  CHECK_FALSE(header_value((*found)[1], object(R"({"deep":{"level":9007199254740993}})")).has_value());
}

TEST_CASE("a tool whose headers are not allowed is not to be used") {
  const std::string schema = GENERATE(
      R"({"properties":{"a":{"type":"string","x-mcp-header":""}}})",
      R"({"properties":{"a":{"type":"string","x-mcp-header":"two words"}}})",
      R"({"properties":{"a":{"type":"string","x-mcp-header":"a:b"}}})",
      R"({"properties":{"a":{"type":"string","x-mcp-header":7}}})",
      R"({"properties":{"a":{"type":"object","x-mcp-header":"A"}}})",
      R"({"properties":{"a":{"type":"number","x-mcp-header":"A"}}})", R"({"properties":{"a":{"x-mcp-header":"A"}}})",
      R"({"properties":{"a":{"type":"string","x-mcp-header":"A"},"b":{"type":"string","x-mcp-header":"a"}}})",
      R"({"x-mcp-header":"A","type":"string"})",
      R"({"properties":{"a":{"type":"array","items":{"type":"string","x-mcp-header":"A"}}}})",
      R"({"oneOf":[{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}]})",
      R"({"$defs":{"d":{"type":"string","x-mcp-header":"A"}}})");
  CAPTURE(schema);
  std::string why;
  CHECK_FALSE(header_parameters(object(schema), &why).has_value());
  CHECK_THAT(why, ContainsSubstring("x-mcp-header"));
}

TEST_CASE("a result reads as text") {
  CHECK(describe_result(object(
            R"({"content":[{"type":"text","text":"a"},{"type":"image","data":"AAAA","mimeType":"image/png"},
                {"type":"resource_link","uri":"x://y","name":"Y"},
                {"type":"resource","resource":{"uri":"x://z","text":"Z"}},{"type":"odd"}]})")) ==
        "a\n[image/png, 3 bytes]\n[resource x://y] Y\n[x://z]\nZ\n[content of the unknown type 'odd']");
  CHECK(describe_result(object(R"({"structuredContent":[1,2]})")) == "[1,2]");
  CHECK(describe_result(object(R"({"content":[{"type":"text","text":"{}"}],"structuredContent":{}})")) == "{}");
  CHECK(describe_result(object("{}")).empty());
}
