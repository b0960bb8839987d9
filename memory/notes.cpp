#include <sennit/agent/io/database.hpp>
#include <sennit/agent/io/fnv1a.hpp>
#include <sennit/agent/io/json.hpp>
#include <sennit/agent/io/pool.hpp>
#include <sennit/agent/io/white.hpp>
#include <sennit/memory/notes.hpp>
#include <sennit/memory/words.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

namespace sennit {
namespace {

using std::chrono::duration_cast;

/// AUTOINCREMENT: an id that was given to a model never means another note later.
constexpr const char* kFirstSchema = R"(
  CREATE TABLE notes(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    space TEXT NOT NULL,
    text TEXT NOT NULL,
    created INTEGER NOT NULL,  -- milliseconds since 1970
    UNIQUE(space, text)
  ) STRICT;
  CREATE VIRTUAL TABLE note_words USING fts5(space, words, tokenize = "porter unicode61 remove_diacritics 2");
)";

/// What is remembered in a conversation that holds text from outside comes back as text from outside.
constexpr const char* kLabels = "ALTER TABLE notes ADD COLUMN labels TEXT NOT NULL DEFAULT '{}'";

/// A space as one word of the index: other spaces' notes are then never looked at.
std::string space_word(std::string_view space) {
  return fmt::format("s{:016x}", fnv1a(space));  // a collision costs time only: the space itself is compared too
}

std::int64_t milliseconds_of(WallTime time) {
  return duration_cast<milliseconds>(time.time_since_epoch()).count();
}

/// The notes of one space. Blocking. One connection, used by one thread at a time: every function takes the lock.
class NoteStore {
 public:
  NoteStore(std::filesystem::path file, std::string space)
      : file_(std::move(file)), space_(std::move(space)), word_(space_word(space_)) {}

  std::int64_t remember(const std::string& text, const Labels& labels, WallTime now) {
    return with_database([&](Database& database) { return remember_in(database, text, labels, now); });
  }

  std::vector<Note> recall(const std::string& query, std::size_t limit) {
    return with_database([&](Database& database) {
      return trimmed(query).empty() ? newest(database, limit) : matching(database, query, limit);
    });
  }

  bool forget(std::int64_t id) {
    return with_database([&](Database& database) { return forget_in(database, id); });
  }

 private:
  /// One thread at a time. What SQLite says is meant for a programmer: a person is told which file, and what to do.
  template <class Work>
  std::invoke_result_t<const Work&, Database&> with_database(const Work& work) {
    const std::lock_guard lock(mutex_);
    try {
      return work(open());
    } catch (const Error& error) {
      if (error.code() != errc::storage) throw;
      if (error.retryable()) throw Error(errc::storage, "the notes are busy: " + error.message()).retry();
      throw Error(errc::storage,
                  fmt::format("the notes in {} cannot be used: {}; to begin with none, move the file away",
                              file_.string(), error.message()));
    }
  }

  std::int64_t remember_in(Database& database, const std::string& text, const Labels& labels, WallTime now) {
    Transaction transaction(database);
    if (const auto known = known_note(database, text, labels)) {
      transaction.commit();
      return *known;
    }
    refuse_full(database);
    database.prepare("INSERT INTO notes(space, text, created, labels) VALUES(?1, ?2, ?3, ?4)")
        .bind(1, space_)
        .bind(2, text)
        .bind(3, milliseconds_of(now))
        .bind(4, json::serialize(to_json(labels)))
        .run();
    const std::int64_t id = database.last_insert_id();
    const std::string words = index_words(text);
    database.prepare("INSERT INTO note_words(rowid, space, words) VALUES(?1, ?2, ?3)")
        .bind(1, id)
        .bind(2, word_)
        .bind(3, words)
        .run();
    transaction.commit();
    return id;
  }

  /// The note with this text, if it is there: it then has the labels of both.
  std::optional<std::int64_t> known_note(Database& database, const std::string& text, const Labels& labels) {
    Statement known = database.prepare("SELECT id, labels FROM notes WHERE space = ?1 AND text = ?2");
    if (!known.bind(1, space_).bind(2, text).step()) return std::nullopt;
    const std::int64_t id = known.integer(0);
    const Labels had = labels_of(known.text(1));
    Labels both = had;
    both.add(labels);
    if (both == had) return id;
    database.prepare("UPDATE notes SET labels = ?1 WHERE id = ?2")
        .bind(1, json::serialize(to_json(both)))
        .bind(2, id)
        .run();
    return id;
  }

  static Labels labels_of(std::string_view stored) {
    const auto value = parse_json(stored);
    if (!value) throw Error(errc::storage, "a note's labels cannot be read");
    return labels_from_json(*value);
  }

  bool forget_in(Database& database, std::int64_t id) {
    Transaction transaction(database);
    database.prepare("DELETE FROM notes WHERE id = ?1 AND space = ?2").bind(1, id).bind(2, space_).run();
    if (database.changes() == 0) return false;
    database.prepare("DELETE FROM note_words WHERE rowid = ?1").bind(1, id).run();
    // The index only marks words as deleted; merged, it does not hold them any more.
    database.execute("INSERT INTO note_words(note_words) VALUES('optimize')");
    transaction.commit();
    return true;
  }

