#include <sennit/agent/io/http_engine.hpp>
#include <sennit/agent/io/http_transfer.hpp>

#include <boost/asio/post.hpp>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace sennit::http {
namespace {

// Spare easy handles; each holds a few KiB.
constexpr std::size_t kSpareHandles = 128;
// Ready sockets looked at in one turn; the rest follows in the next one.
constexpr int kSocketsPerTurn = 128;

void initialise_curl_once() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (result != CURLE_OK) throw Error(errc::internal, std::string("libcurl: ") + curl_easy_strerror(result));
}

int make_epoll_set() {
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  if (set < 0) throw Error(errc::io, std::string("epoll_create1: ") + std::strerror(errno));
  return set;
}

}  // namespace

Engine::Engine(const asio::any_io_executor& executor, std::size_t idle_connections, LogSink log)
    : executor_(executor),
      idle_connections_(idle_connections),
      log_(std::move(log)),
      set_(std::in_place, executor, make_epoll_set()),
      timer_(std::in_place, executor) {
  initialise_curl_once();
  make_multi();
}

Engine::~Engine() {
  spare_.clear();
  if (multi_ != nullptr) curl_multi_cleanup(multi_);
}

void Engine::make_multi() {
  multi_ = curl_multi_init();
  if (multi_ == nullptr) throw Error(errc::internal, "libcurl: out of memory");
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Engine::on_socket_change);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Engine::on_timer_change);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  // Above any number of concurrent transfers, so that a connection is never closed for lack of room between two
  // requests; trim() bounds what is kept when all is quiet.
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 1L << 20);
}

// ---- what transfers ask for ----

EasyHandle Engine::take_handle() {
  if (!spare_.empty()) {
    EasyHandle handle = std::move(spare_.back());
    spare_.pop_back();
    return handle;
  }
  EasyHandle handle(curl_easy_init());
  if (!handle) throw Error(errc::internal, "libcurl: out of memory");
  return handle;
}

void Engine::start(Transfer& transfer) {
  const CURLMcode result = curl_multi_add_handle(multi_, transfer.easy());
  if (result != CURLM_OK) throw Error(errc::internal, std::string("libcurl: ") + curl_multi_strerror(result));
  ++active_;
  live_.push_back(transfer);
  rearm(transfer);
  kick();
}

void Engine::stop(Transfer& transfer) {
  if (transfer.deadline_entry) deadlines_.erase(*std::exchange(transfer.deadline_entry, std::nullopt));
  if (transfer.LiveHook::is_linked()) {
    transfer.LiveHook::unlink();
    curl_multi_remove_handle(multi_, transfer.easy());
    if (--active_ == 0 && !in_turn_) kick();  // the turn lets go of the loop
  }
  if (EasyHandle handle = transfer.give_up_handle(); handle && spare_.size() < kSpareHandles && !closed_) {
    curl_easy_reset(handle.get());
    spare_.push_back(std::move(handle));
  }
}

void Engine::wake(Transfer& transfer) {
  if (!transfer.ReadyHook::is_linked()) ready_.push_back(transfer);
  if (!in_turn_) kick();
}

void Engine::resume(Transfer& transfer) {
  // curl hands over here what it held back, so this may fail, or pause again.
  if (const CURLcode result = curl_easy_pause(transfer.easy(), CURLPAUSE_CONT); result != CURLE_OK) {
    transfer.finished(result);
    stop(transfer);
    return;
  }
  rearm(transfer);
  kick();
}

void Engine::rearm(Transfer& transfer) {
  const SteadyTime due = transfer.deadline();
  auto& entry = transfer.deadline_entry;
  if (entry && (*entry)->first <= due) return;
  if (entry) deadlines_.erase(*entry);
  entry.reset();
  if (due != SteadyTime::max()) entry = deadlines_.emplace(due, &transfer);
  if (!in_turn_) schedule();
}

void Engine::close() {
  closed_ = true;
  while (!live_.empty()) {
    Transfer& transfer = live_.front();
    transfer.fail(Error(errc::cancelled, "the HTTP client was closed"));
    stop(transfer);
  }
  // Their readers continue from the loop's queue, or go with it: no further turn may come to flush them.
  while (!ready_.empty()) {
    Transfer& transfer = ready_.front();
    ready_.pop_front();
    transfer.deliver_later();
  }
  spare_.clear();
  curl_multi_cleanup(std::exchange(multi_, nullptr));
  set_.reset();
  fires_at_ = SteadyTime::max();
  timer_.reset();
}

void Engine::log_failure(const Error& error) const {
  if (log_) log_({LogLevel::debug, "http", std::string(to_string(error.code())) + ": " + error.describe()});
}

// ---- curl's callbacks ----

curl_socket_t Engine::open_socket(const curl_sockaddr& address) noexcept {
  const int socket = ::socket(address.family, address.socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.protocol);
  if (socket >= 0) ++open_sockets_;
  return socket;
}

int Engine::close_socket(void* engine, curl_socket_t socket) noexcept {
  auto& self = *static_cast<Engine*>(engine);
  // A child between fork and exec shares the socket, which would keep a closed one in the set: take it out.
  ::epoll_ctl(self.set_->native_handle(), EPOLL_CTL_DEL, socket, nullptr);
  --self.open_sockets_;
  return ::close(socket);
}

