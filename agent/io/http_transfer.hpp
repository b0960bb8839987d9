// Private: One request and its answer, between curl's callbacks and the coroutine that reads.
#pragma once

#include <sennit/agent/io/http.hpp>
#include <sennit/agent/io/http_engine.hpp>
#include <sennit/agent/io/signal.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::http {

enum class Phase { connect, first_byte, body, done };

struct HeaderListFree {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, HeaderListFree>;

class Transfer : public LiveHook, public ReadyHook {
 public:
  Transfer(std::shared_ptr<Engine> engine, Request request);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // ---- for the reader ----
  /// Sends the request and waits for the head of the answer.
  [[nodiscard]] asio::awaitable<void> begin();
  /// See Response::read().
  [[nodiscard]] asio::awaitable<std::string_view> read();
  /// See Response::allow_silence().
  void allow_silence(milliseconds limit);
  [[nodiscard]] int status() const noexcept { return status_; }
  [[nodiscard]] const std::vector<Header>& headers() const noexcept { return headers_; }

  // ---- for the engine ----
  [[nodiscard]] CURL* easy() const noexcept { return easy_.get(); }
  [[nodiscard]] EasyHandle give_up_handle();
  void finished(CURLcode result);
  void fail(Error error);
  /// Lets the reader continue, which may destroy this.
  void deliver();
  void deliver_later();  ///< in a handler of its own
  [[nodiscard]] SteadyTime deadline() const noexcept;
  [[nodiscard]] Error deadline_error(SteadyTime now) const;
  std::optional<DeadlineQueue::iterator> deadline_entry;

  // ---- curl's callbacks, on behalf of this transfer ----
  [[nodiscard]] bool on_header(std::string_view line);
  /// How many bytes were taken; fewer than all of them ends the transfer, or pauses it.
  [[nodiscard]] std::size_t on_body(std::string_view bytes);
  [[nodiscard]] bool on_connected(const char* peer_ip);
  [[nodiscard]] curl_socket_t on_open_socket(const curl_sockaddr& address);

 private:
  void end_of_head();
  void free_sent_body();
  void abort(Error error);
  [[nodiscard]] bool allowed(const sockaddr& address);
  [[nodiscard]] asio::awaitable<void> wait();

  std::shared_ptr<Engine> engine_;
  Request request_;
  EasyHandle easy_;
  HeaderList header_list_;
  Signal signal_;
  SteadyTime started_{};
  SteadyTime active_at_{};  // begin of the phase, or the last sign of life in it
  std::vector<Header> headers_;
  std::string incoming_;
  std::string delivered_;
  std::optional<Error> error_;
  std::size_t head_bytes_ = 0;
  std::size_t body_bytes_ = 0;
  int status_ = 0;
  Phase phase_ = Phase::connect;
  bool head_done_ = false;
  bool shares_connection_ = false;  // HTTP/2 and later
  bool out_of_descriptors_ = false;
  bool paused_ = false;
  std::array<char, CURL_ERROR_SIZE> words_{};
};

/// Sets every option of `easy` for the request. Returns the header list, which must live as long as the transfer.
[[nodiscard]] HeaderList configure(CURL* easy, Transfer& transfer, Engine& engine, const Request& request);

/// Throws Error(errc::invalid_argument) for a request that must not be put on the wire.
void validate(const Request& request);

/// `host:port` of a URL, for messages; the URL's beginning if it cannot be parsed.
[[nodiscard]] std::string host_and_port(const std::string& url);
/// A URL without user, query and fragment: what an Error may show.
[[nodiscard]] std::string public_url(const std::string& url);
/// What curl's result means for the caller.
[[nodiscard]] Error failure(CURLcode result, Phase phase, const Request& request, std::string_view words);
/// A deadline that has passed, in words.
[[nodiscard]] Error deadline_failure(Phase phase, bool total, const Request& request);

}  // namespace sennit::http
