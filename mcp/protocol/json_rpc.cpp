#include <sennit/mcp/protocol/json_rpc.hpp>
#include <sennit/mcp/protocol/names.hpp>

#include <limits>
#include <utility>

namespace sennit::mcp {
namespace {

constexpr std::size_t kMostWords = 8'192;  // of a peer's error message

Unreadable unreadable(std::int64_t code, std::string why, std::optional<Id> id = {}) {
  return {std::move(id), Fault{code, std::move(why), {}}};
}

std::optional<Fault> read_fault(const json::value& value) {
  const json::object* error = value.if_object();
  if (error == nullptr) return std::nullopt;
  const json::value* number = error->if_contains("code");
  const auto code = number == nullptr ? std::nullopt : sennit::find_int(value, "code");
  if (!code) return std::nullopt;
  Fault fault{*code, std::string(text_at(*error, "message").substr(0, kMostWords)), {}};
  if (const json::value* data = error->if_contains("data")) fault.data = *data;
  return fault;
}

Message read_answer(const json::object& object, std::optional<Id> id) {
  if (const json::value* error = object.if_contains("error")) {
    std::optional<Fault> fault = read_fault(*error);
    if (!fault) return unreadable(code::kInvalidRequest, "an error is an object with a code", std::move(id));
    return Answer{std::move(id), std::move(*fault)};
  }
  if (!id) return unreadable(code::kInvalidRequest, "an answer without the id of its request");
  const json::object* result = find_object(object, "result");
  if (result == nullptr) return unreadable(code::kInvalidRequest, "a result is an object", std::move(id));
  return Answer{std::move(id), *result};
}

Message read_object(const json::object& object) {
  const json::value* given = object.if_contains("id");
  std::optional<Id> id = given == nullptr ? std::nullopt : read_id(*given);
  if (text_at(object, "jsonrpc") != "2.0") {
    return unreadable(code::kInvalidRequest, "not JSON-RPC 2.0: \"jsonrpc\" must be \"2.0\"", std::move(id));
  }
  const json::value* method = object.if_contains("method");
  if (method == nullptr) return read_answer(object, std::move(id));
  if (!method->is_string() || method->get_string().empty()) {
    return unreadable(code::kInvalidRequest, "\"method\" must be a string", std::move(id));
  }
  json::object params;
  if (const json::value* members = object.if_contains("params")) {
    if (!members->is_object()) {
      return unreadable(code::kInvalidRequest, "\"params\" must be an object", std::move(id));
    }
    params = members->get_object();
  }
  std::string name(method->get_string());
  if (given == nullptr) return Notification{std::move(name), std::move(params)};
  if (!id) return unreadable(code::kInvalidRequest, "an id is a string or an integer");
  return Request{std::move(*id), std::move(name), std::move(params)};
}

std::optional<json::value> parse(std::string_view text, std::string& why) {
  if (text.size() > kMaxMessage) {
    why = "a message of " + std::to_string(text.size()) + " bytes exceeds the bound of " + std::to_string(kMaxMessage);
    return std::nullopt;
  }
  return parse_json(text, &why);
}

}  // namespace

Message read_message(const json::value& value) {
  if (const json::object* object = value.if_object()) return read_object(*object);
  return unreadable(code::kInvalidRequest, "a message is an object");
}

Message read_message(std::string_view text) {
  std::string why;
  const std::optional<json::value> value = parse(text, why);
  if (!value) return unreadable(code::kParse, "not JSON: " + why);
  return read_message(*value);
}

std::vector<Message> read_messages(std::string_view text) {
  std::string why;
  const std::optional<json::value> value = parse(text, why);
  if (!value) return {unreadable(code::kParse, "not JSON: " + why)};
  const json::array* batch = value->if_array();
  if (batch == nullptr) return {read_message(*value)};
  if (batch->empty()) return {unreadable(code::kInvalidRequest, "an empty batch")};
  if (batch->size() > kMaxBatch) {
    return {unreadable(code::kInvalidRequest, "a batch of more than " + std::to_string(kMaxBatch) + " messages")};
  }
  std::vector<Message> messages;
  for (const json::value& one : *batch) messages.push_back(read_message(one));
  return messages;
}

json::object to_json(const Request& request) {
  json::object object{{"jsonrpc", "2.0"}, {"id", to_json(request.id)}, {"method", request.method}};
  object["params"] = request.params;
  return object;
}

json::object to_json(const Notification& notification) {
  json::object object{{"jsonrpc", "2.0"}, {"method", notification.method}};
  if (!notification.params.empty()) object["params"] = notification.params;
  return object;
}

json::object to_json(const Answer& answer) {
  json::object object{{"jsonrpc", "2.0"}};
  if (answer.id) object["id"] = to_json(*answer.id);
  if (const json::object* result = answer.result()) {
    object["result"] = *result;
    return object;
  }
  const Fault& fault = *answer.fault();
  json::object error{{"code", fault.code}, {"message", fault.message}};
  if (!fault.data.is_null()) error["data"] = fault.data;
  // JSON-RPC wants a null here, the protocol's schema leaves it out where nobody can be named.
  object["error"] = std::move(error);
  return object;
}

json::value to_json(const Id& id) {
  return std::visit([](const auto& value) { return json::value(value); }, id);
}

std::optional<Id> read_id(const json::value& value) {
  if (value.is_string()) return Id(std::string(value.get_string()));
  if (value.is_int64()) return Id(value.get_int64());
  return std::nullopt;
}

std::string describe(const Id& id) {
  return json::serialize(to_json(id));
}

const json::object* find_object(const json::object& value, std::string_view key) noexcept {
  const json::value* found = value.if_contains(key);
  return found == nullptr ? nullptr : found->if_object();
}

const json::object* find_object(const json::value& value, std::string_view key) noexcept {
  const json::object* object = value.if_object();
  return object == nullptr ? nullptr : find_object(*object, key);
}

const json::array* find_array(const json::object& value, std::string_view key) noexcept {
  const json::value* found = value.if_contains(key);
  return found == nullptr ? nullptr : found->if_array();
}

std::string_view text_at(const json::object& value, std::string_view key) noexcept {
  const json::value* found = value.if_contains(key);
  if (found == nullptr || !found->is_string()) return {};
  return found->get_string();
}

bool true_at(const json::object& value, std::string_view key) noexcept {
  const json::value* found = value.if_contains(key);
  return found != nullptr && found->is_bool() && found->get_bool();
}

}  // namespace sennit::mcp
