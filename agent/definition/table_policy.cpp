// The part of the format that says what an agent may do.
#include <sennit/agent/definition/bind.hpp>
#include <sennit/agent/definition/reader.hpp>
#include <sennit/agent/policy.hpp>
#include <sennit/agent/spelling.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace sennit::format {
namespace {

using Kind = Shape::Kind;

bool is_tool_pattern(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::ranges::all_of(text, [](char c) { return c == '*' || is_name({&c, 1}); });
}

Shape tool_pattern() {
  return text_that(&is_tool_pattern, "^[A-Za-z0-9_*-]{1,64}$", "the name of a tool (`*` stands for anything)");
}

/// `files_*`, or `files_write: {path: "drafts/**"}`.
Shape rules() {
  Shape shape = texts(either(tool_pattern(), map_of(map_of(texts(some_text())).or_nothing())));
  shape.means = "rules: names of tools (`*` stands for anything) or `name: {facet: patterns}`; one, or a list";
  return shape;
}

Shape verdict() {
  return one_of({"allow", "ask", "deny"});
}

std::vector<const yaml::Node*> one_or_all(const yaml::Node& node) {
  if (node.kind != yaml::Node::Kind::list) return {&node};
  std::vector<const yaml::Node*> all;
  for (const yaml::Node& item : node.items) all.push_back(&item);
  return all;
}

/// One that no host can fit would be a denial that never denies.
void check_hosts(Reader& reader, const yaml::Node& conditions) {
  const yaml::Node* const patterns = conditions.find("host");
  if (patterns == nullptr) return;
  for (const yaml::Node* const pattern : one_or_all(*patterns)) {
    const std::string_view text = pattern->text;
    if (pattern->kind != yaml::Node::Kind::scalar || can_fit_a_host(text.substr(text.starts_with('!') ? 1 : 0)))
      continue;
    reader.error(pattern->at, fmt::format("`host`: no host is {}; ports and schemes are for `url`, international names "
                                          "have their xn-- form, IPv6 stands in brackets",
                                          quote(text)));
  }
}

/// The names of tools in rules with conditions stand as keys, which the shapes do not look at.
void check_rules(Reader& reader, const CheckedMap& map, std::string_view key) {
  const yaml::Node* const list = map.node.find(key);
  if (list == nullptr) return;
  for (const yaml::Node* const entry : one_or_all(*list)) {
    if (entry->kind != yaml::Node::Kind::map) continue;
    for (const yaml::Node& conditions : entry->items) check_hosts(reader, conditions);
    for (const yaml::Key& name : entry->keys) {
      if (is_tool_pattern(name.text)) continue;
      reader.error(name.at, fmt::format("`{}.{}`: {} is no name of a tool; letters, digits, `_`, `-` and `*` are",
                                        map.path, key, quote(name.text)));
    }
  }
}

void check_policy(Reader& reader, const CheckedMap& map) {
  for (const std::string_view key : {"allow", "ask", "deny", "trust", "confidential"}) check_rules(reader, map, key);
}

void check_flow(Reader& reader, const CheckedMap& map) {
  check_rules(reader, map, "steerable");
}

}  // namespace

const Table& table_of(const PolicySettings* /*tag*/) {
  static const Table kTable{
      "policy",
      "Which tools may be called. The strictest match wins: deny, then ask, then allow. A call that no rule matches is "
      "judged by `default`, or, without one, by what the tool declares that it touches: allowed if it only reads, "
      "asked "
      "for otherwise. See [policy.md](policy.md).\n\n"
      "A rule is the name of a tool (`*` stands for any characters: `files_*`), or a name with conditions, all of "
      "which "
      "must hold: `http_get: {host: \"*.example.com\"}`, `files_write: {path: [\"drafts/**\", \"*.tmp\"]}`, "
      "`shell: {command: \"git status*\"}`, `pay: {amount: \"<= 50\"}`. A pattern that begins with `!` holds where it "
      "would not. A condition names what a tool says of its arguments (path, host, url, method, command, amount, "
      "destination) or an argument.",
      {
          field<&PolicySettings::allow>("allow", rules(), "Calls that may be made without asking."),
          field<&PolicySettings::ask>("ask", rules(), "Calls for which the person is asked each time."),
          field<&PolicySettings::deny>("deny", rules(), "Calls that are never made."),
          field<&PolicySettings::fallback>("default", verdict(), "What holds for calls that no rule matches."),
          field<&PolicySettings::flow>("flow", map_with(table_of(static_cast<const FlowSettings*>(nullptr))),
                                       "What holds once text from outside, or private data, is in the conversation."),
          field<&PolicySettings::trust>("trust", rules(), "Calls whose results count as trusted."),
          field<&PolicySettings::confidential>("confidential", rules(), "Calls whose results are private."),
          field<&PolicySettings::unsandboxed>(
              "unsandboxed", plain(Kind::boolean),
              "Whether child programs may run without a sandbox where none is possible; otherwise they are refused."),
      },
      {{"approve", "ask"},
       {"require_approval", "ask"},
       {"block", "deny"},
       {"forbid", "deny"},
       {"auto", "allow"},
       {"otherwise", "default"},
       {"private", "confidential"}},
      &check_policy};
  return kTable;
}

const Table& table_of(const FlowSettings* /*tag*/) {
  static const Table kTable{
      "policy.flow",
      "Text from outside (the web, files, MCP servers) may try to steer the model; private data must not get "
      "everywhere. Both are labelled, and the labels travel with the conversation. These rules make a call stricter, "
      "never laxer.",
      {
          field<&FlowSettings::untrusted>("untrusted", verdict(),
                                          "Text from outside is there, and the call writes, starts programs or pays.")
              .with_default("ask"),
          field<&FlowSettings::confidential>(
              "confidential", verdict(), "Private data is there, and the call leads to a place not permitted for it.")
              .with_default("ask"),
          field<&FlowSettings::both>(
              "both", verdict(),
              "Both are there, and the call leads out, or stores something without its label: the way "
              "data is stolen.")
              .with_default("ask"),
          field<&FlowSettings::steerable>("steerable", rules(),
                                          "Calls that text from outside may cause without asking."),
          field<&FlowSettings::permit>("permit", list_of(map_with(table_of(static_cast<const FlowPermit*>(nullptr)))),
                                       "Private data that may go somewhere."),
      },
      {{"trifecta", "both"}, {"private", "confidential"}, {"allow", "permit"}},
      &check_flow};
  return kTable;
}

const Table& table_of(const FlowPermit* /*tag*/) {
  static const Table kTable{
      "policy.flow.permit[]",
      "Private data that may go to a place.",
      {
          field<&FlowPermit::from>("from", some_text(),
                                   "Where it comes from, as labels say it: `memory:assistant`, `file:*`."),
          field<&FlowPermit::to>("to", some_text(),
                                 "A host, `mcp:SERVER`, or `tool:NAME`; `*` stands for any characters.")
              .needed(),
      },
      {},
      nullptr};
  return kTable;
}

}  // namespace sennit::format

namespace sennit {

ParsedPolicy parse_policy(std::string_view yaml) {
  ParsedPolicy parsed;
  const auto root = yaml::parse(yaml, parsed.diagnostics);
  if (!root) return parsed;
  std::map<std::string, Position, std::less<>> positions;
  format::Reader reader(parsed.diagnostics, positions);
  const format::Table& table = format::table_of(static_cast<const PolicySettings*>(nullptr));
  const json::value value = reader.read(*root, format::map_with(table), "policy");
  format::assign_fields(&parsed.policy, table, value);
  return parsed;
}

}  // namespace sennit
