// Something a model can call.
#pragma once

#include <sennit/agent/backend.hpp>
#include <sennit/agent/io/asio.hpp>
#include <sennit/agent/io/environment.hpp>
#include <sennit/agent/io/json.hpp>
#include <sennit/agent/labels.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sennit {

class Agent;
class Memory;
struct Outcome;

/// What a tool reaches. Declared by the tool, enforced by the run's policy.
struct Touches {
  bool read = false;     ///< local data
  bool write = false;    ///< changes local data
  bool network = false;  ///< a way out of the machine
  bool process = false;  ///< starts programs
  bool money = false;
  friend bool operator==(const Touches&, const Touches&) = default;
};

/// Whether a call may be repeated when it is unknown if it took effect (after a crash).
enum class Repeat {
  idempotent,  ///< a repeat is harmless
  keyed,       ///< the tool passes ToolContext::effect_id() on as an idempotency key
  probed,      ///< Tool::probe() finds out whether it happened
  replayed,    ///< it reaches the world through ToolContext::ask() and delegate() alone, which answer from the journal
  never,       ///< unsafe: a person decides
};

/// What a call reaches, in words that a policy can speak of: {"host", "example.com"}, {"path", "notes/plan.md"}.
struct Facet {
  std::string name;
  std::string value;
  friend bool operator==(const Facet&, const Facet&) = default;
};

/// The fixed facts of a tool.
struct ToolSpec {
  ToolDescription description;
  Touches touches;
  Repeat repeat = Repeat::never;
  milliseconds timeout{60'000};             ///< zero: none (a tool that waits for a person)
  std::size_t output_limit = 32ULL << 10U;  ///< bytes handed to the model; the rest is spilt to a file
  std::size_t concurrency = 8;              ///< calls at a time in one run
  /// What its arguments mean to a policy: argument -> "url", "host", "path", "command", "amount", "destination" …; an
  /// argument that begins with `=` is the value itself: {"=mcp:github", "destination"}.
  std::map<std::string, std::string, std::less<>> facets{};
  Labels gives{};             ///< of every result
  bool keeps_labels = false;  ///< what it stores comes back with its labels: to store is harmless
};

/// What a tool gives back to the model.
struct ToolOutput {
  std::string content;
  bool is_error = false;
  Labels labels{};  ///< of this result, beside ToolSpec::gives
};

/// Whether a call that was cut short took effect.
enum class Happened { yes, no, unknown };

struct Probed {
  Happened happened = Happened::unknown;
  ToolOutput output{};  ///< what the call would have given; for Happened::yes
};

/// What a tool may ask of the run that calls it. Valid during the call, on the run's shard.
class ToolContext {
 public:
  virtual ~ToolContext() = default;
  [[nodiscard]] virtual Environment& environment() = 0;
  /// Unique for this call and the same after a resume: pass it on as an idempotency key.
  [[nodiscard]] virtual const std::string& effect_id() const = 0;
  /// Empty for a run without a kept conversation.
  [[nodiscard]] virtual const std::string& session() const = 0;
  /// The agent's memory; null if it has none.
  [[nodiscard]] virtual Memory* memory() = 0;
  /// Of the conversation that led to this call.
  [[nodiscard]] virtual const Labels& labels() const = 0;
  /// Whether the policy lets this call go on to what it did not name (a redirect): facets that take the place of those
  /// of Tool::facets() with the same names. False where a rule denies that, or asks what was not asked of this call,
  /// and always for a tool that does not declare to touch the network.
  [[nodiscard]] virtual bool allows(const std::vector<Facet>& /*instead*/) const { return true; }
  /// Shows something while the tool works (a ToolProgress event).
  virtual void progress(std::string text) = 0;
  /// Asks the person; waits for the answer. Throws Error(errc::denied) where nobody can be asked.
  [[nodiscard]] virtual asio::awaitable<std::string> ask(std::string question) = 0;
  /// Lets another agent do a task as a child of this run: its events travel in this run's stream with their path,
  /// it draws on this run's limits and ends with it. Throws Error(errc::limit) beyond the depth limit.
  [[nodiscard]] virtual asio::awaitable<Outcome> delegate(const Agent& agent, std::string task) = 0;
  /// An agent with the model of the calling one, these instructions and nothing else, to delegate() to. Throws
  /// Error(errc::denied) where there is no model.
  [[nodiscard]] virtual std::shared_ptr<const Agent> model_alone(const std::string& /*instructions*/) {
    throw Error(errc::denied, "no model can be asked here");
  }
};

/// A tool. Shared by runs on several shards, so call() must not keep state without locking. [thread-safe]
class Tool {
 public:
  virtual ~Tool() = default;
  [[nodiscard]] virtual const ToolSpec& spec() const = 0;
  /// Does it. `arguments` is an object that satisfies the schema. A failure the model should hear about is either
  /// thrown as Error or returned with is_error. Cancellation: terminal; the tool must stop what it started.
  [[nodiscard]] virtual asio::awaitable<ToolOutput> call(json::object arguments, ToolContext& context) = 0;
  /// Of a Repeat::probed tool, after a crash: did the call with these arguments (and this effect_id()) take effect?
  /// `unknown`, also by throwing, leaves it to a person.
  [[nodiscard]] virtual asio::awaitable<Probed> probe(json::object arguments, ToolContext& context);
  /// What a call with these arguments reaches. As the policy is decided by it: every spelling of the same thing in one
  /// form, and quick. By default what spec().facets says; a URL also gives "host", a path is cleaned of `.` and `..`.
  [[nodiscard]] virtual std::vector<Facet> facets(const json::object& arguments) const;
  /// Why a person has to be asked before this call, whatever the policy allows ("it changed since it was approved: …");
  /// empty: no reason. A person who then agrees is told to accepted().
  [[nodiscard]] virtual std::string concern(const json::object& /*arguments*/) const { return {}; }
  virtual void accepted() {}
};

}  // namespace sennit
