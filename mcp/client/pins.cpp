#include <sennit/agent/io/digest.hpp>
#include <sennit/agent/io/error.hpp>
#include <sennit/agent/io/pool.hpp>
#include <sennit/mcp/client/pins.hpp>
#include <sennit/mcp/client/state_file.hpp>
#include <sennit/mcp/protocol/json_rpc.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace sennit::mcp {
namespace {

constexpr std::size_t kShown = 400;  // bytes of a description, in a question
constexpr std::array<std::string_view, 4> kPinned{"name", "description", "inputSchema", "outputSchema"};

json::value sorted(const json::value& value) {
  if (const json::array* list = value.if_array()) {
    json::array result;
    for (const json::value& one : *list) result.push_back(sorted(one));
    return result;
  }
  const json::object* object = value.if_object();
  if (object == nullptr) return value;
  std::vector<std::string_view> keys;
  for (const auto& member : *object) keys.push_back(member.key());
  std::sort(keys.begin(), keys.end());
  json::object result;
  for (const std::string_view key : keys) result[key] = sorted(object->at(key));
  return result;
}

/// Servers, each with its tools.
void add(json::object& to, const json::object& more) {
  for (const auto& [server, tools] : more) {
    json::value& place = to[server];
    if (!place.is_object()) place = json::object();
    for (const auto& [name, pinned] : tools.get_object()) place.get_object()[name] = pinned;
  }
}

std::string shown(std::string_view text) {
  std::string result = sanitize_utf8(text.substr(0, kShown));
  return text.size() > kShown ? result + "…" : result;
}

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return "";
  return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

std::string compared(std::string_view what, const std::string& before, const std::string& now) {
  // Long schemas differ somewhere: show the place.
  const auto differ = std::mismatch(before.begin(), before.end(), now.begin(), now.end());
  const auto at = static_cast<std::size_t>(differ.first - before.begin());
  const std::size_t from = at > kShown / 4 && std::max(before.size(), now.size()) > kShown ? at - kShown / 4 : 0;
  const std::string_view dots = from > 0 ? "…" : "";
  return fmt::format("its {} was \"{}{}\" and is \"{}{}\" now", what, dots,
                     shown(std::string_view(before).substr(from)), dots, shown(std::string_view(now).substr(from)));
}

}  // namespace

json::object pinned_part(const json::object& tool) {
  json::object pinned;
  for (const std::string_view key : kPinned) {
    if (const json::value* value = tool.if_contains(key)) pinned[key] = *value;
  }
  return sorted(pinned).get_object();
}

std::string hash_of(const json::object& pinned) {
  return sha256(json::serialize(pinned));
}

std::string describe_change(const json::object& before, const json::object& now) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kParts{
      std::pair{"description", "description"}, std::pair{"inputSchema", "schema of arguments"},
      std::pair{"outputSchema", "schema of results"}};
  std::string text;
  for (const auto& [key, what] : kParts) {
    const std::string old = text_of(before, key);
    const std::string current = text_of(now, key);
    if (old == current) continue;
    if (!text.empty()) text += "; ";
    text += compared(what, old, current);
  }
  return text;
}

json::object Pins::read() const {
  const std::optional<std::string> text = read_state_file(file_);
  if (!text) return {};
  const std::optional<json::value> value = parse_json(*text);
  const json::object* servers = value ? mcp::find_object(*value, "servers") : nullptr;
  if (servers == nullptr) {
    throw Error(errc::storage, "the approved tools of MCP servers cannot be read; if the file is not needed, delete it")
        .at(file_.string());
  }
  return *servers;
}

std::optional<Pins::Tools> Pins::of(const std::string& server) const {
  const std::lock_guard lock(mutex_);
  const json::object* tools = mcp::find_object(known_, server);
  if (tools == nullptr) return std::nullopt;
  Tools pinned;
  for (const auto& [name, value] : *tools) {
    if (value.is_object()) pinned.emplace(name, value.get_object());
  }
  return pinned;
}

void Pins::accept(const std::string& server, const Tools& tools) {
  json::object added;
  for (const auto& [name, pinned] : tools) added[name] = pinned;
  const json::object all{{server, std::move(added)}};
  const std::lock_guard lock(mutex_);
  add(known_, all);
  if (!file_.empty()) add(unsaved_, all);
}

void Pins::load() {
  if (file_.empty()) return;
  const std::lock_guard alone(file_work_);
  json::object servers = read();
  const std::lock_guard lock(mutex_);
  add(servers, unsaved_);
  known_ = std::move(servers);
}

void Pins::save() {
  const std::lock_guard alone(file_work_);
  json::object accepted;
  {
    const std::lock_guard lock(mutex_);
    if (unsaved_.empty()) return;
    accepted = std::exchange(unsaved_, {});
  }
  try {
    const StateFileLock other_programs(file_);
    json::object servers = read();
    add(servers, accepted);
    write_state_file(file_, json::serialize(json::object{{"servers", std::move(servers)}}));
  } catch (const Error&) {
    const std::lock_guard lock(mutex_);
    add(accepted, unsaved_);  // what came meanwhile is newer
    unsaved_ = std::move(accepted);
    throw;
  }
}

asio::awaitable<void> load(std::shared_ptr<Pins> pins, Environment& environment) {
  auto loading = environment.pool().run([pins] { pins->load(); });
  co_await std::move(loading);
}

asio::awaitable<void> save(std::shared_ptr<Pins> pins, Environment& environment) {
  auto saving = environment.pool().run([pins] { pins->save(); });
  co_await std::move(saving);
}

}  // namespace sennit::mcp
