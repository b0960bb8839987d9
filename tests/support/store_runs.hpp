// What tests of the store share: short lives of runs, straight through their logs.
#pragma once

#include "support/fixtures.hpp"
#include <sennit/agent/run_log.hpp>
#include <sennit/agent/store.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace sennit::testing {

[[nodiscard]] RunRecord record_of(std::string id, std::string session);
[[nodiscard]] JournalEntry start_entry(std::string effect, std::string kind, std::string data = R"({"in":{}})");
[[nodiscard]] JournalEntry end_entry(std::string effect, std::string kind, std::string data = R"({"out":{}})");
[[nodiscard]] OpenedRun begin(TestEnvironment& env, Store& store, std::string id, std::string session);
/// A run that adds these messages to its session and ends.
void whole_run(TestEnvironment& env, Store& store, std::string id, std::string session,
               const std::vector<std::string>& messages);
/// Runs SQL on a database, as another program could.
void meddle(const std::filesystem::path& file, const char* sql);
/// The first column of the first row, as text.
[[nodiscard]] std::string query(const std::filesystem::path& file, const char* sql);

}  // namespace sennit::testing
