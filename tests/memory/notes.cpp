// Notes in real files: what is found, what is kept apart, and what happens when several write or the file is broken.
#include "support/fixtures.hpp"
#include <sennit/agent/definition.hpp>
#include <sennit/agent/memory.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/memory/notes.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;
using Texts = std::vector<std::string>;

namespace {

std::shared_ptr<Memory> notes_in(const std::filesystem::path& state, const std::string& space = "",
                                 const std::string& agent = "agent") {
  Definition definition;
  definition.name = agent;
  const Registry registry;
  MemorySettings settings;
  settings.enabled = true;
  settings.space = space;
  return make_notes(settings, PartContext{definition, registry, state});
}

/// Memory with an environment around it.
struct Notebook {
  explicit Notebook(const std::filesystem::path& state = {}, const std::string& space = "")
      : memory(notes_in(state, space)) {}

  std::int64_t remember(const std::string& text) { return run(env, memory->remember(env, text)); }
  bool forget(std::int64_t id) { return run(env, memory->forget(env, id)); }
  std::vector<Note> notes(const std::string& query, std::size_t limit = 10) {
    return run(env, memory->recall(env, query, limit));
  }
  Texts recall(const std::string& query, std::size_t limit = 10) {
    Texts texts;
    for (const Note& note : notes(query, limit)) texts.push_back(note.text);
    return texts;
  }

  TestEnvironment env;
  std::shared_ptr<Memory> memory;
};

void change(const std::filesystem::path& file, const char* sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &database) == SQLITE_OK);
  CHECK(sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
}

}  // namespace

TEST_CASE("a note is found by any of its words, in any case, form or beginning") {
  Notebook book;
  book.remember("Mei lives in Tokyo.");
  book.remember("The boiler was repaired in March.");
  for (const char* query : {"Mei", "MEI", "where does mei live?", "living", "tok", "Tokyo!", "tokyo mei"}) {
    INFO(query);
    CHECK(book.recall(query) == Texts{"Mei lives in Tokyo."});
  }
  CHECK(book.recall("repairs") == Texts{"The boiler was repaired in March."});
  CHECK(book.recall("Berlin").empty());
}

TEST_CASE("the note with more and rarer words of the question comes first") {
  Notebook book;
  book.remember("Tokyo has many trains.");
  book.remember("Mei likes tea and cake and the sea.");
  book.remember("Mei lives in Tokyo.");
  book.remember("Tokyo is large.");
  const std::vector<Note> found = book.notes("Mei lives in Tokyo");
  REQUIRE(found.size() == 4);
  CHECK(found[0].text == "Mei lives in Tokyo.");
  for (std::size_t i = 1; i < found.size(); ++i) CHECK(found[i - 1].score >= found[i].score);
  CHECK(book.recall("Mei lives in Tokyo", 1) == Texts{"Mei lives in Tokyo."});
}

TEST_CASE("an empty question gives the newest notes, newest first") {
  Notebook book;
  CHECK(book.recall("").empty());
  for (const char* text : {"one", "two", "three"}) book.remember(text);
  CHECK(book.recall("") == Texts{"three", "two", "one"});
  CHECK(book.recall(" \n", 2) == Texts{"three", "two"});
  CHECK(book.recall("?!").empty());
}

TEST_CASE("Chinese, Japanese, Korean and Thai notes are found by words and by characters") {
  Notebook book;
  book.remember("小明住在北京");
  book.remember("北方的冬天很冷");
  book.remember("田中さんは東京タワーの近くに住んでいます");
  book.remember("김민수는 서울에 살아요");
  book.remember("แมวชอบปลา");
  CHECK(book.recall("北京").at(0) == "小明住在北京");
  CHECK(book.recall("小明住在哪里？").at(0) == "小明住在北京");
  CHECK(book.recall("東京タワー").at(0) == "田中さんは東京タワーの近くに住んでいます");
  CHECK(book.recall("田中さんはどこに住んでいますか").at(0) == "田中さんは東京タワーの近くに住んでいます");
  CHECK(book.recall("서울").at(0) == "김민수는 서울에 살아요");
  CHECK(book.recall("แมว").at(0) == "แมวชอบปลา");
  CHECK(book.recall("上海").empty());
}

