// The tool `sqlite`: sqlite_query and sqlite_schema on one database, and with `write: true` sqlite_change.
//
//   tools:
//     - sqlite: { file: data/shop.db }
//
// The model writes the SQL; see sqlite_connection.hpp for what it may hold.
#pragma once

#include <sennit/agent/registry.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace sennit {

struct SqliteSettings {
  std::filesystem::path file;
  std::string name = "sqlite";  ///< what the tools' names begin with: an agent may have several databases
  std::string facet{};          ///< the file as policy rules name it; empty: its path
  bool write = false;
  milliseconds timeout{10'000};                 ///< of one statement
  bool trusted = false;                         ///< what is in it is no untrusted text
  bool confidential = true;                     ///< what is in it is private
  std::vector<std::filesystem::path> closed{};  ///< folders whose databases are nobody's: the state folder
};

/// The file need not exist yet, and is looked for where its folder is now: what becomes a link is not followed. Throws
/// Error(errc::config).
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_sqlite(SqliteSettings settings);

/// The factory. Options: file (relative to the agent file), name, write, timeout, trusted, confidential.
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_sqlite_tools(const json::object& options,
                                                                   const PartContext& context);

}  // namespace sennit
