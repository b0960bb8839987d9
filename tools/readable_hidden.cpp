#include <sennit/tools/readable_hidden.hpp>

#include <algorithm>
#include <array>
#include <string>

namespace sennit::readable {
namespace {

constexpr std::size_t kMaxStyle = 4096;  // bytes that are looked at

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/// The number at the beginning, with what people write before it; a large one if there is none.
double number_at(std::string_view text) {
  constexpr double kNone = 1e9;
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  double value = 0;
  double place = 0;
  bool any = false;
  for (const char c : text.substr(0, 12)) {
    if (c >= '0' && c <= '9') {
      any = true;
      value = place == 0 ? value * 10 + (c - '0') : value + (c - '0') * place;
      place /= 10;
    } else if (c == '.' && place == 0) {
      place = 0.1;
    } else {
      break;
    }
  }
  if (!any) return kNone;
  return negative ? -value : value;
}

}  // namespace

bool style_hides(std::string_view style) {
  std::string text;
  for (const char c : style.substr(0, kMaxStyle)) {
    if (!is_space(c)) text += lower(c);
  }
  for (const std::string_view sign :
       {"display:none", "visibility:hidden", "visibility:collapse", "content-visibility:hidden", "clip:rect(0",
        "clip-path:inset(50%", "clip-path:inset(100%", "transform:scale(0)"}) {
    if (text.find(sign) != std::string::npos) return true;
  }
  const auto value_of = [&](std::string_view property) {
    for (std::size_t at = text.find(property); at != std::string::npos; at = text.find(property, at + 1)) {
      if (at == 0 || text[at - 1] == ';') return number_at(std::string_view(text).substr(at + property.size()));
    }
    return 1e9;
  };
  constexpr double kOutOfSight = -500;  // pixels or ems, that nobody uses to move something by a little
  return value_of("opacity:") < 0.05 || value_of("font-size:") < 2 || value_of("text-indent:") < kOutOfSight ||
         value_of("left:") < kOutOfSight || value_of("top:") < kOutOfSight || value_of("margin-left:") < kOutOfSight ||
         value_of("right:") < kOutOfSight || value_of("max-height:") == 0 || value_of("max-width:") == 0;
}

bool class_hides(std::string_view classes) {
  constexpr std::array<std::string_view, 7> kNames{"d-none",  "hidden",          "offscreen",     "screen-reader-text",
                                                   "sr-only", "visually-hidden", "visuallyhidden"};
  while (!classes.empty()) {
    const auto begin = std::find_if_not(classes.begin(), classes.end(), is_space);
    const auto end = std::find_if(begin, classes.end(), is_space);
    std::string name(begin, end);
    std::transform(name.begin(), name.end(), name.begin(), lower);
    if (std::binary_search(kNames.begin(), kNames.end(), name)) return true;
    classes.remove_prefix(static_cast<std::size_t>(end - classes.begin()));
  }
  return false;
}

}  // namespace sennit::readable
