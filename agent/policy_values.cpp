#include <sennit/agent/policy_values.hpp>
#include <sennit/agent/spelling.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace sennit {
namespace {

using Values = std::vector<PolicyValue>;
using State = PolicyValue::State;

constexpr std::size_t kLongestPath = 4'096;  // bytes: no system opens a longer one, and a pattern's work grows with it

std::string text_of(const json::value& value) {
  if (const json::string* text = value.if_string()) return std::string(*text);
  return json::serialize(value);
}

void collect(const json::value& value, std::string_view rest, Values& values);

void collect(const json::object& within, std::string_view name, Values& values) {
  const std::size_t dot = name.find('.');
  const json::value* const at = within.if_contains(name.substr(0, dot));
  if (at == nullptr) {
    values.push_back({.state = State::absent});
  } else {
    collect(*at, dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1), values);
  }
}

/// `rest` is the way that is left from the value on.
void collect(const json::value& value, std::string_view rest, Values& values) {
  if (const json::array* list = value.if_array()) {
    for (const json::value& element : *list) collect(element, rest, values);
  } else if (rest.empty()) {
    values.push_back({.text = text_of(value)});
  } else if (const json::object* within = value.if_object()) {
    collect(*within, rest, values);
  } else {
    values.push_back({.state = value.is_null() ? State::absent : State::unreadable});
  }
}

bool is_absent(const PolicyValue& value) {
  return value.state == State::absent;
}

/// A host that no argument names, or names beside it, is that of the URL.
void add_hosts_of_urls(const PolicyQuestion& question, std::string_view name, Values& values) {
  Values urls;
  collect(question.arguments, std::string(name.substr(0, name.size() - kind_of(name).size())) + "url", urls);
  if (std::all_of(urls.begin(), urls.end(), is_absent)) return;
  for (PolicyValue& url : urls) {
    if (url.state == State::readable) url.text = host_of_url(url.text);
  }
  if (std::all_of(values.begin(), values.end(), is_absent)) values.clear();
  std::move(urls.begin(), urls.end(), std::back_inserter(values));
}

/// A list may be several commands, or the words of one.
void add_command_of_words(Values& values) {
  if (values.size() < 2) return;
  std::string line;
  for (const PolicyValue& word : values) line.append(line.empty() ? "" : " ").append(word.text);
  values.push_back({.text = std::move(line)});
}

Values of_arguments(const PolicyQuestion& question, std::string_view name) {
  const std::string_view kind = kind_of(name);
  Values values;
  collect(question.arguments, name, values);
  if (kind == "command") add_command_of_words(values);
  for (PolicyValue& value : values) {
    if (kind == "path") value.text = spelt_path(value.text);
    value.script = kind == "command";  // nobody says who reads it
  }
  if (kind == "host") add_hosts_of_urls(question, name, values);
  return values;
}

Values of_facets(const PolicyQuestion& question, std::string_view name) {
  Values values;
  bool script = false;
  for (const Facet& facet : question.facets) {
    if (facet.name == name) {
      values.push_back({.text = facet.value, .fixed = question.tool.facets.contains("=" + facet.value)});
    } else if (name == "path" && facet.name == "absolute" && !values.empty()) {
      values.back().absolute.push_back(facet.value);
    }
    script = script || facet.name == "script";
  }
  for (PolicyValue& value : values) value.script = script;
  return values;
}

void settle(PolicyValue& value, std::string_view kind) {
  bool readable = true;
  if (kind == "path") readable = value.text.size() <= kLongestPath;
  if (kind == "host") {
    value.text = spelt_host(value.text);
    readable = value.text != kUnknownHost;
  }
  if (kind == "url") {
    std::optional<std::string> spelt = spelt_url(value.text);
    readable = spelt.has_value();
    if (spelt) value.text = std::move(*spelt);
  }
  if (!readable) value.state = State::unreadable;
}

}  // namespace

std::string_view kind_of(std::string_view name) {
  return name.substr(name.rfind('.') + 1);
}

std::vector<PolicyValue> values_of(const PolicyQuestion& question, std::string_view name) {
  Values values = of_facets(question, name);
  if (values.empty()) values = of_arguments(question, name);
  if (values.empty()) values.push_back({.state = State::absent});
  for (PolicyValue& value : values) {
    if (value.state == State::readable) settle(value, kind_of(name));
  }
  return values;
}

}  // namespace sennit
