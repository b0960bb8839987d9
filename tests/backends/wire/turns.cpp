// Names, ids and arguments in the form that servers accept.
#include "backends/wire/asked.hpp"
#include <sennit/backends/wire/turns.hpp>

namespace sennit::testing {
namespace {

TEST_CASE("ids that servers refuse are renamed, each to the same name every time") {
  CHECK(wire_call_id("toolu_01-A") == "toolu_01-A");
  CHECK(wire_call_id(std::string(64, 'a')) == std::string(64, 'a'));
  CHECK(wire_call_id("") == "call_cbf29ce484222325");
  CHECK(wire_call_id("a") == "a");
  CHECK(wire_call_id("functions.add:0") == wire_call_id("functions.add:0"));
  CHECK(wire_call_id("functions.add:0") != wire_call_id("functions.add:1"));
  CHECK(wire_call_id("functions.add:0").starts_with("call_"));
  CHECK(wire_call_id("functions.add:0", ":.") == "functions.add:0");
  CHECK(wire_call_id(std::string(65, 'a'), ":.").size() == 21);
}

TEST_CASE("arguments are an object as the model wrote it, or one that holds what it wrote") {
  const auto object = [](std::string_view arguments) {
    std::string out;
    append_wire_arguments(out, arguments);
    return out;
  };
  CHECK(object(R"({"a": 1.50, "b": 12345678901234567890123})") == R"({"a": 1.50, "b": 12345678901234567890123})");
  CHECK(object(" \n") == "{}");
  CHECK(object("[1]") == R"({"invalid_arguments":"[1]"})");
  CHECK(object("{\"a\": ") == R"({"invalid_arguments":"{\"a\": "})");
  CHECK(object(R"({"a": NaN})") == R"({"a":null})");
}

TEST_CASE("only what the system says before anybody else belongs to the instructions") {
  CHECK(leading_system({}) == 0);
  const std::vector<Message> messages = {{Role::system, {}}, {Role::system, {}}, {Role::user, {}}, {Role::system, {}}};
  CHECK(leading_system(messages) == 2);
  CHECK(leading_system(std::span(messages).first(2)) == 2);
}

TEST_CASE("two texts stand a line apart, one stands alone") {
  CHECK(in_paragraphs("a", "b") == "a\n\nb");
  CHECK(in_paragraphs("a", "") == "a");
  CHECK(in_paragraphs("", "b") == "b");
}

}  // namespace
}  // namespace sennit::testing
