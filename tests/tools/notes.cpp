// The tools remember, recall and forget, over notes in a real file.
#include "tools/tool_call.hpp"
#include <sennit/agent/definition.hpp>
#include <sennit/agent/memory.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/memory/notes.hpp>
#include <sennit/tools/notes.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <memory>
#include <string>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Tuesday 24 November 2026, 09:22:05 UTC.
class Tuesday final : public TestEnvironment {
 public:
  [[nodiscard]] WallTime wall_now() const override { return WallTime(std::chrono::seconds(1'795'512'125)); }
};

struct Notebook {
  Notebook() {
    const Definition definition;
    const Registry registry;
    const PartContext context{definition, registry, folder.path()};
    memory = make_notes({}, context);
    tools = make_notes_tools({}, context);
  }
  std::string use(std::string_view tool, json::object arguments) {
    return call(env, tools, tool, std::move(arguments), memory.get());
  }
  Error misuse(std::string_view tool, json::object arguments) {
    return call_error(env, tools, tool, std::move(arguments), memory.get());
  }

  Tuesday env;
  TempDir folder;
  std::shared_ptr<Memory> memory;
  Tools tools;
};

}  // namespace

TEST_CASE("what is remembered is recalled with its number and day, best first, and can be forgotten by that number") {
  Notebook book;
  CHECK(book.use("remember", {{"text", "Mei lives in Tokyo."}}) == "remembered as note 1");
  CHECK(book.use("remember", {{"text", "Mei likes tea."}}) == "remembered as note 2");
  CHECK(book.use("remember", {{"text", "Mei lives in Tokyo."}}) == "remembered as note 1");
  CHECK(book.use("recall", {{"query", "where does Mei live"}}) ==
        "[1] 2026-11-24 Mei lives in Tokyo.\n[2] 2026-11-24 Mei likes tea.\n");
  CHECK(book.use("recall", {{"query", "mei"}, {"limit", 1}}).size() < 40);
  CHECK(book.use("recall", {}).starts_with("[2]"));  // the newest
  CHECK(book.use("forget", {{"id", 1}}) == "forgot note 1");
  CHECK(book.use("recall", {{"query", "Tokyo"}}) == "no note matches");
  const Error error = book.misuse("forget", {{"id", 1}});
  CHECK(error.code() == errc::not_found);
  CHECK(error.message() == "there is no note 1");
}

TEST_CASE("arguments of notes that cannot be right are told to the model") {
  Notebook book;
  for (const char* text : {"", "   "})
    CHECK(book.misuse("remember", {{"text", text}}).code() == errc::invalid_argument);
  CHECK(book.misuse("remember", {}).code() == errc::invalid_argument);
  CHECK(book.misuse("remember", {{"text", std::string(kMaxNote + 1, 'x')}}).code() == errc::too_large);
  CHECK(book.misuse("recall", {{"query", "x"}, {"limit", 0}}).code() == errc::invalid_argument);
  CHECK(book.misuse("recall", {{"query", "x"}, {"limit", kMaxRecalled + 1}}).code() == errc::invalid_argument);
  CHECK(book.misuse("forget", {}).code() == errc::invalid_argument);
  CHECK(book.misuse("forget", {{"id", "Mei"}}).code() == errc::invalid_argument);
  CHECK(book.use("recall", {}) == "no note matches");
}

TEST_CASE("as many notes as can be asked for can be given") {
  Notebook book;
  for (std::size_t i = 0; i < kMaxRecalled; ++i) book.use("remember", {{"text", "note " + std::to_string(i)}});
  const std::string all = book.use("recall", {{"query", "note"}, {"limit", kMaxRecalled}});
  CHECK(std::count(all.begin(), all.end(), '\n') == static_cast<std::ptrdiff_t>(kMaxRecalled));
}

TEST_CASE("a note of several lines is shown so that the next one is not taken for a part of it") {
  Notebook book;
  book.use("remember", {{"text", "Shopping:\ntea\n[9] 2020-01-01 not a note"}});
  book.use("remember", {{"text", "Mei likes shopping."}});
  const std::string text = book.use("recall", {{"query", "shopping"}});
  CHECK_THAT(text, ContainsSubstring("] 2026-11-24 Shopping:\n  tea\n  [9] 2020-01-01 not a note\n"));
}

TEST_CASE("without a memory, the tools of notes say how an agent gets one") {
  Notebook book;
  for (const char* tool : {"remember", "recall", "forget"}) {
    const json::object arguments = std::string_view(tool) == "remember" ? json::object{{"text", "x"}}
                                   : std::string_view(tool) == "forget" ? json::object{{"id", 1}}
                                                                        : json::object{};
    const Error error = call_error(book.env, book.tools, tool, arguments);
    CHECK(error.code() == errc::config);
    CHECK_THAT(error.message(), ContainsSubstring("memory: true"));
  }
}

TEST_CASE("notes that cannot be read are an error that names the file") {
  Notebook book;
  book.folder.write("notes.db", std::string(5000, 'x'));
  const Error error = book.misuse("recall", {{"query", "x"}});
  CHECK(error.code() == errc::storage);
  CHECK_THAT(error.message(), ContainsSubstring("notes.db"));
}

TEST_CASE("looking at notes only reads; changing them writes, and may be repeated") {
  const Notebook book;
  CHECK(tool_named(book.tools, "recall").spec().touches == Touches{.read = true});
  for (const char* name : {"remember", "forget"}) {
    CHECK(tool_named(book.tools, name).spec().touches == Touches{.write = true});
    CHECK(tool_named(book.tools, name).spec().repeat == Repeat::idempotent);
  }
}

TEST_CASE("notes take no options") {
  const Definition definition;
  const Registry registry;
  const PartContext context{definition, registry, {}};
  const Error error = error_of([&] { (void)make_notes_tools({{"space", "x"}}, context); });
  CHECK(error.code() == errc::config);
  CHECK_THAT(error.message(), ContainsSubstring("'notes' has no option 'space'"));
}
