#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/io/signal.hpp>
#include <sennit/agent/io/timeout.hpp>
#include <sennit/mcp/server/stdio_endpoint.hpp>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <utility>

namespace sennit::mcp {
namespace {

using Descriptor = asio::posix::stream_descriptor;

// Unwritten bytes beyond which nothing is said that nobody would miss.
constexpr std::size_t kRoom = 1ULL << 20U;
// Beyond that the client is not read any more until it reads.
constexpr std::size_t kMostUnwritten = 32ULL << 20U;
// A client that has ended its input may still want what was answered.
constexpr milliseconds kLastWords{2'000};

Error broken(const char* what) {
  return {errc::io, std::string(what) + ": " + std::strerror(errno)};
}

/// A descriptor of our own for the same pipe or socket. Pipes and terminals are opened a second time, because making
/// the inherited one non-blocking would change it for everybody who shares it.
class End {
 public:
  End(const asio::any_io_executor& executor, int shared, int mode) : descriptor_(executor) {
    const std::string path = "/proc/self/fd/" + std::to_string(shared);
    // A file keeps its place only with whoever opened it: it is shared, and needs no waiting.
    struct stat status{};
    const bool file = ::fstat(shared, &status) == 0 && S_ISREG(status.st_mode);
    if (!file) number_ = ::open(path.c_str(), mode | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (number_ < 0) number_ = ::fcntl(shared, F_DUPFD_CLOEXEC, 0);
    if (number_ < 0) throw broken("a standard stream cannot be used");
    boost::system::error_code error;
    descriptor_.assign(number_, error);
    waits_ = !error;  // files are always ready, and cannot be waited for
    if (waits_) descriptor_.native_non_blocking(true, error);
  }
  ~End() {
    if (!waits_) ::close(number_);
  }
  End(const End&) = delete;
  End& operator=(const End&) = delete;

  /// Not before it is likely to be ready.
  asio::awaitable<void> ready(Descriptor::wait_type what) {
    if (waits_) co_await descriptor_.async_wait(what, asio::use_awaitable);
  }
  [[nodiscard]] int number() const { return number_; }

 private:
  Descriptor descriptor_;
  int number_ = -1;
  bool waits_ = false;
};

bool is_later(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/// Lines to be written, by whoever has them.
class Lines final : public Outlet {
 public:
  void put(json::object message) override {
    std::string line = json::serialize(message) + "\n";
    bytes_ += line.size();
    lines_.push_back(std::move(line));
    changed_.notify();
  }
  void answer(json::object message) override { put(std::move(message)); }
  void drop() override {}
  [[nodiscard]] bool has_room() const override { return bytes_ < kRoom; }
  [[nodiscard]] bool is_full() const { return bytes_ > kMostUnwritten; }
  void close() {
    closed_ = true;
    changed_.notify();
  }

  /// Writes what there is and what comes, until close().
  static asio::awaitable<void> write(std::shared_ptr<Lines> self, std::shared_ptr<End> end) {
    while (true) {
      while (!self->lines_.empty()) {
        const std::string line = std::move(self->lines_.front());
        self->lines_.pop_front();
        auto writing = write_all(*end, line);
        co_await std::move(writing);
        self->bytes_ -= line.size();
        self->room_.notify();
      }
      if (self->closed_) co_return;
      co_await self->changed_.wait();
    }
  }
  asio::awaitable<void> room() {
    while (is_full() && !closed_) co_await room_.wait();
  }

 private:
  static asio::awaitable<void> write_all(End& end, const std::string& line) {
    std::string_view rest = line;
    while (!rest.empty()) {
      const ssize_t count = ::write(end.number(), rest.data(), rest.size());
      if (count > 0) {
        rest.remove_prefix(static_cast<std::size_t>(count));
      } else if (is_later(errno)) {
        co_await end.ready(Descriptor::wait_write);
      } else {
        throw broken("standard output cannot be written");
      }
    }
  }

  std::deque<std::string> lines_;
  std::size_t bytes_ = 0;
  bool closed_ = false;
  Signal changed_;
  Signal room_;
};

/// Cuts what is read into lines. One that is too long is dropped, and reported once.
class LineReader {
 public:
  enum class Kind { line, too_long };
  struct Line {
    Kind kind = Kind::line;
    std::string text{};
  };
  void push(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      if (!skipping_) text_ += bytes.substr(0, end);
      if (text_.size() > kMaxMessage) {
        lines_.push_back({Kind::too_long});
        text_ = std::string();
        skipping_ = true;
      }
      if (end == std::string_view::npos) return;
      if (!std::exchange(skipping_, false)) lines_.push_back({Kind::line, std::exchange(text_, {})});
      bytes.remove_prefix(end + 1);
    }
  }
  [[nodiscard]] std::optional<Line> next() {
    if (lines_.empty()) return std::nullopt;
    Line line = std::move(lines_.front());
    lines_.pop_front();
    return line;
  }
  /// The last line may lack its end.
  void finish() {
    if (!skipping_ && !text_.empty()) lines_.push_back({Kind::line, std::exchange(text_, {})});
  }

 private:
  std::string text_;
  std::deque<Line> lines_;
  bool skipping_ = false;
};

bool is_blank_line(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

/// One client at the other end.
struct Conversation {
  Conversation(Server& of, std::shared_ptr<Lines> to) : server(of), peer(of.meet()), lines(std::move(to)) {
    peer->set_outlet(lines);
  }
  ~Conversation() { server.leave(peer); }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  void take(const LineReader::Line& line) {
    if (line.kind == LineReader::Kind::too_long) {
      const std::string why = "a message is longer than " + std::to_string(kMaxMessage) + " bytes";
      lines->put(to_json(Answer{{}, Fault{code::kInvalidRequest, why, {}}}));
      return;
    }
    if (is_blank_line(line.text)) return;
    for (Message& message : read_messages(line.text)) server.take(peer, std::move(message), lines);
  }

  asio::awaitable<void> read(End& end) {
    LineReader reader;
    std::array<char, 65'536> piece{};
    while (true) {
      co_await lines->room();
      const ssize_t count = ::read(end.number(), piece.data(), piece.size());
      if (count < 0 && is_later(errno)) {
        co_await end.ready(Descriptor::wait_read);
        continue;
      }
      if (count < 0 && errno != EIO) throw broken("standard input cannot be read");
      if (count > 0) reader.push(std::string_view(piece.data(), static_cast<std::size_t>(count)));
      if (count <= 0) reader.finish();
      while (const auto line = reader.next()) take(*line);
      if (count <= 0) co_return;
    }
  }

  Server& server;
  std::shared_ptr<ServerPeer> peer;
  std::shared_ptr<Lines> lines;
};

/// Waits for the last words, not for long.
asio::awaitable<void> until(Environment& environment, asio::awaitable<void> done) {
  try {
    co_await with_timeout(environment, kLastWords, std::move(done), "the last words");
  } catch (const Error& error) {
    if (error.code() != errc::timeout) throw;
  }
}

asio::awaitable<void> converse(Server& server, std::shared_ptr<Lines> lines, std::shared_ptr<End> input) {
  {
    Conversation conversation(server, lines);
    auto reading = conversation.read(*input);
    co_await std::move(reading);
    auto settling = conversation.peer->settled();
    co_await until(server.environment(), std::move(settling));
  }
  lines->close();
}

}  // namespace

asio::awaitable<void> serve_stdio(Server& server, int input, int output) {
  Environment& environment = server.environment();
  const auto in = std::make_shared<End>(environment.executor(), input, O_RDONLY);
  const auto out = std::make_shared<End>(environment.executor(), output, O_WRONLY);
  const auto lines = std::make_shared<Lines>();
  std::optional<Error> failure;
  // Either may end the other: no input, or nobody who reads.
  TaskScope writing(environment.executor(), {});
  TaskScope reading(environment.executor(), {});
  struct Work {
    static asio::awaitable<void> write(std::shared_ptr<Lines> lines, std::shared_ptr<End> end, TaskScope& other) {
      try {
        co_await Lines::write(lines, end);
      } catch (...) {
        other.cancel();
        throw;
      }
    }
    static asio::awaitable<void> read(Server& server, std::shared_ptr<Lines> lines, std::shared_ptr<End> end,
                                      std::optional<Error>& failure) {
      try {
        co_await converse(server, lines, end);
      } catch (...) {
        failure = current_error();
      }
      lines->close();
    }
  };
  writing.spawn(Work::write(lines, out, reading));
  reading.spawn(Work::read(server, lines, in, failure));
  co_await reading.join();
  auto ending = writing.join();
  co_await until(environment, std::move(ending));
  if (failure && failure->code() != errc::cancelled) throw Error(*failure);
}

}  // namespace sennit::mcp
