#include <sennit/agent/io/digest.hpp>
#include <sennit/mcp/client/tool_names.hpp>

#include <algorithm>
#include <cctype>

namespace sennit::mcp {
namespace {

constexpr std::size_t kLongest = 64;
constexpr std::size_t kDigest = 8;
constexpr std::size_t kLongestOfServer = 128;

std::string cleaned(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '-') c = '_';
  }
  return result;
}

}  // namespace

std::string name_for_model(std::string_view server, std::string_view tool, std::set<std::string>& taken) {
  const std::string whole = std::string(server) + "_" + std::string(tool);
  std::string name = cleaned(whole);
  if (name.size() > kLongest || taken.contains(name)) {
    name.resize(std::min(name.size(), kLongest - kDigest - 1));
    name += "_" + sha256(whole).substr(0, kDigest);
  }
  taken.insert(name);
  return name;
}

bool is_tool_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= kLongestOfServer &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) { return c >= ' ' && c != 0x7f; });
}

bool matches(std::string_view pattern, std::string_view name) noexcept {
  std::size_t at = 0;
  std::size_t in = 0;
  std::size_t star = std::string_view::npos;
  std::size_t from = 0;
  while (in < name.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      from = in;
    } else if (at < pattern.size() && pattern[at] == name[in]) {
      ++at;
      ++in;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      in = ++from;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

}  // namespace sennit::mcp
