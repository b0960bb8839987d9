#include <sennit/agent/io/error.hpp>
#include <sennit/mcp/protocol/detection.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace sennit::mcp {
namespace {

constexpr std::size_t kMostInstructions = 64ULL << 10U;
constexpr std::size_t kMostName = 200;

std::vector<std::string> strings_in(const json::array* list) {
  std::vector<std::string> result;
  if (list == nullptr) return result;
  for (const json::value& one : *list) {
    if (one.is_string()) result.emplace_back(one.get_string());
  }
  return result;
}

/// The newest version of ours among these; empty: none.
std::string_view common_version(const std::vector<std::string>& offered) {
  for (const std::string_view ours : kModernVersions) {
    if (std::find(offered.begin(), offered.end(), ours) != offered.end()) return ours;
  }
  return {};
}

ServerFacts facts_of(const json::object& result, Era era) {
  ServerFacts facts;
  facts.era = era;
  if (const json::object* capabilities = mcp::find_object(result, "capabilities")) facts.capabilities = *capabilities;
  facts.instructions = text_at(result, "instructions").substr(0, kMostInstructions);
  const json::object* about = mcp::find_object(result, kMetaKey);
  const json::object* info = era == Era::legacy || about == nullptr ? mcp::find_object(result, "serverInfo")
                                                                    : mcp::find_object(*about, meta::kServerInfo);
  if (info != nullptr) facts.name = text_at(*info, "name").substr(0, kMostName);
  return facts;
}

Discovery other_versions(const std::vector<std::string>& offered) {
  Discovery found;
  found.version = common_version(offered);
  if (!found.version.empty()) {
    found.verdict = Discovery::Verdict::needs_other;
    return found;
  }
  // It may speak an older one as well, and then by the handshake.
  const bool legacy = std::any_of(offered.begin(), offered.end(), [](const auto& v) { return is_legacy_version(v); });
  found.verdict = legacy ? Discovery::Verdict::legacy : Discovery::Verdict::no_version;
  found.why = fmt::format("the server speaks the protocol's versions {}; this client speaks {} and {}",
                          fmt::join(offered, ", "), fmt::join(kModernVersions, ", "), fmt::join(kLegacyVersions, ", "));
  return found;
}

}  // namespace

bool is_modern_fault(const Fault& fault) noexcept {
  return fault.code == code::kHeaderMismatch || fault.code == code::kMissingCapability ||
         fault.code == code::kUnsupportedVersion;
}

Discovery judge_discovery(const Answer& answer) {
  if (const Fault* fault = answer.fault()) {
    if (fault->code == code::kUnsupportedVersion) {
      const json::object* data = fault->data.if_object();
      return other_versions(strings_in(data == nullptr ? nullptr : find_array(*data, "supported")));
    }
    Discovery found;
    // It knows the modern envelope, so it is modern, whatever it dislikes.
    if (is_modern_fault(*fault)) {
      found.verdict = Discovery::Verdict::no_version;
      found.why = "the server refused server/discover: " + fault->message;
    }
    return found;
  }
  const json::object& result = *answer.result();
  const json::array* versions = find_array(result, "supportedVersions");
  if (versions == nullptr) return {};
  const std::vector<std::string> offered = strings_in(versions);
  const std::string_view version = common_version(offered);
  if (version.empty()) return other_versions(offered);
  Discovery found;
  found.verdict = Discovery::Verdict::modern;
  found.facts = facts_of(result, Era::modern);
  found.facts.version = version;
  return found;
}

ServerFacts read_initialize(const json::object& result) {
  const std::string_view version = text_at(result, "protocolVersion");
  if (!is_legacy_version(version)) {
    throw Error(errc::protocol, version.empty()
                                    ? "the answer to initialize names no protocolVersion"
                                    : fmt::format("the server speaks the protocol's version {}; this client speaks {}",
                                                  version, fmt::join(kLegacyVersions, ", ")));
  }
  ServerFacts facts = facts_of(result, Era::legacy);
  facts.version = version;
  return facts;
}

ResultKind result_kind(const json::object& result) noexcept {
  const json::value* kind = result.if_contains("resultType");
  if (kind == nullptr) return ResultKind::complete;
  if (!kind->is_string()) return ResultKind::other;
  if (kind->get_string() == "complete") return ResultKind::complete;
  return kind->get_string() == "input_required" ? ResultKind::input_required : ResultKind::other;
}

}  // namespace sennit::mcp
