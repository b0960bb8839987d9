#include "support/store_runs.hpp"

#include <sqlite3.h>

#include <utility>

namespace sennit::testing {

RunRecord record_of(std::string id, std::string session) {
  RunRecord run;
  run.id = std::move(id);
  run.session = std::move(session);
  run.agent = "a";
  run.model = "m";
  run.input = "hello";
  run.started = WallTime(std::chrono::seconds(1'000));
  return run;
}

JournalEntry start_entry(std::string effect, std::string kind, std::string data) {
  return {.effect = std::move(effect), .kind = std::move(kind), .boundary = Boundary::start, .data = std::move(data)};
}

JournalEntry end_entry(std::string effect, std::string kind, std::string data) {
  return {.effect = std::move(effect), .kind = std::move(kind), .boundary = Boundary::end, .data = std::move(data)};
}

OpenedRun begin(TestEnvironment& env, Store& store, std::string id, std::string session) {
  return run(env, store.begin(record_of(std::move(id), std::move(session)), {}));
}

void whole_run(TestEnvironment& env, Store& store, std::string id, std::string session,
               const std::vector<std::string>& messages) {
  const OpenedRun opened = begin(env, store, std::move(id), std::move(session));
  std::int64_t position = opened.next_position;
  for (const std::string& message : messages) opened.log->add_message(user_message(message), position++);
  opened.log->end(WallTime(std::chrono::seconds(2'000)), {}, 1'000);
  run(env, opened.log->committed());
}

namespace {

int keep_first(void* out, int columns, char** values, char** /*names*/) {
  if (columns > 0 && values[0] != nullptr && static_cast<std::string*>(out)->empty()) {
    *static_cast<std::string*>(out) = values[0];
  }
  return 0;
}

}  // namespace

std::string query(const std::filesystem::path& file, const char* sql) {
  constexpr int kPatienceMs = 10'000;
  sqlite3* handle = nullptr;
  std::string first;
  int code = sqlite3_open(file.c_str(), &handle);
  sqlite3_busy_timeout(handle, kPatienceMs);
  if (code == SQLITE_OK) code = sqlite3_exec(handle, sql, keep_first, &first, nullptr);
  const std::string words = sqlite3_errmsg(handle);
  sqlite3_close(handle);
  if (code != SQLITE_OK) throw std::runtime_error("the test could not use the store: " + words);
  return first;
}

void meddle(const std::filesystem::path& file, const char* sql) {
  (void)query(file, sql);
}

}  // namespace sennit::testing
