// What most sources include: a third of a build is saved. Of ours, only what nearly everything includes anyway.
#pragma once

#include <sennit/agent/event.hpp>
#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/io/signal.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/agent/runtime.hpp>
#include <sennit/agent/typed_tool.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>
