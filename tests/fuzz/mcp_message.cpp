// Any bytes are read as messages without a crash; what is read is written and read again as the same; and what both
// sides make of a message's parts holds for all of them.
#include <sennit/agent/io/error.hpp>
#include <sennit/mcp/protocol/content.hpp>
#include <sennit/mcp/protocol/detection.hpp>
#include <sennit/mcp/protocol/envelope.hpp>
#include <sennit/mcp/protocol/json_rpc.hpp>

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace sennit::mcp;

namespace {

template <class T>
void check_same(const T& message) {
  if (read_message(std::string_view(write_message(message))) != Message(message)) std::abort();
}

void look_into(const Request& request) {
  (void)version_in(request.params);
  (void)name_for_header(request.method, request.params);
  check_same(request);
}

void look_into(const Notification& notification) {
  check_same(notification);
}

void look_into(const Answer& answer) {
  (void)judge_discovery(answer);
  if (const auto* result = answer.result()) {
    (void)result_kind(*result);
    (void)describe_result(*result);
    (void)describe_resource(*result);
    try {
      (void)read_initialize(*result);
    } catch (const sennit::Error&) {
    }
    if (const auto parameters = header_parameters(*result)) {
      for (const HeaderParameter& parameter : *parameters) (void)header_value(parameter, *result);
    }
  }
  check_same(answer);
}

void look_into(const Unreadable& unreadable) {
  if (unreadable.fault.code == 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto messages = read_messages(text);
  if (messages.empty()) std::abort();
  for (const Message& message : messages) std::visit([](const auto& one) { look_into(one); }, message);
  if (decode_header(encode_header(text)) != std::string(text)) std::abort();
  (void)decode_header(text);
  return 0;
}
