// Coroutines that the HTTP tests share.
#pragma once

#include "support/fixtures.hpp"
#include "support/http_server.hpp"
#include <sennit/agent/io/http.hpp>

#include <string>
#include <utility>

namespace sennit::testing {

inline http::Request get(std::string url) {
  http::Request request;
  request.url = std::move(url);
  return request;
}

struct Answer {
  int status = 0;
  std::string body;
  std::size_t reads = 0;
};

/// Sends, reads to the end, and keeps what arrived before a failure in `seen`.
inline asio::awaitable<Answer> fetch(Environment& environment, http::Request request, std::string* seen = nullptr) {
  const auto response = co_await environment.http().send(std::move(request));
  Answer answer{response->status(), {}, 0};
  for (;;) {
    const std::string_view piece = co_await response->read();
    if (piece.empty()) co_return answer;
    ++answer.reads;
    answer.body += piece;
    if (seen != nullptr) *seen += piece;
  }
}

}  // namespace sennit::testing
