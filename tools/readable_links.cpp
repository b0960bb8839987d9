#include <sennit/tools/readable_links.hpp>

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <fmt/format.h>

#include <cstddef>

namespace sennit::readable {
namespace {

namespace urls = boost::urls;

constexpr std::size_t kMaxLink = 1000;

/// What people write into pages and the standard wants percent-encoded. White space around and line ends are dropped.
std::string encoded(std::string_view reference) {
  const auto is_space = [](char c) { return static_cast<unsigned char>(c) <= 0x20; };
  while (!reference.empty() && is_space(reference.front())) reference.remove_prefix(1);
  while (!reference.empty() && is_space(reference.back())) reference.remove_suffix(1);
  std::string result;
  for (const char c : reference.substr(0, kMaxLink + 1)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) continue;
    const bool encode = byte >= 0x80 || std::string_view(" \"<>\\^`{|}()").find(c) != std::string_view::npos;
    result += encode ? fmt::format("%{:02X}", byte) : std::string(1, c);
  }
  return result;
}

}  // namespace

std::string absolute_url(std::string_view base, std::string_view reference) {
  const std::string text = encoded(reference);
  if (text.empty() || text.front() == '#' || text.size() > kMaxLink) return {};
  const auto parsed = urls::parse_uri_reference(text);
  const auto from = urls::parse_uri(base);
  urls::url resolved;
  if (!parsed) return {};
  if (parsed->has_scheme()) {
    resolved = *parsed;
  } else if (!from || !urls::resolve(*from, *parsed, resolved)) {
    return {};
  }
  resolved.normalize_scheme();
  const std::string_view scheme(resolved.scheme().data(), resolved.scheme().size());
  if (scheme != "http" && scheme != "https" && scheme != "mailto") return {};
  if (scheme != "mailto" && resolved.encoded_host().empty()) return {};
  std::string result(resolved.buffer().data(), resolved.buffer().size());
  if (resolved.has_authority()) {
    // More steps up than there are: browsers stay at the top.
    const std::size_t path = result.find('/', result.find("//") + 2);
    while (path != std::string::npos && result.compare(path, 4, "/../") == 0) result.erase(path, 3);
  }
  return result.size() > kMaxLink ? std::string() : result;
}

}  // namespace sennit::readable
