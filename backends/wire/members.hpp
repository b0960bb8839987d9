// Private: Writes the members of one JSON object.
#pragma once

#include <sennit/backends/wire/wire_json.hpp>

#include <string>
#include <string_view>

namespace sennit {

/// Appends to `out`, one member after the other. Those that `replaced` holds are left out: the caller has his own words
/// for them, or null to do without.
class Members {
 public:
  explicit Members(std::string& out, const json::object* replaced = nullptr) : out_(out), replaced_(replaced) {}
  /// Never left out. What is appended to the returned text is the member's value.
  std::string& key(std::string_view name) {
    out_ += first_ ? '{' : ',';
    first_ = false;
    append_json_string(out_, name);
    out_ += ':';
    return out_;
  }
  void add(std::string_view name, const json::value& value) {
    if (!is_replaced(name)) append_json(key(name), value);
  }
  void add_text(std::string_view name, std::string_view value) {
    if (!is_replaced(name)) append_json_string(key(name), value);
  }
  /// Never left out, unless there is nothing in it.
  void add_object(std::string_view name, const json::object& value) {
    if (!value.empty()) append_json(key(name), value);
  }
  void add_replacements() {
    for (const auto& [name, value] : *replaced_) {
      if (!value.is_null()) append_json(key(name), value);
    }
  }
  void close() { out_ += first_ ? "{}" : "}"; }

 private:
  [[nodiscard]] bool is_replaced(std::string_view name) const {
    return replaced_ != nullptr && replaced_->contains(name);
  }

  std::string& out_;
  const json::object* replaced_;
  bool first_ = true;
};

/// `ours` together with what `extra` has of that name: its members replace ours, null does without one. It is null
/// there from then on, so that it is not written again. Empty where `extra` has something else than an object.
[[nodiscard]] json::object merged(json::object ours, json::object& extra, std::string_view name);

}  // namespace sennit
