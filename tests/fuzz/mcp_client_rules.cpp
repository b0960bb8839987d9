// Whatever a server says about signing in, forms and tools: refused with an Error or taken, never a crash. The first
// byte says which rule is tried.
#include <sennit/agent/io/error.hpp>
#include <sennit/mcp/client/elicitation.hpp>
#include <sennit/mcp/client/http_channel.hpp>
#include <sennit/mcp/client/oauth_rules.hpp>
#include <sennit/mcp/client/pins.hpp>
#include <sennit/mcp/client/tool_names.hpp>

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace sennit;
using namespace sennit::mcp;

namespace {

void try_form(std::string_view text) {
  const auto schema = parse_json(text);
  if (!schema || !schema->is_object()) return;
  for (const FormField& field : read_form(schema->get_object())) {
    (void)question_for(field);
    for (const std::string_view answer : {"", "1", "yes", "a,b", "2026-01-01", "x@y"}) (void)read_answer(field, answer);
  }
}

void try_server(std::string_view text) {
  const auto metadata = parse_json(text);
  if (!metadata || !metadata->is_object()) return;
  const std::string issuer(find_string(*metadata, "issuer"));
  const oauth::Server server = oauth::read_server(metadata->get_object(), issuer);
  (void)oauth::method_for(server, true);
  (void)oauth::scopes_for({}, server.scopes, {}, server);
}

void try_pin(std::string_view text) {
  const auto tool = parse_json(text);
  if (!tool || !tool->is_object()) return;
  const json::object pinned = pinned_part(tool->get_object());
  if (!describe_change(pinned, pinned).empty()) std::abort();
  (void)describe_change(pinned, {});
  (void)hash_of(pinned);
}

void try_words(std::string_view text) {
  std::set<std::string> taken;
  for (int i = 0; i < 2; ++i) {
    const std::string name = name_for_model("server", text, taken);
    if (name.empty() || name.size() > 64) std::abort();
  }
  (void)matches(text.substr(0, text.size() / 2), text.substr(text.size() / 2));
  const oauth::Challenge challenge = oauth::read_challenge(text);
  (void)oauth::resource_metadata_urls(text, challenge);
  (void)oauth::server_metadata_urls(text);
  (void)oauth::covers(text, "https://example.com/");
  (void)names_loopback(text);
  (void)media_type(text);
  oauth::Fields fields{{std::string(text), std::string(text)}};
  const auto decoded = oauth::decode_form(oauth::encode_form(fields));
  if (decoded.size() != 1 || decoded.begin()->second != text) std::abort();
  (void)oauth::decode_form(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    switch (data[0] % 4) {
      case 0:
        try_form(text);
        break;
      case 1:
        try_server(text);
        break;
      case 2:
        try_pin(text);
        break;
      default:
        try_words(text);
    }
  } catch (const Error&) {
  }
  return 0;
}
