#include <sennit/agent/typed_tool.hpp>
#include <sennit/tools/options.hpp>
#include <sennit/tools/todo.hpp>

#include <boost/describe/enum.hpp>
#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

namespace sennit {
namespace {

constexpr std::size_t kMaxItems = 100;
constexpr std::size_t kMaxText = 300;

struct NoOptions {};
SENNIT_DESCRIBE(NoOptions)

enum class Status { pending, in_progress, done };
BOOST_DESCRIBE_ENUM(Status, pending, in_progress, done)

struct Item {
  std::string text;
  Status status = Status::pending;
};
SENNIT_DESCRIBE(Item, (text, "one step", {.min_length = 1, .max_length = kMaxText}), (status, "", {.required = false}))

struct TodoArguments {
  std::vector<Item> items;
};
SENNIT_DESCRIBE(TodoArguments,
                (items, "the whole list, in order: it replaces the one before", {.max_length = kMaxItems}))

std::string_view mark(Status status) {
  switch (status) {
    case Status::done:
      return "[x]";
    case Status::in_progress:
      return "[>]";
    case Status::pending:
      break;
  }
  return "[ ]";
}

/// Steps are one line each: none can look like two.
std::string one_line(const std::string& text) {
  std::string line;
  for (const char c : text) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
  return line;
}

asio::awaitable<std::string> write(TodoArguments arguments, ToolContext& context) {
  std::string list;
  std::size_t done = 0;
  for (const Item& item : arguments.items) {
    list += fmt::format("{} {}\n", mark(item.status), one_line(item.text));
    if (item.status == Status::done) ++done;
  }
  list += arguments.items.empty() ? std::string("the list is empty\n")
                                  : fmt::format("{} of {} done\n", done, arguments.items.size());
  context.progress(list);
  co_return list;
}

}  // namespace

std::vector<std::shared_ptr<Tool>> make_todo(const json::object& options, const PartContext& /*context*/) {
  (void)read_options<NoOptions>(options, "todo");
  return {make_tool("todo_write",
                    "Keeps a list of the steps of a longer task and shows it to the person. Write it before you begin, "
                    "and again whenever a step is done.",
                    &write, {.repeat = Repeat::idempotent, .timeout = milliseconds{15'000}, .concurrency = 1})};
}

}  // namespace sennit
