#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/io/sse.hpp>
#include <sennit/agent/io/timeout.hpp>
#include <sennit/mcp/client/hop.hpp>
#include <sennit/mcp/client/lock.hpp>
#include <sennit/mcp/client/loop_end.hpp>
#include <sennit/mcp/client/pending.hpp>
#include <sennit/mcp/client/stdio_link.hpp>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>

namespace sennit::mcp {
namespace {

constexpr std::size_t kPiece = 64ULL << 10U;
constexpr std::size_t kTail = 4'096;     // of standard error
constexpr std::size_t kTailShown = 600;  // of that, in a message
constexpr std::size_t kExcerpt = 120;    // of a line that is no message
constexpr milliseconds kStep{10};
constexpr milliseconds kLastWords{100};         // for standard error, once the output has ended
constexpr milliseconds kExit{300};              // for a server that closed its output to end
constexpr milliseconds kAfterInput{1'500};      // for one whose input was closed
constexpr milliseconds kAfterTerminate{1'500};  // for one that got SIGTERM

std::string excerpt(std::string_view text) {
  std::string shown = sanitize_utf8(text.substr(0, kExcerpt));
  if (text.size() > kExcerpt) shown += "…";
  return shown;
}

/// The child and what was read of it. Shared with the coroutines that read it and with the one that ends it.
struct Child {
  explicit Child(std::unique_ptr<ServerProcess> started) : server(std::move(started)) {}

  [[nodiscard]] std::string last_words() const {
    std::string_view text = tail;
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
    if (text.size() > kTailShown) text.remove_prefix(text.size() - kTailShown);
    return text.empty() ? std::string() : "; its last words: " + sanitize_utf8(text);
  }

  [[nodiscard]] Process& process() const { return server->process(); }

  std::unique_ptr<ServerProcess> server;  // null once it is gone
  NdjsonReader lines{StreamLimits{.line = kMaxMessage, .event = kMaxMessage, .lines = 1}};
  std::string tail;
  std::unique_ptr<LoopEndEntry> at_end;
  bool errors_open = true;
  bool output_open = true;
};

asio::awaitable<void> read_tail(std::shared_ptr<Child> child) {
  const auto buffer = std::make_unique<std::array<char, 4'096>>();
  while (child->server && child->errors_open) {
    const std::size_t length = co_await child->process().read_errors(*buffer);
    if (length == 0) child->errors_open = false;
    child->tail.append(buffer->data(), length);
    if (child->tail.size() > kTail) child->tail.erase(0, child->tail.size() - kTail);
  }
}

/// Closes its input, waits, asks it to end, waits, and kills it.
asio::awaitable<void> end(Environment& environment, std::shared_ptr<Child> child) {
  try {
    child->process().close_input();
    auto waiting = child->server->ended();
    (void)co_await with_timeout(environment, kAfterInput, std::move(waiting), "its end");
  } catch (const Error& error) {
    if (error.code() != errc::timeout || !child->server) co_return;
    child->process().terminate(kAfterTerminate);
  }
  try {
    if (child->server) (void)co_await child->server->ended();
  } catch (const Error&) {  // its keeper was killed: there is nothing left to wait for
  }
  child->server.reset();
}

class StdioLink final : public Link, public std::enable_shared_from_this<StdioLink> {
 public:
  StdioLink(Environment& environment, std::string name, StartServer start, Inbox& inbox)
      : environment_(environment), name_(std::move(name)), start_(std::move(start)), inbox_(&inbox) {}
  ~StdioLink() override { close(); }
  StdioLink(const StdioLink&) = delete;
  StdioLink& operator=(const StdioLink&) = delete;

  asio::awaitable<void> open() override {
    auto starting = start_();
    child_ = std::make_shared<Child>(co_await std::move(starting));
    // A Process must not outlive its loop.
    child_->at_end = at_loop_end(environment_.executor(), [child = std::weak_ptr<Child>(child_)] {
      if (const auto alive = child.lock()) alive->server.reset();
    });
  }

  asio::awaitable<Answer> request(Outgoing request) override {
    if (dead_) throw NotTaken(dead_->code(), dead_->message());
    Pending::Waiter waiter(pending_, request.id);
    const Listening listening(*this);
    co_await send(write_message(Request{request.id, std::move(request.method), std::move(request.params)}));
    co_return co_await waiter.wait();
  }

  asio::awaitable<void> notify(Notification notification) override { return send(write_message(notification)); }
  asio::awaitable<void> answer(Answer answer) override { return send(write_message(answer)); }
  void agreed(const ServerFacts& /*facts*/) override {}
  bool usable() const override { return child_ && child_->server && !dead_; }

  void catch_up() override {
    if (!usable() || !child_->output_open) return;
    // A pipe holds no more than this. Its end is left to whoever asks next.
    const auto buffer = std::make_unique<std::array<char, kPiece>>();
    try {
      if (const auto length = child_->process().try_read_output(*buffer)) take_all({buffer->data(), *length});
    } catch (const Error& error) {
      broke(error);
    }
  }

  void close() override {
    if (!dead_) dead_ = Error(errc::cancelled, "the connection to " + name_ + " was closed");
    reading_.reset();
    inbox_ = nullptr;
    pending_.fail(*dead_);
    if (!child_ || !child_->server || std::exchange(closed_, true)) return;
    auto ending = end(environment_, child_);
    let_run(environment_.executor(), std::move(ending));
  }

 private:
  /// Reads while it lives; several requests share the reading.
  struct Listening {
    explicit Listening(StdioLink& of_link) : link(of_link) {
      if (link.listeners_++ == 0) link.listen();
    }
    ~Listening() {
      if (--link.listeners_ == 0) link.reading_.reset();
    }
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;
    StdioLink& link;
  };

  void listen() {
    // The readers may be in the middle of a step when this link goes.
    const std::shared_ptr<StdioLink> self = shared_from_this();
    reading_ = std::make_unique<TaskScope>(environment_.executor(), [weak = weak_from_this()](const Error& error) {
      if (const auto link = weak.lock()) link->broke(error);
    });
    reading_->spawn(read_output(self));
    reading_->spawn(read_tail(child_));
  }

  asio::awaitable<void> read_output(std::shared_ptr<StdioLink> /*self*/) {
    const std::shared_ptr<Child> child = child_;
    const auto buffer = std::make_unique<std::array<char, kPiece>>();
    while (child->server && child->output_open) {
      const std::size_t length = co_await child->process().read_output(*buffer);
      child->output_open = length > 0;
      take_all({buffer->data(), length});
    }
    auto finding = find_out();
    co_await std::move(finding);
  }

  void take_all(std::string_view bytes) {
    const std::shared_ptr<Child> child = child_;
    child->lines.push(bytes);
    while (const auto line = child->lines.next()) take(*line);
  }

  void take(std::string_view line) {
    if (dead_ || inbox_ == nullptr) return;
    if (++messages_ > kMaxMessagesPerCall) {
      throw Error(errc::too_large,
                  fmt::format("{} sent more than {} messages and no answer", name_, kMaxMessagesPerCall));
    }
    for (Message& message : read_messages(line)) dispatch(std::move(message), line);
  }

  void dispatch(Message message, std::string_view line) {
    if (inbox_ == nullptr) return;
    if (auto* answer = std::get_if<Answer>(&message)) {
      const std::string id = answer->id ? describe(*answer->id) : "no id";
      if (pending_.settle(std::move(*answer))) {
        messages_ = 0;
      } else {
        garbage("answered " + id + ", which nobody asked");
      }
    } else if (auto* notification = std::get_if<Notification>(&message)) {
      inbox_->notified(std::move(*notification), pending_.only());
    } else if (auto* request = std::get_if<Request>(&message)) {
      inbox_->asked(std::move(*request), pending_.only());
    } else {
      garbage("wrote what is no message (" + std::get<Unreadable>(message).fault.message + "): " + excerpt(line));
    }
  }

  void garbage(const std::string& what) {
    if (++garbage_ > kMaxGarbage) {
      throw Error(errc::protocol, fmt::format("{} {}, after {} lines like that", name_, what, kMaxGarbage));
    }
    inbox_->warned(name_ + " " + what);
  }

  /// Its output has ended. Why?
  asio::awaitable<void> find_out() {
    const std::shared_ptr<Child> child = child_;
    std::string how = "closed its output";
    std::exception_ptr cut;
    try {  // the other reader is at its standard error
      for (milliseconds waited{0}; child->errors_open && waited < kLastWords; waited += kStep) {
        co_await environment_.sleep(kStep);
      }
      if (child->server) {
        auto waiting = child->server->ended();
        how = co_await with_timeout(environment_, kExit, std::move(waiting), "its end");
      }
    } catch (const Error& error) {
      if (error.code() == errc::cancelled) cut = std::current_exception();
    }
    lose(Error(errc::truncated, name_ + " " + how + child->last_words()));
    if (cut) std::rethrow_exception(cut);
  }

  void broke(const Error& error) { lose(Error(error.code(), name_ + ": " + error.message())); }

  /// Nothing can be said to it any more.
  void lose(const Error& error) {
    if (dead_) return;
    dead_ = error;
    pending_.fail(error);
  }

  asio::awaitable<void> send(std::string line) {
    line += '\n';
    auto acquiring = writing_.acquire();
    const Lock::Held held = co_await std::move(acquiring);
    if (dead_) throw Error(*dead_);
    const std::shared_ptr<Child> child = child_;
    // Whatever cuts a line short: half of it stands in the pipe, and nothing can follow it.
    struct Guard {
      StdioLink& link;
      bool whole = false;
      ~Guard() {
        if (!whole) link.lose(Error(errc::io, link.name_ + " does not read its input"));
      }
    } guard{*this};
    bool taken = false;
    try {
      co_await child->process().write(std::move(line));
      taken = true;
    } catch (const Error& error) {
      if (error.code() != errc::io) throw;
    }
    guard.whole = true;
    if (taken) co_return;
    // The end of the line was not taken, so nothing was done.
    auto finding = find_out();
    co_await std::move(finding);
    throw NotTaken(errc::io, dead_->message());
  }

  Environment& environment_;
  const std::string name_;
  const StartServer start_;
  Inbox* inbox_;  // null once closed
  std::shared_ptr<Child> child_;
  std::unique_ptr<TaskScope> reading_;
  std::size_t listeners_ = 0;
  std::size_t messages_ = 0;  // since the last answer
  std::size_t garbage_ = 0;
  Pending pending_;
  Lock writing_;
  std::optional<Error> dead_;
  bool closed_ = false;
};

}  // namespace

std::shared_ptr<Link> make_stdio_link(Environment& environment, std::string name, StartServer start, Inbox& inbox) {
  return std::make_shared<StdioLink>(environment, std::move(name), std::move(start), inbox);
}

}  // namespace sennit::mcp
