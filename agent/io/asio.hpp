// The few Asio names that public headers need, spelt once.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace sennit {
namespace asio = boost::asio;
}  // namespace sennit
