// The tool `csv`: csv_query asks a file of comma- or tab-separated values by SQL.
//
//   tools:
//     - csv: { roots: [data] }
//
// The file becomes a table in memory that ends with the call; the file is only read.
#pragma once

#include <sennit/agent/registry.hpp>
#include <sennit/tools/files_access.hpp>

#include <cstddef>
#include <memory>
#include <vector>

namespace sennit {

inline constexpr std::size_t kMaxCsv = 32U << 20U;  ///< bytes of a file

/// `timeout` bounds the query; reading the file comes on top.
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_csv(files::Access access, milliseconds timeout);

/// The factory. Options: roots, trusted, private, timeout.
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_csv_tools(const json::object& options,
                                                                const PartContext& context);

}  // namespace sennit
