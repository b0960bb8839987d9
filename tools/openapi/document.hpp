// Private: An OpenAPI document as JSON, read from a file that nobody vouches for.
#pragma once

#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/json.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace sennit::openapi {

inline constexpr std::size_t kMaxDocument = 16ULL << 20U;     ///< bytes of one in JSON
inline constexpr std::size_t kMaxYamlDocument = 4ULL << 20U;  ///< in YAML, which takes longer to read
inline constexpr std::size_t kMaxDocumentDepth = 64;
inline constexpr int kMaxReferences = 20;  ///< that lead from one to the next

/// A value in the document and its place there, as a JSON pointer: "#/paths/~1pets/get".
struct Place {
  const json::value* value = nullptr;
  std::string pointer;
};

class Document {
 public:
  /// Throws Error(errc::config) where it is no OpenAPI 3.0 or 3.1 document, at `name:line:column` for what is no YAML
  /// or JSON at all.
  Document(std::string_view text, std::string name);
  /// The same for a file.
  [[nodiscard]] static Document read(const std::filesystem::path& file);

  [[nodiscard]] const json::value& value() const noexcept { return root_; }
  [[nodiscard]] const json::object& root() const { return root_.get_object(); }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Version 3.0, whose schemas are not yet JSON Schema.
  [[nodiscard]] bool is_old() const noexcept { return old_; }

  /// What the place means: a `$ref` is followed, and the references it leads to. Only those inside the document are.
  /// Throws Error(errc::config) for one that leads nowhere, elsewhere or in a circle.
  [[nodiscard]] Place followed(Place place) const;
  /// The value that a reference such as "#/components/schemas/Pet" names. Throws like followed().
  [[nodiscard]] Place target(std::string_view reference, std::string_view from) const;

  /// Throws Error(errc::config) that names the place.
  [[noreturn]] void refuse(std::string_view pointer, std::string_view why) const;

 private:
  std::string name_;
  json::value root_;
  bool old_ = false;
};

/// The place of a member of an object there. A null value where it has none.
[[nodiscard]] Place member(const Place& place, std::string_view key);

}  // namespace sennit::openapi
