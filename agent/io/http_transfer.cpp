#include <sennit/agent/io/http_transfer.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

namespace sennit::http {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r' || text.back() == '\n')) {
    text.remove_suffix(1);
  }
  return text;
}

// The status of "HTTP/1.1 200 OK"; 0 if this is no status line.
int status_of(std::string_view line) {
  if (line.substr(0, 5) != "HTTP/") return 0;
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return 0;
  const std::string_view rest = trim(line.substr(space));
  int status = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), status);
  return status;
}

SteadyTime after(SteadyTime from, milliseconds limit) {
  return limit > milliseconds::zero() ? from + limit : SteadyTime::max();
}

}  // namespace

Transfer::Transfer(std::shared_ptr<Engine> engine, Request request)
    : engine_(std::move(engine)), request_(std::move(request)) {}

Transfer::~Transfer() {
  engine_->stop(*this);
}

// ---- for the reader ----

asio::awaitable<void> Transfer::begin() {
  validate(request_);
  if (engine_->closed()) throw Error(errc::cancelled, "the HTTP client was closed");
  easy_ = engine_->take_handle();
  header_list_ = configure(easy_.get(), *this, *engine_, request_);
  request_.headers = {};  // curl has its own copy
  curl_easy_setopt(easy_.get(), CURLOPT_ERRORBUFFER, words_.data());
  started_ = active_at_ = std::chrono::steady_clock::now();
  engine_->start(*this);
  while (!head_done_) {
    if (error_) throw *error_;
    co_await wait();
  }
}

asio::awaitable<std::string_view> Transfer::read() {
  delivered_.clear();
  for (;;) {
    if (!incoming_.empty()) {
      delivered_.swap(incoming_);
      if (std::exchange(paused_, false)) {
        active_at_ = std::chrono::steady_clock::now();
        if (LiveHook::is_linked()) engine_->resume(*this);
      }
      co_return delivered_;
    }
    if (error_) throw *error_;
    if (phase_ == Phase::done) co_return std::string_view{};
    co_await wait();
  }
}

void Transfer::allow_silence(milliseconds limit) {
  request_.deadlines.idle = limit;
  active_at_ = std::chrono::steady_clock::now();
  if (LiveHook::is_linked()) engine_->rearm(*this);
}

asio::awaitable<void> Transfer::wait() {
  if (signal_.try_wait()) co_return;
  try {
    co_await signal_.wait();
  } catch (...) {
    Error cancelled = current_error();
    abort(cancelled);
    throw cancelled;
  }
}

void Transfer::abort(Error error) {
  if (!error_) error_ = std::move(error);
  phase_ = Phase::done;
  engine_->stop(*this);
}

// ---- for the engine ----

EasyHandle Transfer::give_up_handle() {
  header_list_.reset();
  return std::move(easy_);
}

void Transfer::finished(CURLcode result) {
  if (result != CURLE_OK && !error_) {
    // curl says of a socket that it did not get what it says of one that was refused.
    const bool no_socket = result == CURLE_COULDNT_CONNECT && out_of_descriptors_;
    error_ = failure(result, phase_, request_, no_socket ? "too many open files (ulimit -n)" : words_.data());
  } else if (result == CURLE_OK && !head_done_ && !error_) {
    error_ = failure(CURLE_GOT_NOTHING, phase_, request_, "the answer has no head");
  }
  if (error_) engine_->log_failure(*error_);
  phase_ = Phase::done;
  engine_->wake(*this);
}

void Transfer::fail(Error error) {
  if (!error_) error_ = std::move(error);
  engine_->log_failure(*error_);
  phase_ = Phase::done;
  engine_->wake(*this);
}

void Transfer::deliver() {
  signal_.notify_now();
}

void Transfer::deliver_later() {
  signal_.notify();
}

SteadyTime Transfer::deadline() const noexcept {
  SteadyTime phase = SteadyTime::max();
  const Deadlines& limits = request_.deadlines;
  if (phase_ == Phase::connect) phase = after(active_at_, limits.connect);
  if (phase_ == Phase::first_byte) phase = after(active_at_, limits.first_byte);
  // While the reader is the slow one, the peer's silence means nothing.
  if (phase_ == Phase::body && !paused_) phase = after(active_at_, limits.idle);
  return std::min(phase, after(started_, limits.total));
}