TEST_CASE("diacritics do not matter, composed or not, and other alphabets have cases too") {
  Notebook book;
  book.remember("Zoë wohnt in Zürich.");
  book.remember("Анна живёт в Москве.");
  for (const char* query : {"zoe", "ZOË", "Zoe\xCC\x88", "zurich", "ZÜRICH"}) {
    INFO(query);
    CHECK(book.recall(query) == Texts{"Zoë wohnt in Zürich."});
  }
  CHECK(book.recall("анна") == Texts{"Анна живёт в Москве."});
  CHECK(book.recall("МОСКВЕ") == Texts{"Анна живёт в Москве."});
  CHECK(book.recall("Ｚｏｅ") == Texts{"Zoë wohnt in Zürich."});
}

TEST_CASE("punctuation and search syntax in a question are words or nothing, never an error") {
  Notebook book;
  book.remember("Mei's e-mail is mei@example.com");
  for (const char* query : {"mei@example.com", "\"mei", "mei\"", "mei*", "-mei", "mei AND", "NEAR(mei, 2)", "words:mei",
                            "(mei", "mei)", "^mei", "{words} : mei", "mei OR", "NOT mei", "'; DROP TABLE notes; --mei",
                            "mei%", "\\mei", "mei\xFF", "e-mail"}) {
    INFO(query);
    CHECK(book.recall(query) == Texts{"Mei's e-mail is mei@example.com"});
  }
  for (const char* query : {"\"", "\"\"", "*", "()", "AND", "space : x", "-", ":", "'", "\xFF\xFE"}) {
    INFO(query);
    CHECK(book.recall(query).empty());
  }
  CHECK(book.recall(std::string("mei\0x", 5)).size() == 1);
}

