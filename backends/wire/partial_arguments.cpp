#include <sennit/agent/io/error.hpp>
#include <sennit/backends/wire/json_fields.hpp>
#include <sennit/backends/wire/partial_arguments.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace sennit {

namespace {

constexpr std::array<std::string_view, 5> kPieceKeys = {"jsonPath", "stringValue", "numberValue", "boolValue",
                                                        "nullValue"};

}  // namespace

PartialArguments::PartialArguments(const json::object* given) : value_(json::object_kind) {
  if (given != nullptr) value_ = *given;
}

void PartialArguments::take(const json::object& piece) {
  const auto [path, text, number, truth, null] = fields(piece, kPieceKeys);
  read_path(as_text(path));
  if (steps_.empty() || steps_.front().is_index) return;  // the arguments as a whole are an object, and stay one
  json::value& place = this->place();
  const json::value* said = text != nullptr ? text : number != nullptr ? number : truth;
  if (said != nullptr && said->is_string() && place.is_string()) {
    place.get_string().append(said->get_string());
  } else if (said != nullptr) {
    place = *said;
  } else if (null != nullptr) {
    place = nullptr;
  }
}

/// Takes what it can of a path that is none: a piece in a wrong place shows, a lost one does not.
void PartialArguments::read_path(std::string_view path) {
  steps_.clear();
  path.remove_prefix(std::min<std::size_t>(path.size(), 1));
  while (!path.empty()) {
    const char c = path.front();
    path.remove_prefix(1);
    if (c == '.') {
      const std::string_view name = path.substr(0, path.find_first_of(".[]"));
      path.remove_prefix(name.size());
      if (!name.empty()) add_step({name, 0, false});
    } else if (c == '[') {
      path = read_bracket(path);
    }
  }
}

/// Reads `0]` or `'name']`, and gives what follows; all of `path` where it is neither.
std::string_view PartialArguments::read_bracket(std::string_view path) {
  if (path.empty()) return path;
  if (const char quote = path.front(); quote == '\'' || quote == '"') {
    const std::array<char, 2> end = {quote, ']'};
    const std::size_t closing = path.find(std::string_view(end.data(), end.size()), 1);
    if (closing == std::string_view::npos) return path;
    add_step({path.substr(1, closing - 1), 0, false});
    return path.substr(closing + end.size());
  }
  std::size_t index = 0;
  const auto [after, failure] = std::from_chars(path.data(), path.data() + path.size(), index);
  const auto digits = static_cast<std::size_t>(after - path.data());
  if (digits == 0 || digits >= path.size() || path[digits] != ']') return path;
  if (failure != std::errc{}) index = std::string_view::npos;  // beyond every bound
  add_step({{}, index, true});
  return path.substr(digits + 1);
}

void PartialArguments::add_step(const Step& step) {
  if (steps_.size() >= kMaxDepth) {
    throw Error(errc::too_large, fmt::format("arguments of a tool call nested deeper than {}", kMaxDepth));
  }
  steps_.push_back(step);
}

/// Where the steps lead. What is missing on the way is made, what is of another kind gives way.
json::value& PartialArguments::place() {
  json::value* at = &value_;
  for (const Step& step : steps_) {
    if (step.is_index) {
      at = &element(*at, step.index);
    } else {
      if (!at->is_object()) at->emplace_object();
      at = &at->get_object()[step.name];
    }
  }
  return *at;
}

json::value& PartialArguments::element(json::value& of, std::size_t index) {
  if (!of.is_array()) of.emplace_array();
  json::array& items = of.get_array();
  if (index >= items.size()) {
    const std::size_t gap = index - items.size();
    if (gap > kMaxGaps - gaps_) {
      throw Error(errc::too_large, fmt::format("arguments of a tool call with more than {} gaps", kMaxGaps));
    }
    gaps_ += gap;
    items.resize(index + 1);
  }
  return items[index];
}

}  // namespace sennit
