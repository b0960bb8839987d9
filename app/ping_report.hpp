// What `sennit ping` found, a line each: the words, and what to do where something is wrong.
#pragma once

#include <sennit/app/ping_probe.hpp>
#include <sennit/backends/catalogue/catalogue.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace sennit::app {

enum class Mark { right, wrong, untold };

/// One line of the report.
struct Finding {
  Mark mark = Mark::right;
  std::string_view about;  ///< "key", "address", "answer", "tools", "cost"
  std::string words;
  std::string advice{};  ///< what to do; empty: nothing more to say
};

/// What is pinged, for the words.
struct PingTarget {
  std::string model;                   ///< "provider/model"
  const Provider* provider = nullptr;  ///< null: not behind HTTP
  std::string address;                 ///< of the endpoint, without secrets
  std::string_view key_variable;       ///< where the key was looked for; empty: nowhere, or not in the environment
  bool has_key = false;
};

/// Which part of the way `error` speaks of, and what to do about it.
[[nodiscard]] Finding finding_of(const Error& error, const PingTarget& target);
[[nodiscard]] Finding answer_finding(const ProbeResult& result);
/// Of the question that asks for a call of `tool`.
[[nodiscard]] Finding tools_finding(const ProbeResult& result, std::string_view tool, const PingTarget& target);
[[nodiscard]] Finding cost_finding(const Usage& usage, const std::optional<Prices>& prices);
/// "  ✓ key      OPENAI_API_KEY is accepted", and the advice below it.
[[nodiscard]] std::string line_of(const Finding& finding, bool colour);

}  // namespace sennit::app
