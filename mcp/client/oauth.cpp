#include <sennit/mcp/client/oauth.hpp>

namespace sennit::mcp {

std::shared_ptr<Authorizer> make_oauth(Environment& /*environment*/, const McpServer& /*server*/,
                                       const std::filesystem::path& /*state*/) {
  return nullptr;
}

}  // namespace sennit::mcp
