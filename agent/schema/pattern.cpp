#include <sennit/agent/io/error.hpp>
#include <sennit/agent/schema/pattern.hpp>

#include <boost/regex/config.hpp>
// States that one search may visit, about 0.1 s; Boost's own bound is a hundred times higher.
#undef BOOST_REGEX_MAX_STATE_COUNT
#define BOOST_REGEX_MAX_STATE_COUNT 1000000
#include <boost/regex.hpp>
#include <fmt/format.h>

#include <stdexcept>

namespace sennit {

struct Pattern::State {
  boost::regex regex;
};

namespace {

boost::regex compile(std::string_view source) {
  if (source.size() > kMaxPatternLength) {
    throw Error(errc::config,
                fmt::format("a pattern of {} bytes: at most {} are allowed", source.size(), kMaxPatternLength));
  }
  try {
    return boost::regex(source.begin(), source.end(), boost::regex::ECMAScript);
  } catch (const std::runtime_error& error) {
    throw Error(errc::config, fmt::format("the pattern {} is no regular expression: {}", source, error.what()));
  }
}

}  // namespace

Pattern::Pattern(std::string_view source) : state_(std::make_unique<State>(State{compile(source)})) {}
Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;

Pattern::Found Pattern::search(std::string_view text) const {
  try {
    const auto flags = boost::match_single_line | boost::match_not_dot_newline;
    return boost::regex_search(text.begin(), text.end(), state_->regex, flags) ? Found::yes : Found::no;
  } catch (const std::runtime_error&) {  // the bound on states or memory
    return Found::gave_up;
  }
}

}  // namespace sennit
