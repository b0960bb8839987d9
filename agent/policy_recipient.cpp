#include <sennit/agent/io/white.hpp>
#include <sennit/agent/policy.hpp>
#include <sennit/agent/policy_recipient.hpp>
#include <sennit/agent/spelling.hpp>

#include <algorithm>

namespace sennit {
namespace {

bool is_address(std::string_view text) {
  const auto is_odd = [](unsigned char c) { return c <= ' ' || c == 0x7F || c == '<' || c == '>'; };
  return std::count(text.begin(), text.end(), '@') == 1 && std::none_of(text.begin(), text.end(), is_odd);
}

/// "Ann <ann@a.example>" is ann@a.example. A name that is an address, too, leaves open which of the two is meant.
std::string_view address_in(std::string_view text) {
  text = trimmed(text);
  const std::size_t open = text.find('<');
  if (open == std::string_view::npos || !text.ends_with('>')) return text;
  if (text.substr(0, open).find('@') != std::string_view::npos) return text;
  return trimmed(text.substr(open + 1, text.size() - open - 2));
}

/// A domain is the same in capital letters, and with a final dot.
std::string plain_domain(std::string_view address) {
  const std::size_t at = address.rfind('@') + 1;
  std::string result = std::string(address.substr(0, at)) + lowered(address.substr(at));
  if (result.ends_with('.')) result.pop_back();
  return result;
}

bool fits(std::string_view pattern, std::string_view recipient, Reading reading) {
  const bool wants_address = pattern.find('@') != std::string_view::npos;
  if (!wants_address && recipient.find('@') == std::string_view::npos) return matches_pattern(pattern, recipient);
  if (!is_address(recipient)) return reading == Reading::restricting;
  const std::string plain = plain_domain(recipient);
  return wants_address ? matches_pattern(plain_domain(pattern), plain)
                       : matches_pattern(lowered(pattern), lowered(plain));
}

}  // namespace

bool is_address_pattern(std::string_view pattern) {
  if (std::count(pattern.begin(), pattern.end(), '@') != 1 || pattern.find(' ') != std::string_view::npos) return false;
  const std::string_view domain = pattern.substr(pattern.find('@') + 1);
  return domain == "*" || domain.ends_with(".*") || !domain.ends_with('*');
}

std::vector<std::string> recipients_in(std::string_view text) {
  std::vector<std::string> found;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find_first_of(",;\n\r"), rest.size());
    const std::string_view address = address_in(rest.substr(0, end));
    if (!address.empty()) found.emplace_back(address);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (found.empty()) found.emplace_back(text);
  return found;
}

bool fits_recipients(std::string_view pattern, std::string_view text, Reading reading) {
  const std::vector<std::string> all = recipients_in(text);
  const auto one_fits = [&](const std::string& one) { return fits(pattern, one, reading); };
  if (reading == Reading::relaxing) return std::all_of(all.begin(), all.end(), one_fits);
  return matches_pattern(pattern, text) || std::any_of(all.begin(), all.end(), one_fits);
}

}  // namespace sennit
