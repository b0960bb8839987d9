#include <sennit/agent/memory.hpp>
#include <sennit/agent/typed_tool.hpp>
#include <sennit/tools/notes.hpp>
#include <sennit/tools/options.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <string>
#include <utility>

namespace sennit {
namespace {

struct NoOptions {};
SENNIT_DESCRIBE(NoOptions)

struct RememberArguments {
  std::string text;
};
SENNIT_DESCRIBE(RememberArguments,
                (text, "one fact, in a full sentence that makes sense on its own", {.min_length = 1}))

struct RecallArguments {
  std::string query;
  std::size_t limit = 5;
};
SENNIT_DESCRIBE(RecallArguments, (query, "words to look for; empty gives the newest notes", {.required = false}),
                (limit, "most notes to give", {.minimum = 1, .maximum = 100}))

struct ForgetArguments {
  std::int64_t id = 0;
};
SENNIT_DESCRIBE(ForgetArguments, (id, "number of the note, as remember and recall give it"))

Memory& memory_of(ToolContext& context) {
  if (Memory* memory = context.memory()) return *memory;
  throw Error(errc::config, "this agent has no memory: `memory: true` in its file gives it one");
}

asio::awaitable<std::string> remember(RememberArguments arguments, ToolContext& context) {
  asio::awaitable<std::int64_t> pending =
      memory_of(context).remember(context.environment(), std::move(arguments.text), context.labels());
  const std::int64_t id = co_await std::move(pending);
  co_return fmt::format("remembered as note {}", id);
}

/// Lines of a note but the first are indented: its text cannot pass for another note.
std::string indented(const std::string& text) {
  std::string result;
  for (const char c : text) result += c == '\n' ? std::string("\n  ") : std::string(1, c);
  return result;
}

asio::awaitable<ToolOutput> recall(RecallArguments arguments, ToolContext& context) {
  asio::awaitable<std::vector<Note>> pending =
      memory_of(context).recall(context.environment(), std::move(arguments.query), arguments.limit);
  const std::vector<Note> notes = co_await std::move(pending);
  ToolOutput output;
  if (notes.empty()) output.content = "no note matches";
  for (const Note& note : notes) {
    const auto seconds = std::chrono::time_point_cast<std::chrono::seconds>(note.created);
    output.labels.add(note.labels);
    output.content += fmt::format("[{}] {:%Y-%m-%d} {}\n", note.id,
                                  fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), indented(note.text));
  }
  co_return output;
}

asio::awaitable<std::string> forget(ForgetArguments arguments, ToolContext& context) {
  asio::awaitable<bool> pending = memory_of(context).forget(context.environment(), arguments.id);
  const bool forgotten = co_await std::move(pending);
  if (!forgotten) throw Error(errc::not_found, fmt::format("there is no note {}", arguments.id));
  co_return fmt::format("forgot note {}", arguments.id);
}

}  // namespace

std::vector<std::shared_ptr<Tool>> make_notes_tools(const json::object& options, const PartContext& /*context*/) {
  (void)read_options<NoOptions>(options, "notes");
  const ToolTraits reads{.touches = {.read = true}, .repeat = Repeat::idempotent, .timeout = milliseconds{15'000}};
  // The agent's own notes: changing them is what it was given them for, and the same again changes nothing.
  ToolTraits changes = reads;
  changes.touches = {.write = true};
  ToolTraits keeps = changes;
  keeps.keeps_labels = true;
  return {make_tool("remember",
                    "Keeps a fact for later conversations: what the person tells about themselves, prefers or decided.",
                    &remember, keeps),
          make_tool("recall", "Looks up notes from earlier conversations.", &recall, reads),
          make_tool("forget", "Deletes a note that is wrong or no longer wanted.", &forget, changes)};
}

}  // namespace sennit
