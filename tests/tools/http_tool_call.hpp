// Calling the http tool against servers on this machine.
#pragma once

#include "support/http_server.hpp"
#include "tools/tool_call.hpp"
#include <sennit/tools/http_tool.hpp>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>

namespace sennit::testing {

/// The server is on loopback, which the tool refuses unless it is told otherwise.
inline HttpSettings local() {
  HttpSettings settings;
  settings.allow_private = true;
  return settings;
}

inline std::string get_url(TestEnvironment& environment, const std::string& url, HttpSettings settings = local()) {
  return call(environment, make_http(std::move(settings)), "http_get", {{"url", url}});
}

inline Error get_error(TestEnvironment& environment, const std::string& url, HttpSettings settings = local()) {
  return call_error(environment, make_http(std::move(settings)), "http_get", {{"url", url}});
}

/// A failure that may quote a server is an output, so that it has the label of that server's words.
inline std::string get_refusal(TestEnvironment& environment, const std::string& url, HttpSettings settings = local()) {
  const ToolOutput output = call_output(environment, make_http(std::move(settings)), "http_get", {{"url", url}});
  if (!output.is_error || output.labels.untrusted.empty()) throw std::runtime_error("no refusal: " + output.content);
  return output.content;
}

/// `allow_hosts` for one server.
inline std::string host_of(const HttpServer& server) {
  return "127.0.0.1:" + std::to_string(server.port());
}

/// An environment variable for the length of a test.
class Variable {
 public:
  Variable(std::string name, const std::string& value) : name_(std::move(name)) {
    ::setenv(name_.c_str(), value.c_str(), 1);
  }
  ~Variable() { ::unsetenv(name_.c_str()); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  std::string name_;
};

}  // namespace sennit::testing