int Engine::on_socket_change(CURL*, curl_socket_t socket, int what, void* engine, void* known) noexcept {
  auto& self = *static_cast<Engine*>(engine);
  const int set = self.set_->native_handle();
  if (what == CURL_POLL_REMOVE) {
    ::epoll_ctl(set, EPOLL_CTL_DEL, socket, nullptr);  // it may be closed already: then there is nothing to do
    return 0;
  }
  epoll_event event{};
  event.events = ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
  event.data.fd = socket;
  // curl's resolver closes its own sockets without a word, so what we know of a number may be out of date.
  const int first = known != nullptr ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (::epoll_ctl(set, first, socket, &event) != 0) {
    const int second = errno == EEXIST ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (::epoll_ctl(set, second, socket, &event) != 0) return -1;
  }
  if (known == nullptr) curl_multi_assign(self.multi_, socket, &self);
  return 0;
}

int Engine::on_timer_change(CURLM*, long timeout_ms, void* engine) noexcept {
  auto& self = *static_cast<Engine*>(engine);
  self.curl_due_ =
      timeout_ms < 0 ? SteadyTime::max() : std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  return 0;
}

// ---- turns ----

void Engine::on_sockets() {
  watching_ = false;
  if (closed_) return;
  in_turn_ = true;
  if (active_ > 0) poll_sockets();
  run_due();
  finish_turn();
}

void Engine::on_timer() {
  fires_at_ = SteadyTime::max();
  if (closed_) return;
  in_turn_ = true;
  run_due();
  expire_deadlines();
  finish_turn();
}

void Engine::on_kick() {
  kicked_ = false;
  if (closed_) return flush();
  in_turn_ = true;
  run_due();
  finish_turn();
}

void Engine::poll_sockets() {
  std::array<epoll_event, kSocketsPerTurn> events;
  const int count = ::epoll_wait(set_->native_handle(), events.data(), kSocketsPerTurn, 0);
  for (int i = 0; i < count; ++i) {
    const std::uint32_t seen = events[i].events;
    int flags = 0;
    if ((seen & (EPOLLIN | EPOLLHUP)) != 0) flags |= CURL_CSELECT_IN;
    if ((seen & EPOLLOUT) != 0) flags |= CURL_CSELECT_OUT;
    if ((seen & EPOLLERR) != 0) flags |= CURL_CSELECT_ERR;
    int running = 0;
    curl_multi_socket_action(multi_, events[i].data.fd, flags, &running);
  }
}

void Engine::run_due() {
  if (curl_due_ == SteadyTime::max() || curl_due_ > std::chrono::steady_clock::now()) return;
  curl_due_ = SteadyTime::max();
  int running = 0;
  curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
}

void Engine::expire_deadlines() {
  const SteadyTime now = std::chrono::steady_clock::now();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    Transfer& transfer = *deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    transfer.deadline_entry.reset();
    if (transfer.deadline() > now) {
      rearm(transfer);
    } else {
      transfer.fail(transfer.deadline_error(now));
      stop(transfer);
    }
  }
}

void Engine::collect() {
  int left = 0;
  while (CURLMsg* const message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode result = message->data.result;  // the message dies with the handle's removal
    char* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    auto& done = *reinterpret_cast<Transfer*>(transfer);
    done.finished(result);
    stop(done);
  }
}

// From here on the readers run: they may start and stop transfers, and close this engine.
void Engine::finish_turn() {
  collect();
  in_turn_ = false;
  flush();
  if (closed_) return;
  if (active_ == 0) {
    trim();
    if (watching_) set_->cancel();
    if (std::exchange(fires_at_, SteadyTime::max()) != SteadyTime::max()) timer_->cancel();
    return;
  }
  watch();
  schedule();
}

void Engine::flush() {
  while (!ready_.empty()) {
    Transfer& transfer = ready_.front();
    ready_.pop_front();
    transfer.deliver();
  }
}

// A burst of thousands must not hold its sockets for ever. curl cannot close a few of them, so all go.
void Engine::trim() {
  if (open_sockets_ <= idle_connections_) return;
  curl_multi_cleanup(std::exchange(multi_, nullptr));
  curl_due_ = SteadyTime::max();
  make_multi();
}

void Engine::watch() {
  if (std::exchange(watching_, true)) return;
  set_->async_wait(asio::posix::descriptor_base::wait_read,
                   [self = shared_from_this()](const boost::system::error_code&) { self->on_sockets(); });
}

void Engine::schedule() {
  const SteadyTime nearest = deadlines_.empty() ? SteadyTime::max() : deadlines_.begin()->first;
  const SteadyTime wanted = std::min(curl_due_, nearest);
  if (wanted >= fires_at_ || active_ == 0) return;
  fires_at_ = wanted;
  timer_->expires_at(wanted);
  timer_->async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (error) return;
    self->on_timer();
  });
}

void Engine::kick() {
  if (std::exchange(kicked_, true)) return;
  asio::post(executor_, [self = shared_from_this()] { self->on_kick(); });
}

}  // namespace sennit::http
