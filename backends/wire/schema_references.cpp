// `$ref` and definitions: kept where the dialect has references, put in their place where it has none.
#include <sennit/backends/wire/schema_walk.hpp>
#include <sennit/backends/wire/schema_words.hpp>

#include <fmt/format.h>

#include <utility>

namespace sennit::schema_dialects {

namespace {

using References = std::multimap<std::string_view, std::string_view>;
enum class Step : std::uint8_t { fresh, under_way, done };

bool leads_back(const References& references, std::string_view name, std::map<std::string_view, Step>& steps) {
  if (steps[name] != Step::fresh) return steps[name] == Step::under_way;
  steps[name] = Step::under_way;
  const auto [begin, end] = references.equal_range(name);
  const bool found =
      std::any_of(begin, end, [&](const auto& reference) { return leads_back(references, reference.second, steps); });
  steps[name] = Step::done;
  return found;
}

}  // namespace

void Walk::find_definitions() {
  const json::value* older = original_.if_contains("definitions");
  const json::value* found = original_.if_contains("$defs");
  if (older != nullptr && found != nullptr) refuse({}, "it has `definitions` and `$defs`: leave one of them");
  if (older != nullptr) definitions_key_ = "definitions";
  if (found == nullptr) found = older;
  if (found == nullptr) return;
  definitions_ = found->if_object();
  if (definitions_ == nullptr) refuse({}, fmt::format("`{}` is no object", definitions_key_));
}

/// The object that a root `$ref` stands for, where the root has to be one in place.
void Walk::find_root() {
  for (std::size_t hops = 0; root_->contains("$ref"); ++hops) {
    const json::value* next = hops < kMaxDepth ? definition(target(*root_, {})) : nullptr;
    if (next == nullptr || !next->is_object()) refuse({}, "its `$ref` leads to no object");
    root_ = &next->get_object();
  }
}

const json::value* Walk::definition(std::string_view name) const {
  return definitions_ != nullptr ? definitions_->if_contains(name) : nullptr;
}

/// The name of the definition that `$ref` leads to; empty for the root.
std::string_view Walk::target(const json::object& schema, const Place& place) const {
  for (const auto& member : schema) {
    const std::string_view key = member.key();
    if (rule_of(key) == Rule::note) continue;
    if (is_one_of(key, {"$ref", "description", "title", "$defs", "definitions", "nullable"})) continue;
    refuse(place, fmt::format("`{}` beside `$ref`: put it into what is referred to", key));
  }
  const std::string_view text = text_at(schema, "$ref");
  if (text == "#") return {};
  for (const std::string_view prefix : {"#/$defs/", "#/definitions/"}) {
    if (!text.starts_with(prefix)) continue;
    const std::string_view name = text.substr(prefix.size());
    // Escapes and longer ways are for our validator; what we write has to mean the same to every server.
    if (name.empty() || name.find_first_of("/~%") != std::string_view::npos || definition(name) == nullptr) break;
    return definitions_->find(name)->key();  // outlives the reference, which may be in a copy
  }
  refuse(place, "a `$ref` that leads to nothing in `$defs`");
}

/// Nothing may stand beside a reference: its notes are left out.
json::object Walk::translate_reference(const json::object& schema, const Place& place) {
  const std::string_view name = target(schema, place);
  if (dialect_.refs == Refs::inlined) return inline_definition(schema, name, place);
  if (name.empty() && dialect_.refs == Refs::cyclic_named) {
    refuse(place, "a `$ref` to the root: give what it means a name in `$defs`");
  }
  const bool may_lead_back =
      dialect_.refs != Refs::acyclic && (dialect_.refs != Refs::cyclic_where_optional || place.optional);
  if (!may_lead_back) followed_.emplace(definition_, name);
  return {{"$ref", name.empty() ? "#" : fmt::format("#/$defs/{}", name)}};
}

json::object Walk::inline_definition(const json::object& schema, std::string_view name, const Place& place) {
  if (name.empty() || std::find(inlining_.begin(), inlining_.end(), name) != inlining_.end()) {
    refuse(place, "a `$ref` leads back to where it stands: bound the nesting");
  }
  const Place root{nullptr, {}, place.nesting, place.optional};
  const Place all = root.at(definitions_key_);
  inlining_.push_back(name);
  json::object out = translate(*definition(name), all.at(name));
  inlining_.pop_back();
  if (const json::value* description = schema.if_contains("description")) out["description"] = *description;
  return out;
}

void Walk::add_definitions(json::object& out) {
  if (definitions_ == nullptr || dialect_.refs == Refs::inlined) return;
  const Place root;
  const Place all = root.at(definitions_key_);
  json::object definitions;
  for (const auto& [name, schema] : *definitions_) {
    definition_ = name;
    definitions[name] = translate(schema, all.at(name));
  }
  out["$defs"] = std::move(definitions);
}

void Walk::check_cycles() const {
  std::map<std::string_view, Step> steps;
  for (const auto& reference : followed_) {
    if (!leads_back(followed_, reference.first, steps)) continue;
    const bool never = dialect_.refs == Refs::acyclic;
    refuse({}, never ? "a `$ref` leads back to where it stands: bound the nesting"
                     : "a `$ref` leads back to where it stands: only properties that are not required may");
  }
}

}  // namespace sennit::schema_dialects