  Database& open() {
    if (!database_) {
      Database opened(file_);
      opened.execute("PRAGMA secure_delete=ON");  // what a person wants forgotten is gone from the file
      opened.migrate("notes", {kFirstSchema, kLabels});
      database_.emplace(std::move(opened));
    }
    return *database_;
  }

  void refuse_full(Database& database) {
    Statement count = database.prepare("SELECT count(*) FROM notes WHERE space = ?1");
    if (count.bind(1, space_).step() && count.integer(0) >= static_cast<std::int64_t>(kMaxNotes)) {
      throw Error(errc::too_large, fmt::format("the notes of '{}' are full ({}): forget some that are no longer needed",
                                               space_, kMaxNotes));
    }
  }

  std::vector<Note> newest(Database& database, std::size_t limit) {
    Statement query = database.prepare(
        "SELECT id, text, created, 0.0, labels FROM notes WHERE space = ?1 ORDER BY created DESC, id DESC LIMIT ?2");
    query.bind(1, space_).bind(2, static_cast<std::int64_t>(limit));
    return rows(query);
  }

  std::vector<Note> matching(Database& database, const std::string& text, std::size_t limit) {
    const std::string words = match_expression(text);
    if (words.empty()) return {};
    Statement query = database.prepare(
        "SELECT n.id, n.text, n.created, -bm25(note_words, 0.0, 1.0) AS score, n.labels FROM note_words "
        "JOIN notes AS n ON n.id = note_words.rowid "
        "WHERE note_words MATCH ?1 AND n.space = ?2 ORDER BY score DESC, n.created DESC, n.id DESC LIMIT ?3");
    query.bind(1, "space : " + word_ + " AND words : (" + words + ")")
        .bind(2, space_)
        .bind(3, static_cast<std::int64_t>(limit));
    return rows(query);
  }

  static std::vector<Note> rows(Statement& query) {
    std::vector<Note> notes;
    while (query.step()) {
      const auto created = std::chrono::duration_cast<WallTime::duration>(milliseconds(query.integer(2)));
      notes.push_back(
          {query.integer(0), std::string(query.text(1)), WallTime(created), query.real(3), labels_of(query.text(4))});
    }
    return notes;
  }

  const std::filesystem::path file_;
  const std::string space_;
  const std::string word_;
  std::mutex mutex_;
  std::optional<Database> database_;
};

/// The store behind the awaited interface: all work happens on the pool, whose jobs share the store's ownership.
class Notes final : public Memory {
 public:
  Notes(std::filesystem::path file, std::string space, bool confidential)
      : origin_(confidential ? "memory:" + space : std::string()),
        store_(std::make_shared<NoteStore>(std::move(file), std::move(space))) {}

  asio::awaitable<std::int64_t> remember(Environment& environment, std::string text, Labels labels) override {
    std::string note = sanitize_utf8(trimmed(text));
    std::erase(note, '\0');  // SQLite's text functions end there
    if (note.empty()) throw Error(errc::invalid_argument, "a note cannot be empty");
    if (note.size() > kMaxNote) {
      throw Error(errc::too_large,
                  fmt::format("a note may have {} bytes, this one has {}: shorten it or keep it in a file", kMaxNote,
                              note.size()));
    }
    auto job = [store = store_, note = std::move(note), labels = std::move(labels), now = environment.wall_now()] {
      return store->remember(note, labels, now);
    };
    asio::awaitable<std::int64_t> pending = environment.pool().run(std::move(job));
    const std::int64_t id = co_await std::move(pending);
    co_return id;
  }

  asio::awaitable<std::vector<Note>> recall(Environment& environment, std::string query, std::size_t limit) override {
    auto job = [store = store_, query = sanitize_utf8(query), limit = std::min(limit, kMaxRecalled)] {
      return store->recall(query, limit);
    };
    asio::awaitable<std::vector<Note>> pending = environment.pool().run(std::move(job));
    std::vector<Note> notes = co_await std::move(pending);
    if (!origin_.empty()) {
      for (Note& note : notes) note.labels.add_confidential(origin_);
    }
    co_return notes;
  }

  asio::awaitable<bool> forget(Environment& environment, std::int64_t id) override {
    auto job = [store = store_, id] { return store->forget(id); };
    asio::awaitable<bool> pending = environment.pool().run(std::move(job));
    const bool forgotten = co_await std::move(pending);
    co_return forgotten;
  }

 private:
  const std::string origin_;  // of private notes
  std::shared_ptr<NoteStore> store_;
};

}  // namespace

std::shared_ptr<Memory> make_notes(const MemorySettings& settings, const PartContext& context) {
  std::filesystem::path file = context.state.empty() ? std::filesystem::path(":memory:") : context.state / "notes.db";
  std::string space = settings.space.empty() ? context.definition.name : settings.space;
  return std::make_shared<Notes>(std::move(file), std::move(space), settings.confidential || !context.may_publish());
}

}  // namespace sennit
