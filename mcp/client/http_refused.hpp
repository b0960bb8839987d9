// Private: an HTTP status that is no message of the protocol.
#pragma once

#include <sennit/agent/io/error.hpp>

namespace sennit::mcp {

/// Its status() is the HTTP status.
class HttpRefused : public Error {
 public:
  using Error::Error;
  explicit HttpRefused(const Error& error) : Error(error) {}
};

}  // namespace sennit::mcp
