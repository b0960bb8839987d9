#include <sennit/agent/io/egress_hosts.hpp>
#include <sennit/agent/policy_match.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

namespace sennit {
namespace {

constexpr std::string_view kUnknownHost = "?";  // of a URL that cannot be read: see Tool::facets

std::string text_of(const json::value& value) {
  if (const json::string* text = value.if_string()) return std::string(*text);
  return json::serialize(value);
}

std::string_view trimmed_left(std::string_view text) {
  const std::size_t start = text.find_first_not_of(' ');
  return start == std::string_view::npos ? std::string_view() : text.substr(start);
}

std::optional<double> number_of(std::string_view text) {
  text = trimmed_left(text);
  double number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// A comparison of numbers: "<= 50".
struct Comparison {
  std::string_view how;
  double with = 0;

  [[nodiscard]] bool holds(double value) const {
    if (how == "<=") return value <= with;
    if (how == ">=") return value >= with;
    if (how == "<") return value < with;
    if (how == ">") return value > with;
    return value == with;
  }
};

std::optional<Comparison> comparison_of(std::string_view pattern) {
  for (const std::string_view how : {"<=", ">=", "==", "<", ">", "="}) {
    if (!pattern.starts_with(how)) continue;
    const auto number = number_of(pattern.substr(how.size()));
    if (number) return Comparison{how, *number};
    return std::nullopt;
  }
  return std::nullopt;
}

/// Whether a line for a shell may be more than the one command that it begins with.
bool is_compound(std::string_view script) {
  return script.find_first_of(";|&`$<>(){}\n\r\\") != std::string_view::npos;
}

bool matches(std::string_view facet, std::string_view pattern, std::string_view value, Reading reading) {
  if (const auto comparison = comparison_of(pattern)) {
    const auto number = number_of(value);
    return number ? comparison->holds(*number) : reading == Reading::restricting;
  }
  if (facet == "path") return matches_path(pattern, value);
  if (facet == "host") {
    if (value == kUnknownHost) return reading == Reading::restricting;
    return matches_pattern(one_spelling(pattern), one_spelling(value));
  }
  return matches_pattern(pattern, value);
}

/// `value` is one thing: as it is called, and, for patterns from the root on, its absolute spellings.
bool fits(std::string_view facet, const std::vector<std::string>& patterns, const std::vector<std::string>& value,
          Reading reading) {
  const auto matched_by = [&](std::string_view pattern, Reading how) {
    const auto end = pattern.starts_with('/') ? value.end() : value.begin() + 1;
    return std::any_of(value.begin(), end,
                       [&](const std::string& spelling) { return matches(facet, pattern, spelling, how); });
  };
  bool has_plain = false;
  bool matched = false;
  for (const std::string_view pattern : patterns) {
    if (pattern.starts_with('!')) {
      // What cannot be judged never makes a rule laxer.
      const Reading other = reading == Reading::relaxing ? Reading::restricting : Reading::relaxing;
      if (matched_by(pattern.substr(1), other)) return false;
      continue;
    }
    has_plain = true;
    matched = matched || matched_by(pattern, reading);
  }
  return matched || !has_plain;
}

/// Of a condition on a value that the call does not give. A number that is not there is not shown to be small, and one
/// that must not be something is not shown to be something else; a pattern does not fit what is not there.
bool holds_of_nothing(const std::vector<std::string>& patterns) {
  const auto negated = [](std::string_view pattern) { return pattern.starts_with('!'); };
  const auto compared = [](std::string_view pattern) { return comparison_of(pattern).has_value(); };
  return std::any_of(patterns.begin(), patterns.end(), compared) ||
         std::all_of(patterns.begin(), patterns.end(), negated);
}

/// The values of a facet. A path, seen from the agent's folder, is followed by its absolute spellings ("absolute").
std::vector<std::vector<std::string>> spelt_values(const PolicyQuestion& question, std::string_view name) {
  std::vector<std::vector<std::string>> values;
  for (std::string& value : values_of(question, name)) values.push_back({std::move(value)});
  if (name != "path") return values;
  std::size_t seen = 0;
  for (const Facet& facet : question.facets) {
    if (facet.name == "path") ++seen;
    if (facet.name == "absolute" && seen > 0) values[seen - 1].push_back(facet.value);
  }
  return values;
}

bool condition_holds(std::string_view facet, const std::vector<std::string>& patterns, const PolicyQuestion& question,
                     Reading reading) {
  const std::vector<std::vector<std::string>> values = spelt_values(question, facet);
  const auto fit = [&](const std::vector<std::string>& value) { return fits(facet, patterns, value, reading); };
  if (reading == Reading::restricting) {
    return values.empty() ? holds_of_nothing(patterns) : std::any_of(values.begin(), values.end(), fit);
  }
  if (values.empty() || !std::all_of(values.begin(), values.end(), fit)) return false;
  const bool script = facet == "command" && !values_of(question, "script").empty();
  return !script ||
         std::none_of(values.begin(), values.end(), [](const auto& value) { return is_compound(value.front()); });
}

/// Whether a path pattern fits, in |pattern| * |path| steps: `fits[i]` says whether what was read of the pattern fits
/// the first i characters.
bool matches_whole(std::string_view pattern, std::string_view path) {
  std::vector<bool> fits(path.size() + 1, false);
  fits[0] = true;
  const auto take = [&](char wanted) {
    for (std::size_t i = path.size(); i > 0; --i) fits[i] = fits[i - 1] && path[i - 1] == wanted;
    fits[0] = false;
  };
  while (!pattern.empty()) {
    if (pattern.front() != '*') {
      take(pattern.front());
      pattern.remove_prefix(1);
      continue;
    }
    const bool deep = pattern.starts_with("**");
    pattern.remove_prefix(deep ? 2 : 1);
    const std::vector<bool> before = fits;
    for (std::size_t i = 1; i <= path.size(); ++i) {
      if (fits[i - 1] && (deep || path[i - 1] != '/')) fits[i] = true;
    }
    if (!deep || !pattern.starts_with('/')) continue;
    take('/');  // `**/` may also stand for no folder at all
    for (std::size_t i = 0; i <= path.size(); ++i) fits[i] = fits[i] || before[i];
    pattern.remove_prefix(1);
  }
  return fits[path.size()];
}

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view name) noexcept {
  // Greedy with one point of return: linear in practice, never worse than |pattern| * |name|.
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool matches_path(std::string_view pattern, std::string_view path) {
  if (pattern.starts_with("./")) pattern.remove_prefix(2);
  if (pattern.find('/') == std::string_view::npos) {
    if (pattern == "**") return true;
    const std::size_t slash = path.find_last_of('/');
    return matches_whole(pattern, slash == std::string_view::npos ? path : path.substr(slash + 1));
  }
  if (pattern.ends_with('/')) return matches_whole(std::string(pattern) + "**", path);
  if (pattern.ends_with("/**") && matches_whole(pattern.substr(0, pattern.size() - 3), path)) return true;
  return matches_whole(pattern, path);
}

std::vector<std::string> values_of(const PolicyQuestion& question, std::string_view name) {
  std::vector<std::string> values;
  for (const Facet& facet : question.facets) {
    if (facet.name == name) values.push_back(facet.value);
  }
  if (!values.empty()) return values;
  const json::value* at = nullptr;
  const json::object* within = &question.arguments;
  while (within != nullptr) {
    const std::size_t dot = name.find('.');
    const std::string_view key = name.substr(0, dot);
    at = within->if_contains(key);
    if (at == nullptr || dot == std::string_view::npos) break;
    name.remove_prefix(dot + 1);
    within = at->if_object();
    if (within == nullptr) return values;
  }
  if (at == nullptr) return values;
  if (const json::array* list = at->if_array()) {
    for (const json::value& element : *list) values.push_back(text_of(element));
  } else {
    values.push_back(text_of(*at));
  }
  return values;
}

bool applies(const PolicyRule& rule, const PolicyQuestion& question, Reading reading) {
  if (!matches_pattern(rule.tool, question.tool.description.name)) return false;
  return std::all_of(rule.when.begin(), rule.when.end(), [&](const auto& condition) {
    return condition_holds(condition.first, condition.second, question, reading);
  });
}

const PolicyRule* first_applying(const std::vector<PolicyRule>& rules, const PolicyQuestion& question,
                                 Reading reading) {
  for (const PolicyRule& rule : rules) {
    if (applies(rule, question, reading)) return &rule;
  }
  return nullptr;
}

}  // namespace sennit
