#include <sennit/agent/policy.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/tools/openapi/selection.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

namespace sennit::openapi {
namespace {

/// "GET /pets", whatever the letters of the method.
std::string normal(std::string_view wanted) {
  std::string text(wanted);
  const std::size_t space = text.find(' ');
  if (space == std::string::npos) return text;
  std::transform(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(space), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string line_of(const Outline& outline) {
  return outline.method + " " + outline.path;
}

[[noreturn]] void refuse_unknown(const Document& document, const std::string& wanted, const std::vector<Outline>& all) {
  std::vector<std::string> names;
  const bool by_path = wanted.find('/') != std::string::npos;
  for (const Outline& outline : all) {
    if (by_path || outline.id.empty()) names.push_back(line_of(outline));
    if (!by_path && !outline.id.empty()) names.push_back(outline.id);
  }
  std::string why = fmt::format("openapi: no operation of the document is '{}'", wanted);
  if (const std::string_view near = nearest(wanted, names); !near.empty()) {
    why += fmt::format("; did you mean '{}'?", near);
  } else {
    constexpr std::size_t kShown = 12;
    why += names.empty() ? "; it has none" : "; there are:";
    for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) why += (i == 0 ? " " : ", ") + names[i];
    if (names.size() > kShown) why += ", …";
  }
  throw Error(errc::config, std::move(why)).at(document.name());
}

}  // namespace

std::vector<Operation> select(const Document& document, const std::vector<std::string>& wanted) {
  const std::vector<Outline> all = outline(document);
  enum class Choice : std::uint8_t { no, by_pattern, by_name };
  std::vector<Choice> chosen(all.size(), Choice::no);
  for (const std::string& given : wanted) {
    const std::string pattern = normal(given);
    const bool is_pattern = pattern.find('*') != std::string::npos;
    bool found = false;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const bool matches =
          (!all[i].id.empty() && matches_pattern(pattern, all[i].id)) || matches_pattern(pattern, line_of(all[i]));
      if (!matches) continue;
      found = true;
      chosen[i] = std::max(chosen[i], is_pattern ? Choice::by_pattern : Choice::by_name);
    }
    if (!found) refuse_unknown(document, given, all);
  }
  std::vector<Operation> operations;
  std::optional<Error> left_out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (chosen[i] == Choice::no) continue;
    try {
      operations.push_back(read_operation(document, all[i]));
    } catch (const Error& error) {
      if (chosen[i] == Choice::by_name) throw;
      left_out = error;
    }
    if (operations.size() > kMaxTools) {
      throw Error(errc::config,
                  fmt::format("openapi: more than {} operations are chosen; name those that are needed", kMaxTools))
          .at(document.name());
    }
  }
  if (operations.empty() && left_out) throw Error(*left_out);
  return operations;
}

std::string tool_name(const Operation& operation, std::string_view prefix, std::vector<std::string>& taken) {
  std::string name(prefix);
  if (!name.empty()) name += '_';
  std::string method = operation.method;
  std::ranges::transform(method, method.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  name += operation.id.empty() ? method + operation.path : operation.id;
  std::string clean;
  for (const char c : name) {
    const bool fine = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
    if (fine) {
      clean += c;
    } else if (!clean.empty() && clean.back() != '_') {
      clean += '_';
    }
  }
  constexpr std::size_t kLongest = 60;  // of 64: a number may follow
  clean = clean.substr(0, kLongest);
  while (clean.ends_with('_')) clean.pop_back();
  if (clean.empty()) clean = method;
  std::string free = clean;
  for (int number = 2; std::ranges::count(taken, free) != 0; ++number) free = fmt::format("{}_{}", clean, number);
  taken.push_back(free);
  return free;
}

}  // namespace sennit::openapi
