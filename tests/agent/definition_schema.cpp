#include <sennit/agent/definition.hpp>
#include <sennit/agent/definition/shape.hpp>
#include <sennit/agent/schema/validate.hpp>

#include <catch2/catch_test_macros.hpp>
#include <support/fixtures.hpp>

namespace sennit {
namespace {

TEST_CASE("the reference in the repository is the one that the table makes") {
  // Run `sennit schema --markdown > docs/agents.md` after a change of the format.
  CHECK(testing::read_file(SENNIT_SOURCE_DIR "/docs/agents.md") == definition_reference());
}

TEST_CASE("the schema beside the examples is the one that the table makes") {
  // Run `sennit schema > examples/sennit.schema.json` after a change of the format.
  const auto kept = parse_json(testing::read_file(SENNIT_SOURCE_DIR "/examples/sennit.schema.json"));
  REQUIRE(kept);
  CHECK(*kept == json::value(definition_schema()));
}

TEST_CASE("the schema is a valid one and agrees with the parser") {
  const Validator validator(definition_schema());
  const auto valid = [&](std::string_view text) {
    const auto value = parse_json(text);
    REQUIRE(value);
    INFO(text << " -> " << describe(validator.check(*value), "file"));
    // JSON is YAML: the same text goes to both.
    const bool parsed = parse_definition(text).ok();
    const bool schema = validator.check(*value).empty();
    CHECK(parsed == schema);
    return parsed && schema;
  };
  CHECK(valid(R"({"sennit": 1})"));
  CHECK(valid(R"({"sennit": 1, "model": "auto", "memory": true, "tools": ["a", {"b": {"c": 1}}, {"d": null}]})"));
  CHECK(valid(R"({"sennit": 1, "model": {"provider": "a", "id": "b", "timeouts": {"idle": "1h30m", "connect": 5}}})"));
  CHECK(valid(R"({"sennit": 1, "agents": ["a.yaml", {"file": "b.yaml"}], "policy": {"ask": "x_*", "deny": ["y"]}})"));
  CHECK(valid(R"({"sennit": 1, "inputs": {"a": null, "b": {"type": "number", "default": 5}}, "system": "Hi."})"));
  CHECK(valid(
      R"({"sennit": 1, "intents": [{"match": "a", "steps": [{"call": "b", "with": {"c": [1, 2]}}], "say": "d"}]})"));
  CHECK_FALSE(valid(R"({})"));
  CHECK_FALSE(valid(R"({"sennit": 2})"));
  CHECK_FALSE(valid(R"({"sennit": "1"})"));
  CHECK_FALSE(valid(R"({"sennit": 1, "nmae": "x"})"));
  CHECK_FALSE(valid(R"({"sennit": 1, "name": "a b"})"));
  CHECK_FALSE(valid(R"({"sennit": 1, "model": {"name": "a/b", "timeouts": {"idle": "soon"}}})"));
  CHECK_FALSE(valid(R"({"sennit": 1, "model": {"name": "a/b", "timeouts": {"idle": 100000}}})"));
  CHECK_FALSE(valid(R"({"sennit": 1, "model": {"name": "a/b", "options": {"temperature": 3}}})"));
  CHECK_FALSE(valid(R"({"sennit": 1, "limits": {"steps": 0}})"));
  CHECK_FALSE(valid(R"({"sennit": 1, "memory": {"recall": "no"}})"));
  CHECK_FALSE(valid(R"({"sennit": 1, "tools": [{"a": {}, "b": {}}]})"));
  CHECK_FALSE(valid(R"({"sennit": 1, "intents": [{"say": "x"}]})"));
}

TEST_CASE("every key says what it means") {
  for (const format::Table* table : format::all_tables()) {
    CHECK(table->about.size() > 20);
    for (const format::Field& field : table->fields) {
      INFO(table->path << "." << field.key);
      CHECK(field.about.size() > 10);
      CHECK(field.about.back() == '.');
    }
  }
}

TEST_CASE("the words that lead from other formats lead to keys that exist") {
  for (const format::Table* table : format::all_tables()) {
    for (const auto& [word, ours] : table->foreign) {
      INFO(word << " -> " << ours);
      CHECK(table->find(word) == nullptr);
      const std::size_t dot = ours.find('.');
      if (dot == std::string_view::npos) {
        CHECK(table->find(ours) != nullptr);
      } else {
        const format::Field* const field = table->find(ours.substr(0, dot));
        REQUIRE(field != nullptr);
        const format::Shape& shape =
            field->shape.kind == format::Shape::Kind::either ? field->shape.parts[1] : field->shape;
        REQUIRE(shape.table != nullptr);
        CHECK(shape.table->find(ours.substr(dot + 1)) != nullptr);
      }
    }
  }
}

TEST_CASE("durations are read and shown") {
  using namespace std::chrono_literals;
  CHECK(format::parse_duration("1h30m") == 90min);
  CHECK(format::parse_duration("250ms") == 250ms);
  CHECK(format::parse_duration("2d") == 48h);
  CHECK(format::parse_duration("1.5s") == 1500ms);
  CHECK(format::parse_duration("90") == 90s);
  CHECK(format::parse_duration("0") == 0ms);
  for (const char* wrong : {"", "s", "5 s", "5x", "h5", "5m3", "-5s", "1e30", "5ss", "..s", "1..5s", "inf", "nan"}) {
    INFO(wrong);
    CHECK_FALSE(format::parse_duration(wrong));
  }
  CHECK(format::show_duration(90min) == "1h30m");
  CHECK(format::show_duration(1500ms) == "1s500ms");
  CHECK(format::show_duration(0ms) == "0");
}

TEST_CASE("sizes are read and shown") {
  CHECK(format::parse_bytes("1000") == 1000);
  CHECK(format::parse_bytes("512M") == 512 << 20);
  CHECK(format::parse_bytes("64KiB") == 64 << 10);
  CHECK(format::parse_bytes("2GB") == 2LL << 30);
  for (const char* wrong : {"", "M", "5 M", "-5M", "1.5G", "2GG", "2iB", "9999999999T", "1e9", "0x1"}) {
    INFO(wrong);
    CHECK_FALSE(format::parse_bytes(wrong));
  }
  CHECK(format::show_bytes(2LL << 30) == "2G");
  CHECK(format::show_bytes(1536 << 10) == "1536K");
  CHECK(format::show_bytes(1000) == "1000");
  CHECK(format::show_bytes(0) == "0");
}

}  // namespace
}  // namespace sennit