TEST_CASE("a very long question is still answered") {
  Notebook book;
  book.remember("Mei lives in Tokyo.");
  std::string query = "Mei";
  for (int i = 0; i < 20'000; ++i) query += " 字word" + std::to_string(i);
  CHECK(book.recall(query) == Texts{"Mei lives in Tokyo."});
}

TEST_CASE("the same text is one note, and its time stays") {
  Notebook book;
  const std::int64_t id = book.remember("Mei lives in Tokyo.");
  CHECK(book.remember("  Mei lives in Tokyo.\n") == id);
  CHECK(book.remember("Mei lives in Osaka.") != id);
  CHECK(book.recall("Mei").size() == 2);
  const auto age = book.env.wall_now() - book.notes("Tokyo").at(0).created;
  CHECK(age >= std::chrono::milliseconds(-1));
  CHECK(age < std::chrono::hours(1));
}

TEST_CASE("a forgotten note is found no more, and its number is not used again") {
  Notebook book;
  const std::int64_t id = book.remember("Mei lives in Tokyo.");
  CHECK(book.forget(id));
  CHECK(book.recall("Mei").empty());
  CHECK(book.recall("").empty());
  CHECK_FALSE(book.forget(id));
  CHECK_FALSE(book.forget(-1));
  CHECK(book.remember("Mei lives in Tokyo.") > id);
}

TEST_CASE("what is forgotten is gone from the file too") {
  const TempDir folder;
  {
    Notebook book(folder.path());
    book.remember("The vault's word is xylophone.");
    for (int i = 0; i < 50; ++i) book.remember("filler " + std::to_string(i));
    CHECK(book.forget(1));
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    INFO(entry.path());
    CHECK_THAT(read_file(entry.path()), !ContainsSubstring("xylophone") && !ContainsSubstring("xylophon"));
  }
  Notebook book(folder.path());
  CHECK(book.recall("xylophone").empty());
  CHECK(book.recall("filler", 100).size() == 50);
}

TEST_CASE("empty, too long and odd texts are refused or cleaned") {
  Notebook book;
  CHECK(run_error(book.env, book.memory->remember(book.env, " \n\t")).code() == errc::invalid_argument);
  CHECK(run_error(book.env, book.memory->remember(book.env, std::string(1, '\0'))).code() == errc::invalid_argument);
  const Error error = run_error(book.env, book.memory->remember(book.env, std::string(kMaxNote + 1, 'x')));
  CHECK(error.code() == errc::too_large);
  CHECK_THAT(error.message(), ContainsSubstring(std::to_string(kMaxNote)));
  CHECK(book.remember(std::string(kMaxNote, 'x')) > 0);
  book.remember(std::string("a\0b c\xFF", 6));
  CHECK(book.recall("ab") == Texts{"ab c\xEF\xBF\xBD"});
  book.remember("👍");  // no word in it: still among the newest
  CHECK(book.recall("", 1) == Texts{"👍"});
}

TEST_CASE("a search gives no more than its bound") {
  const TempDir folder;
  Notebook book(folder.path());
  for (std::size_t i = 0; i < kMaxRecalled + 5; ++i) book.remember("note number " + std::to_string(i));
  CHECK(book.recall("number", 100'000).size() == kMaxRecalled);
  CHECK(book.recall("", 100'000).size() == kMaxRecalled);
  CHECK(book.recall("number", 0).empty());
}

TEST_CASE("a full notebook refuses the next note, takes known ones, and has room after a clean-up") {
  const TempDir folder;
  Notebook book(folder.path());
  const std::int64_t first = book.remember("the first");
  change(folder / "notes.db",
         "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
         "INSERT INTO notes(space, text, created) SELECT 'agent', 'note ' || i, i FROM n");
  const Error error = run_error(book.env, book.memory->remember(book.env, "one more"));
  CHECK(error.code() == errc::too_large);
  CHECK_THAT(error.message(),
             ContainsSubstring("10000") && ContainsSubstring("'agent'") && ContainsSubstring("forget"));
  CHECK(book.remember("the first") == first);
  CHECK(Notebook(folder.path(), "other").remember("one more") > 0);
  CHECK(book.forget(first));
  CHECK(book.remember("one more") > 0);
}

TEST_CASE("spaces are kept apart, and agents share one by naming it") {
  const TempDir folder;
  Notebook mine(folder.path(), "mine");
  Notebook yours(folder.path(), "yours");
  const std::int64_t id = mine.remember("Mei lives in Tokyo.");
  CHECK(yours.recall("Mei").empty());
  CHECK(yours.recall("").empty());
  CHECK_FALSE(yours.forget(id));
  CHECK(yours.remember("Mei lives in Tokyo.") != id);
  CHECK(Notebook(folder.path(), "mine").recall("Mei").size() == 1);
  // Without a space, the agent's name is one.
  TestEnvironment env;
  run(env, notes_in(folder.path(), "", "cook")->remember(env, "Salt."));
  CHECK(run(env, notes_in(folder.path(), "cook", "other")->recall(env, "salt", 5)).size() == 1);
  CHECK(run(env, notes_in(folder.path(), "", "other")->recall(env, "salt", 5)).empty());
}

TEST_CASE("notes are there after reopening, and without a state folder they are not") {
  const TempDir folder;
  Notebook(folder.path()).remember("Mei lives in Tokyo.");
  CHECK(Notebook(folder.path()).recall("Mei") == Texts{"Mei lives in Tokyo."});
  CHECK(std::filesystem::exists(folder / "notes.db"));
  Notebook().remember("Mei lives in Tokyo.");
  CHECK(Notebook().recall("Mei").empty());
}

TEST_CASE("no file is made before it is needed") {
  const TempDir folder;
  const Notebook book(folder.path());
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("two connections that write at the same time lose nothing") {
  const TempDir folder;
  TestEnvironment env(4);
  const auto one = notes_in(folder.path());
  const auto two = notes_in(folder.path());
  std::vector<Started<std::int64_t>> started;
  for (int i = 0; i < 50; ++i) {
    started.push_back(start(env, one->remember(env, "red " + std::to_string(i))));
    started.push_back(start(env, two->remember(env, "blue " + std::to_string(i))));
  }
  std::set<std::int64_t> ids;
  for (auto& task : started) ids.insert(task.get());
  CHECK(ids.size() == 100);
  CHECK(run(env, one->recall(env, "blue", 100)).size() == 50);
  CHECK(run(env, two->recall(env, "red", 100)).size() == 50);
}

TEST_CASE("two processes that write at the same time, from an empty folder on, lose nothing") {
  const TempDir folder;
  const pid_t child = ::fork();  // no thread has been started here yet
  if (child == 0) {
    try {
      Notebook book(folder.path());
      for (int i = 0; i < 50; ++i) book.remember("child " + std::to_string(i));
      ::_exit(0);
    } catch (...) {
      ::_exit(1);
    }
  }
  REQUIRE(child > 0);
  {
    Notebook book(folder.path());
    for (int i = 0; i < 50; ++i) book.remember("parent " + std::to_string(i));
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  Notebook book(folder.path());
  CHECK(book.recall("child", 100).size() == 50);
  CHECK(book.recall("parent", 100).size() == 50);
}

TEST_CASE("a file that is no database, cannot be opened or is too new says which and what to do") {
  const TempDir folder;
  const std::string file = (folder / "notes.db").string();
  const auto error = [&] {
    Notebook book(folder.path());
    Error recalled = run_error(book.env, book.memory->recall(book.env, "x", 5));
    CHECK(run_error(book.env, book.memory->remember(book.env, "x")) == recalled);
    CHECK(run_error(book.env, book.memory->forget(book.env, 1)) == recalled);
    CHECK(recalled.code() == errc::storage);
    CHECK_THAT(recalled.message(), ContainsSubstring(file) && ContainsSubstring("move the file away"));
    return recalled.message();
  };
  folder.write("notes.db", std::string(5000, 'x'));
  CHECK_THAT(error(), ContainsSubstring("not a database"));
  CHECK(read_file(file) == std::string(5000, 'x'));  // left as it was
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  CHECK_THAT(error(), ContainsSubstring("unable to open"));
  std::filesystem::remove(file);
  Notebook(folder.path()).remember("x");
  change(file, "UPDATE schema_versions SET version = 99");
  CHECK_THAT(error(), ContainsSubstring("newer Sennit"));
}

TEST_CASE("a file that was damaged in the middle is an error, not a crash") {
  const TempDir folder;
  {
    Notebook book(folder.path());
    for (int i = 0; i < 200; ++i) book.remember("note number " + std::to_string(i));
  }
  std::string bytes = read_file(folder / "notes.db");
  for (std::size_t i = 8192; i < bytes.size(); ++i) bytes[i] = 'Z';
  folder.write("notes.db", bytes);
  Notebook book(folder.path());
  const Error error = run_error(book.env, book.memory->recall(book.env, "number", 5));
  CHECK(error.code() == errc::storage);
  CHECK_THAT(error.message(), ContainsSubstring("notes.db"));
}

TEST_CASE("a file that another program holds locked is worth another try") {
  const TempDir folder;
  Notebook book(folder.path());
  book.remember("x");
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open((folder / "notes.db").c_str(), &database) == SQLITE_OK);
  REQUIRE(sqlite3_exec(database, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  CHECK(book.recall("x") == Texts{"x"});  // reading goes on
  const Error error = run_error(book.env, book.memory->remember(book.env, "y"));
  CHECK(error.code() == errc::storage);
  CHECK(error.retryable());
  sqlite3_close(database);
  CHECK(book.remember("y") > 0);
}
