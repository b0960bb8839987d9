// Private: a run's journal of effects, read and written. What it holds of a run is told again: a finished effect gives
// what it gave, whoever asks for it; the first one that it does not hold is done for real.
#pragma once

#include <sennit/agent/event_order.hpp>
#include <sennit/agent/run_log.hpp>
#include <sennit/agent/run_record.hpp>

#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sennit {

/// What the journal has of one effect.
struct Recorded {
  std::string kind;
  json::value in;
  json::value out;  // {"error":…} where it failed
  bool ended = false;
  WallTime started_at{};
};

class Journal {
 public:
  /// Keeps nothing and knows nothing.
  Journal() = default;
  /// Writes to `log`. The events' order goes with the entries.
  Journal(std::unique_ptr<RunLog> log, EventOrder& order) : log_(std::move(log)), order_(&order) {}

  enum class Tell {
    exactly,  ///< every input is compared
    loosely,  ///< only the kinds are: the agent was changed on purpose
  };
  /// What the run is told from. Throws Error(errc::storage) for entries that cannot be read.
  void tell(const RecordedRun& run, Tell how);
  /// Nothing is done: what the journal does not hold ends the run.
  void only_tell() { replaying_ = true; }

  [[nodiscard]] bool tells_loosely() const noexcept { return loosely_; }
  [[nodiscard]] bool kept() const noexcept { return log_ != nullptr; }
  [[nodiscard]] bool replaying() const noexcept { return replaying_; }
  [[nodiscard]] const Recorded* find(std::string_view effect) const;
  /// find(), and Error(errc::diverged) where the effect was another one, or asked something else.
  [[nodiscard]] const Recorded* find(std::string_view effect, std::string_view kind, const json::value& in) const;
  /// Whether the effect's start is in it, told or written.
  [[nodiscard]] bool started(std::string_view effect) const {
    return started_.contains(effect) || find(effect) != nullptr;
  }
  /// Whether it has anything of the calls "EFFECT.1", "EFFECT.2" …
  [[nodiscard]] bool has_calls(const std::string& effect) const;
  /// Whether the effect is a part of a tool call that has ended: nothing of it is done for real any more.
  [[nodiscard]] bool is_over(std::string_view effect) const;
  [[nodiscard]] const std::map<std::string, json::value, std::less<>>& pins() const noexcept { return pins_; }
  /// How the events that are told were ordered.
  [[nodiscard]] const std::vector<json::value>& order() const noexcept { return orders_; }
  /// The order that was told is written anew, with the next entry: what was told so far is what went out.
  void order_begins_anew() noexcept { anew_ = true; }

  /// The agent that a start effect tells of is another one by choice, with this pin: written as the run goes on, so
  /// that it can be told again with the agent that ended it.
  void hand_over(const std::string& effect, const std::string& pin);

  // ---- writing; each is nothing where nothing is kept ----
  void start(const std::string& effect, std::string_view kind, const json::value& in, WallTime at);
  void end(const std::string& effect, std::string_view kind, const json::value& out, WallTime at,
           const Message* message = nullptr, std::int64_t position = 0);
  void whole(const std::string& effect, std::string_view kind, const json::value& in, const json::value& out,
             WallTime at, const Message* message = nullptr, std::int64_t position = 0);
  void add_message(const Message& message, std::int64_t position);
  /// What was handed over. True if there was something.
  bool write_handed_over(WallTime at);
  [[nodiscard]] asio::awaitable<void> committed();
  /// Something waits for the next committed().
  [[nodiscard]] bool is_ahead() const noexcept { return log_ && durable_ != appended_; }
  [[nodiscard]] RunLog* log() noexcept { return log_.get(); }

 private:
  void append(const std::string& effect, std::string_view kind, Boundary boundary, json::object data, WallTime at,
              const Message* message, std::int64_t position);

  std::unique_ptr<RunLog> log_;
  EventOrder* order_ = nullptr;
  std::map<std::string, Recorded, std::less<>> effects_;
  std::map<std::string, json::value, std::less<>> pins_;
  std::vector<json::value> orders_;
  std::set<std::string, std::less<>> started_;      // and not ended yet
  std::map<std::string, std::string> handed_over_;  // new pins, by start effect
  bool replaying_ = false;
  bool loosely_ = false;
  bool anew_ = false;
  std::uint64_t appended_ = 1;  // entries and messages; the run's own row is the first
  std::uint64_t durable_ = 0;   // of them that are on disk
};

/// The data of an entry. Throws Error(errc::storage) where it cannot be read.
[[nodiscard]] json::value parse_entry(const JournalEntry& entry);

/// What `read` gives of an entry that may have been edited by hand. Throws Error(errc::storage) where it is not what
/// was written.
template <class Read>
auto read_recorded(std::string_view effect, Read&& read) -> decltype(read()) {
  try {
    return std::forward<Read>(read)();
  } catch (const Error&) {
    throw;
  } catch (const std::exception&) {
    throw Error(errc::storage, "the journal's entry cannot be read: it is not what Sennit wrote")
        .at("effect " + std::string(effect));
  }
}

/// The journal's form of what an effect threw.
[[nodiscard]] json::object failure_of(const Error& error);

/// Lines that differ: "- was" and "+ is", with what stands around them.
[[nodiscard]] std::string text_difference(std::string_view was, std::string_view is);

/// Where two documents differ, one place a paragraph: "instructions:\n- …\n+ …". Places for which `skip` holds are
/// left out.
[[nodiscard]] std::string json_difference(const json::value& was, const json::value& is,
                                          bool (*skip)(std::string_view place) = nullptr);

}  // namespace sennit
