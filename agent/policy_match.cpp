#include <sennit/agent/policy_command.hpp>
#include <sennit/agent/policy_match.hpp>
#include <sennit/agent/policy_recipient.hpp>
#include <sennit/agent/policy_values.hpp>
#include <sennit/agent/spelling.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

namespace sennit {
namespace {

std::string_view trimmed_left(std::string_view text) {
  const std::size_t start = text.find_first_not_of(' ');
  return start == std::string_view::npos ? std::string_view() : text.substr(start);
}

std::optional<double> number_of(std::string_view text) {
  text = trimmed_left(text);
  double number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
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

/// What climbs out of the folder is allowed by patterns alone that begin like that.
bool climbs(std::string_view path) {
  return path == ".." || path.starts_with("../");
}

/// A pattern from the root on means the absolute spellings as well.
bool fits_path(std::string_view pattern, const PolicyValue& value, Reading reading) {
  const auto fits = [&](const std::string& path) { return matches_path(pattern, path); };
  if (fits(value.text)) return reading == Reading::restricting || !climbs(value.text) || climbs(pattern);
  return pattern.starts_with('/') && std::any_of(value.absolute.begin(), value.absolute.end(), fits);
}

bool matches(std::string_view kind, std::string_view pattern, const PolicyValue& value, Reading reading) {
  if (const auto comparison = comparison_of(pattern)) {
    const auto number = number_of(value.text);
    return number ? comparison->holds(*number) : reading == Reading::restricting;
  }
  if (kind == "path") return fits_path(pattern, value, reading);
  if (kind == "host") return matches_pattern(spelt_host_pattern(pattern), value.text);
  if (kind == "url") return matches_pattern(spelt_url_pattern(pattern), value.text);
  if (kind == "command") return fits_command(pattern, value.text, value.script, reading);
  if (!value.fixed && (kind == "destination" || is_address_pattern(pattern))) {
    return fits_recipients(pattern, value.text, reading);
  }
  return matches_pattern(pattern, value.text);
}

/// Of a condition on a value that the call does not give. A number that is not there is not shown to be small, and one
/// that must not be something is not shown to be something else; a pattern does not fit what is not there.
bool holds_of_nothing(const std::vector<std::string>& patterns) {
  const auto negated = [](std::string_view pattern) { return pattern.starts_with('!'); };
  const auto compared = [](std::string_view pattern) { return comparison_of(pattern).has_value(); };
  return std::any_of(patterns.begin(), patterns.end(), compared) ||
         std::all_of(patterns.begin(), patterns.end(), negated);
}

bool fits(std::string_view kind, const std::vector<std::string>& patterns, const PolicyValue& value, Reading reading) {
  if (value.state == PolicyValue::State::unreadable) return reading == Reading::restricting;
  if (value.state == PolicyValue::State::absent) return reading == Reading::restricting && holds_of_nothing(patterns);
  bool has_plain = false;
  bool matched = false;
  for (const std::string_view pattern : patterns) {
    if (pattern.starts_with('!')) {
      // What cannot be judged never makes a rule laxer.
      const Reading other = reading == Reading::relaxing ? Reading::restricting : Reading::relaxing;
      if (matches(kind, pattern.substr(1), value, other)) return false;
      continue;
    }
    has_plain = true;
    matched = matched || matches(kind, pattern, value, reading);
  }
  if (has_plain) return matched;
  return reading == Reading::restricting || matches(kind, "**", value, reading);
}

bool condition_holds(std::string_view name, const std::vector<std::string>& patterns, const PolicyQuestion& question,
                     Reading reading) {
  const std::vector<PolicyValue> values = values_of(question, name);
  const auto fit = [&](const PolicyValue& value) { return fits(kind_of(name), patterns, value, reading); };
  return reading == Reading::restricting ? std::any_of(values.begin(), values.end(), fit)
                                         : std::all_of(values.begin(), values.end(), fit);
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
