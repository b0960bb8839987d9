// The messages of one HTTP stream, between whoever has them and the connection that waits for them at the moment. What
// a legacy client may have missed is kept for a while: it comes back with the id of the last event that it saw.
#pragma once

#include <sennit/agent/io/http_server.hpp>
#include <sennit/agent/io/signal.hpp>
#include <sennit/mcp/server/outlet.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace sennit::mcp {

class EventStream final : public Outlet {
 public:
  /// `name` is what the ids of its events begin with; empty: they have none, and nothing is kept. `answers`: how many
  /// make it whole; 0: it never is.
  EventStream(std::string name, std::size_t answers, std::size_t kept_bytes)
      : name_(std::move(name)), answers_(answers), kept_bytes_(kept_bytes) {}

  void put(json::object message) override { add(std::move(message), false); }
  void answer(json::object message) override;
  void drop() override;
  [[nodiscard]] bool has_room() const override { return unread_ < kRoom; }
  void let_poll() override;
  /// Nothing more comes.
  void close();

  [[nodiscard]] const std::string& name() const { return name_; }
  /// All answers have come, and were read.
  [[nodiscard]] bool is_done() const { return over_ && next_ == end(); }

  struct Settings {
    milliseconds heartbeat{15'000};
    /// The status of an answer that is no stream; for one that is, it is 200.
    int (*status_of)(const json::object& answer) = nullptr;
    std::vector<http::Header> headers{};   ///< of either
    bool may_stream = true;                ///< the client takes event streams; else it gets the answer alone
    bool may_be_json = true;               ///< an answer that comes first comes without a stream
    std::optional<std::uint64_t> after{};  ///< the last event that the client has seen
  };
  /// Gives a client what there is and what comes, until it is whole, or somebody else reads. A single answer that comes
  /// before anything else comes as JSON. One reader at a time: the last one.
  [[nodiscard]] asio::awaitable<void> pump(Environment& environment, http::ServerAnswer& answer, Settings settings);

  // What may be unread before what nobody would miss is left out.
  static constexpr std::size_t kRoom = 256ULL << 10U;

 private:
  struct Frame {
    json::object message;
    std::string text;
    bool is_answer = false;
  };
  [[nodiscard]] std::uint64_t end() const { return first_ + frames_.size(); }
  void add(json::object message, bool is_answer);
  void forget_read();
  [[nodiscard]] bool has_something(std::uint64_t reader) const;
  [[nodiscard]] asio::awaitable<void> something(std::uint64_t reader);
  [[nodiscard]] asio::awaitable<bool> as_json(Environment& environment, http::ServerAnswer& answer,
                                              const Settings& settings, std::uint64_t reader);
  [[nodiscard]] std::string event_of(std::uint64_t number, const std::string& text) const;

  const std::string name_;
  std::size_t answers_;
  const std::size_t kept_bytes_;
  std::deque<Frame> frames_;
  std::uint64_t first_ = 1;  // the number of frames_.front()
  std::uint64_t next_ = 1;   // the number of the first that was not read
  std::size_t bytes_ = 0;
  std::size_t unread_ = 0;
  std::uint64_t reader_ = 0;
  bool over_ = false;
  bool polls_ = false;  // the reader is to leave, and to come again
  Signal changed_;
};

}  // namespace sennit::mcp
