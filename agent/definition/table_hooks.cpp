// The part of the format that says who is asked before something happens, and what text has to pass.
#include <sennit/agent/definition/bind.hpp>
#include <sennit/agent/definition/reader.hpp>

#include <fmt/format.h>
#include <re2/re2.h>

namespace sennit::format {
namespace {

using Kind = Shape::Kind;

constexpr double kHour = 3'600'000;

Shape words() {
  return list_of(some_text());
}

bool is_regular_expression(std::string_view text) {
  re2::RE2::Options quiet;
  quiet.set_log_errors(false);
  return !text.empty() && re2::RE2(re2::StringPiece(text.data(), text.size()), quiet).ok();
}

void check_hook(Reader& reader, const CheckedMap& map) {
  const json::value* const run = map.value.if_contains("run");
  if (run != nullptr && run->as_array().empty()) {
    reader.error(map.node.find("run")->at, fmt::format("`{}.run` is empty: name the program", map.path));
  }
}

void check_guardrail(Reader& reader, const CheckedMap& map) {
  if ((map.node.find("pattern") == nullptr) == (map.node.find("run") == nullptr)) {
    reader.error(map.node.at, fmt::format("`{}`: it needs either `pattern` or `run`", map.path));
  }
  if (map.has("run") && map.text("action") == "redact") {
    reader.error(map.node.at, fmt::format("`{}`: a command cannot redact; `redact` needs a `pattern`", map.path));
  }
}

}  // namespace

const Table& table_of(const HookSpec* /*tag*/) {
  static const Table kTable{
      "hooks[]",
      "A command that is asked at some points of a run. It gets one JSON object on its standard input and gives one on "
      "its standard output; it can block, change and annotate. See [hooks.md](hooks.md).",
      {
          field<&HookSpec::run>("run", words(), "The program and its arguments, one a list entry.").needed(),
          field<&HookSpec::on>("on", texts(one_of({"before_model", "after_model", "before_tool", "after_tool"})),
                               "When it is asked.")
              .needed(),
          field<&HookSpec::tools>("tools", text(), "Of which tools' calls: a name, `*` stands for any characters."),
          field<&HookSpec::env>("env", map_of(text().with_references()), "Its environment, beside PATH and HOME."),
          field<&HookSpec::timeout>("timeout", plain(Kind::duration).between(1, kHour), "For one answer."),
          field<&HookSpec::required>("required", plain(Kind::boolean),
                                     "Where it fails, what it was asked about does not happen; false: it goes on."),
      },
      {{"command", "run"}, {"event", "on"}, {"matcher", "tools"}},
      &check_hook};
  return kTable;
}

const Table& table_of(const GuardrailSettings* /*tag*/) {
  static const Table kTable{
      "guardrails",
      "What text has to pass before the model sees it (`input`), or the person (`output`). Text is held back until it "
      "has passed: nothing is shown first and refused later.",
      {
          field<&GuardrailSettings::input>("input",
                                           list_of(map_with(table_of(static_cast<const GuardrailSpec*>(nullptr)))),
                                           "What the person says."),
          field<&GuardrailSettings::output>("output",
                                            list_of(map_with(table_of(static_cast<const GuardrailSpec*>(nullptr)))),
                                            "What the model says."),
          field<&GuardrailSettings::window>("window", plain(Kind::integer).between(0, 1 << 20),
                                            "Bytes of the answer that are held back at a time; 0: all of it."),
      },
      {},
      nullptr};
  return kTable;
}

const Table& table_of(const GuardrailSpec* /*tag*/) {
  static const Table kTable{
      "guardrails.input[]",
      "One thing that text has to pass; the same for `guardrails.output[]`. Either a pattern that it must not hold, or "
      "a "
      "command that gets `{\"text\": …}` and answers `{\"pass\": true}` or `{\"pass\": false, \"reason\": …}`.",
      {
          field<&GuardrailSpec::name>("name", text(), "For people."),
          field<&GuardrailSpec::pattern>("pattern",
                                         text_that(&is_regular_expression, "\\S", "a regular expression (RE2)"),
                                         "A regular expression that must match nowhere."),
          field<&GuardrailSpec::run>("run", words(), "A program and its arguments."),
          field<&GuardrailSpec::action>("action", one_of({"refuse", "redact"}),
                                        "`refuse` ends the run, `redact` puts *** in the place of what matched."),
          field<&GuardrailSpec::say>("say", prose(), "Said to the person where it refuses."),
          field<&GuardrailSpec::timeout>("timeout", plain(Kind::duration).between(1, kHour), "For a command's answer."),
      },
      {{"regex", "pattern"}, {"command", "run"}},
      &check_guardrail};
  return kTable;
}

}  // namespace sennit::format
