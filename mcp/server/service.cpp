#include <sennit/mcp/protocol/envelope.hpp>
#include <sennit/mcp/server/service.hpp>

namespace sennit::mcp {

json::object Service::info() const {
  return implementation_info();
}

asio::awaitable<json::object> Service::call_tool(Exchange& /*exchange*/, std::string /*name*/,
                                                 json::object /*arguments*/) {
  throw Rejection(code::kNoMethod, "there are no tools here");
  co_return json::object{};
}

asio::awaitable<json::object> Service::get_prompt(Exchange& /*exchange*/, std::string /*name*/,
                                                  json::object /*arguments*/) {
  throw Rejection(code::kNoMethod, "there are no prompts here");
  co_return json::object{};
}

asio::awaitable<json::array> Service::read_resource(Exchange& /*exchange*/, std::string /*uri*/) {
  co_return json::array{};
}

asio::awaitable<json::object> Service::complete(Exchange& /*exchange*/, json::object /*params*/) {
  co_return json::object{{"values", json::array{}}, {"total", 0}, {"hasMore", false}};
}

}  // namespace sennit::mcp
