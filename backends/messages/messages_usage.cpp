#include <sennit/backends/messages/messages_usage.hpp>
#include <sennit/backends/wire/json_fields.hpp>

namespace sennit {

namespace {

struct Sent {
  const json::value* input;
  const json::value* output;
  const json::value* cache_read;
  const json::value* cache_written;
  const json::value* thinking;
};

Sent find_counts(const json::object& usage) {
  const json::object* details = object_at(usage, "output_tokens_details");
  return {number_at(&usage, "input_tokens"), number_at(&usage, "output_tokens"),
          number_at(&usage, "cache_read_input_tokens"), number_at(&usage, "cache_creation_input_tokens"),
          number_at(details, "thinking_tokens")};
}

}  // namespace

bool MessagesUsage::take(const json::object& usage) {
  const Sent sent = find_counts(usage);
  bool any = take_tokens(sent.input, input_);
  any = take_tokens(sent.output, output_) || any;
  any = take_tokens(sent.cache_read, cache_read_) || any;
  any = take_tokens(sent.cache_written, cache_written_) || any;
  any = take_tokens(sent.thinking, thinking_) || any;
  return any;
}

Usage MessagesUsage::counts() const {
  return {input_, output_, cache_read_, thinking_};
}

Usage MessagesUsage::meaning() const {
  Usage usage = counts();
  for (const auto& part : {cache_read_, cache_written_}) {
    if (part) usage.input = usage.input.value_or(0) + *part;
  }
  usage.cache_write = cache_written_;
  return usage;
}

void MessagesUsage::note(const json::object& usage, json::object& sent) {
  const Sent found = find_counts(usage);
  note_counts(sent, found.input, found.output, found.cache_read, found.thinking);
}

}  // namespace sennit
