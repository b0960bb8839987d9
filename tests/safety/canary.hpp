// Canaries: secrets that exist once in the world, each in one place where an agent may keep a secret. A test that
// plants some looks for them afterwards in everything that was shown or kept, in a way of its own: it shares no code
// with what is meant to keep them out.
#pragma once

#include "support/fixtures.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::testing {

struct Canary {
  std::string slot;   ///< where it sits: "env", "file", "header of http" …
  std::string value;  ///< with characters that URLs and JSON write in other ways
  std::string core;   ///< the part of it that nobody writes in another way, but for Base64 and hexadecimal digits
};

class Canaries {
 public:
  /// A new one, for this slot. Its value.
  std::string plant(std::string slot);
  /// "SLOT as FORM" for each that is in the text, in any form.
  [[nodiscard]] std::vector<std::string> found_in(std::string_view text) const;
  /// The same with all files below `folder`, each with its path. What is not there has none.
  [[nodiscard]] std::vector<std::string> found_below(const std::filesystem::path& folder) const;
  [[nodiscard]] const std::vector<Canary>& all() const noexcept { return all_; }

 private:
  std::vector<Canary> all_;
};

/// All values in every form that they are looked for in, as a hostile server would send them back.
[[nodiscard]] std::string in_every_form(const std::vector<Canary>& canaries);

}  // namespace sennit::testing
