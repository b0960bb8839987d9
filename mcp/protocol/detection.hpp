// Which era a server speaks: judged by what it said to `server/discover` or `initialize`. Pure.
//
// A legacy server may answer a request that it does not know with any error, with any HTTP status, or not at all, so
// only what a modern server alone would say counts as modern; everything else is legacy.
#pragma once

#include <sennit/mcp/protocol/json_rpc.hpp>
#include <sennit/mcp/protocol/names.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::mcp {

/// What a server said about itself.
struct ServerFacts {
  Era era = Era::legacy;
  std::string version;        ///< that is spoken with it
  json::object capabilities;  ///< as it gave them
  std::string instructions;
  std::string name;
  friend bool operator==(const ServerFacts&, const ServerFacts&) = default;

  [[nodiscard]] bool has(std::string_view capability) const { return capabilities.contains(capability); }
};

/// The answer to `server/discover`, judged.
struct Discovery {
  enum class Verdict {
    modern,       ///< `facts` is what it said
    legacy,       ///< try `initialize`
    no_version,   ///< a modern server that speaks no version of ours: `why` says which it does
    needs_other,  ///< a modern server that wants `version`, which is one of ours: ask again
  };
  Verdict verdict = Verdict::legacy;
  ServerFacts facts{};
  std::string version{};
  std::string why{};
};

/// Judges the answer to a `server/discover`.
[[nodiscard]] Discovery judge_discovery(const Answer& answer);

/// Whether this is one of the errors that only a modern server gives.
[[nodiscard]] bool is_modern_fault(const Fault& fault) noexcept;

/// Reads the result of `initialize`. Throws Error(errc::protocol) if it is none, or names a version that we do not
/// speak.
[[nodiscard]] ServerFacts read_initialize(const json::object& result);

/// What `resultType` says: a missing one means complete.
enum class ResultKind { complete, input_required, other };
[[nodiscard]] ResultKind result_kind(const json::object& result) noexcept;

}  // namespace sennit::mcp
