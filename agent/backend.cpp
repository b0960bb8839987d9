#include <sennit/agent/backend.hpp>

namespace sennit {

asio::awaitable<Selection> Backend::select(Environment& /*environment*/) const {
  co_return Selection{};
}

}  // namespace sennit
