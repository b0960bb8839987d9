// Log records leave the library through one callback; the host program formats them.
#pragma once

#include <functional>
#include <string>

namespace sennit {

enum class LogLevel { debug, info, warning, error };

/// One thing worth telling an operator. Never holds secrets or message contents.
struct LogRecord {
  LogLevel level = LogLevel::info;
  std::string component;  ///< "http", "store", "run" …
  std::string message;
};

/// Called from any thread; must not throw and must not call back into the library.
using LogSink = std::function<void(const LogRecord&)>;

}  // namespace sennit
