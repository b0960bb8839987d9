// Ways to write down an address that must not be reached. Generated: what one parser takes for a name, the next one
// takes for a number, and the third one for a path.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sennit::testing {

/// Of the host alone: `127.0.0.1` as 2130706433, 0x7f.1, [::ffff:7f00:1] …
[[nodiscard]] std::vector<std::string> host_spellings(std::uint32_t address);

/// Whole URLs that try to look like something else, or to be read in two ways. `port` is where the server is.
[[nodiscard]] std::vector<std::string> tricky_urls(std::uint16_t port);

}  // namespace sennit::testing