Error Transfer::deadline_error(SteadyTime now) const {
  return deadline_failure(phase_, after(started_, request_.deadlines.total) <= now, request_);
}

// ---- curl's callbacks ----

bool Transfer::allowed(const sockaddr& address) {
  if (!request_.allow_address || request_.allow_address(address)) return true;
  if (!error_) error_ = Error(errc::denied, "the address of " + host_and_port(request_.url) + " is not allowed");
  return false;
}

curl_socket_t Transfer::on_open_socket(const curl_sockaddr& address) {
  if (!allowed(address.addr)) return CURL_SOCKET_BAD;
  const curl_socket_t socket = engine_->open_socket(address);
  out_of_descriptors_ = socket == CURL_SOCKET_BAD && errno == EMFILE;
  return socket;
}

bool Transfer::on_connected(const char* peer_ip) {
  phase_ = Phase::first_byte;
  active_at_ = std::chrono::steady_clock::now();
  engine_->rearm(*this);
  if (!request_.allow_address) return true;
  // The connection may be an old one that somebody opened without this rule.
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  if (::inet_pton(AF_INET6, peer_ip, &v6.sin6_addr) == 1) return allowed(reinterpret_cast<const sockaddr&>(v6));
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  if (::inet_pton(AF_INET, peer_ip, &v4.sin_addr) == 1) return allowed(reinterpret_cast<const sockaddr&>(v4));
  error_ = Error(errc::denied, "the peer's address cannot be read");
  return false;
}

bool Transfer::on_header(std::string_view line) {
  if (head_done_) return true;  // a trailer: nobody asked for it
  if (phase_ == Phase::first_byte) {
    phase_ = Phase::body;
    active_at_ = std::chrono::steady_clock::now();
    engine_->rearm(*this);
  }
  head_bytes_ += line.size();
  if (head_bytes_ > request_.limits.head) {
    error_ = Error(errc::too_large, "the head of the answer exceeds " + std::to_string(request_.limits.head) + " bytes")
                 .at(public_url(request_.url));
    return false;
  }
  const std::string_view text = trim(line);
  if (text.empty()) {
    end_of_head();
  } else if (const int status = status_of(text); status != 0) {
    status_ = status;
    headers_.clear();
  } else if ((line.front() == ' ' || line.front() == '\t') && !headers_.empty()) {
    headers_.back().value.append(1, ' ').append(text);
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    headers_.push_back({std::string(trim(text.substr(0, colon))), std::string(trim(text.substr(colon + 1)))});
  }
  return true;
}

void Transfer::end_of_head() {
  if (status_ >= 100 && status_ < 200) return;  // informational: the real head follows
  head_done_ = true;
  long version = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_HTTP_VERSION, &version);
  shares_connection_ = version > CURL_HTTP_VERSION_1_1;
  free_sent_body();
  engine_->wake(*this);
}

// A prompt may be long and its answer slow: thousands of them need not stay in memory. curl keeps a pointer to the
// body, so it may go only when all of it was sent.
void Transfer::free_sent_body() {
  curl_off_t sent = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_SIZE_UPLOAD_T, &sent);
  if (static_cast<std::size_t>(sent) == request_.body.size()) request_.body = std::string();
}

std::size_t Transfer::on_body(std::string_view bytes) {
  active_at_ = std::chrono::steady_clock::now();
  // A stream that shares its connection is not paused: curl 7.88 then reads nothing of that connection, the other
  // streams' bytes neither, and asks the busy socket again and again. limits.body bounds what it may hold unread.
  const bool full = !incoming_.empty() && incoming_.size() + bytes.size() > request_.limits.buffered;
  if (full && !shares_connection_) {
    paused_ = true;  // curl keeps the bytes and brings them again after resume()
    return CURL_WRITEFUNC_PAUSE;
  }
  if (bytes.size() > request_.limits.body - body_bytes_) {
    error_ = Error(errc::too_large, "the body of the answer exceeds " + std::to_string(request_.limits.body) + " bytes")
                 .at(public_url(request_.url));
    return 0;
  }
  body_bytes_ += bytes.size();
  incoming_.append(bytes);
  engine_->wake(*this);
  return bytes.size();
}

}  // namespace sennit::http
