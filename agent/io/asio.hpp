// The few Asio names that public headers need, spelt once.
#pragma once

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#error "Sennit needs clang, or g++ 13 or later: g++ 12 miscompiles coroutines"
#endif

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace sennit {
namespace asio = boost::asio;
}  // namespace sennit

/// For what a coroutine calls and need not keep: inlined, its locals would join the coroutine's frame, which every
/// waiting run holds.
#define SENNIT_OUT_OF_FRAME [[gnu::noinline]]
