// A run in one file: a line for the run, a line for each entry of its journal, and a last one with their number, which
// a file that was cut has not.
#include <sennit/agent/io/error.hpp>
#include <sennit/agent/run_record.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace sennit {
namespace {

constexpr std::int64_t kVersion = 1;
constexpr std::size_t kMaxLine = 64ULL << 20U;  // as the store's rows
constexpr std::size_t kMaxLines = 1'000'000;
// The lines contain what may itself be nested kMaxJsonDepth deep.
constexpr std::size_t kMaxDepth = 2 * kMaxJsonDepth;
constexpr std::array<std::string_view, 3> kBoundaries{"start", "end", "whole"};
constexpr std::array<RunPhase, 5> kPhases{RunPhase::running, RunPhase::waiting, RunPhase::interrupted,
                                          RunPhase::quarantined, RunPhase::ended};

std::optional<json::value> parse(std::string_view text, std::size_t depth, std::string& why) {
  json::parse_options options;
  options.max_depth = depth;
  boost::system::error_code error;
  json::value value = json::parse(text, error, {}, options);
  if (!error) return value;
  why = error.message();
  return std::nullopt;
}

std::int64_t micros(WallTime time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

// ---- to lines ----

json::object describe(const RunRecord& record) {
  json::object out{{"id", record.id},
                   {"session", record.session},
                   {"agent", record.agent},
                   {"model", record.model},
                   {"pin", record.pin},
                   {"input", record.input},
                   {"inputs", describe_given(record)},
                   {"origin", record.origin},
                   {"forked_from", record.forked_from},
                   {"base", record.base},
                   {"started", micros(record.started)},
                   {"outcome", record.outcome},
                   {"phase", to_string(record.phase)},
                   {"waits_for", record.waits_for},
                   {"attempts", record.attempts}};
  if (record.ended) out["ended"] = micros(*record.ended);
  return out;
}

json::object describe(const RecordedRun& run) {
  json::object pins;
  for (const auto& [digest, body] : run.pins) pins[digest] = body;
  json::array history;
  for (const Message& message : run.history) history.push_back(to_json(message));
  return {{"sennit_run", kVersion},
          {"record", describe(run.record)},
          {"pins", std::move(pins)},
          {"history", std::move(history)}};
}

json::object describe(const JournalEntry& entry) {
  std::string why;
  // What would not come back as the same text is kept as text.
  std::optional<json::value> data = parse(entry.data, kMaxDepth - 1, why);
  if (!data || !data->is_object() || json::serialize(*data) != entry.data) data = json::value(entry.data);
  return {{"effect", entry.effect},
          {"kind", entry.kind},
          {"boundary", kBoundaries.at(static_cast<std::size_t>(entry.boundary))},
          {"at", micros(entry.at)},
          {"data", std::move(*data)}};
}

Error failure(const std::filesystem::path& file, const char* what) {
  return Error(errc::io, std::string(what) + ": " + std::strerror(errno)).at(file.string());
}

/// A new file, its owner's alone. One that is not finished is removed.
class NewFile {
 public:
  explicit NewFile(const std::filesystem::path& file)
      : file_(file), descriptor_(open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {
    if (descriptor_ >= 0) return;
    if (errno == EEXIST) throw Error(errc::invalid_argument, "the file is there already").at(file.string());
    throw failure(file, "cannot make the file");
  }
  ~NewFile() {
    if (descriptor_ < 0) return;
    close(descriptor_);
    unlink(file_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void line(const json::object& object) {
    std::string text = json::serialize(object) + "\n";
    require_line(text);
    text = sanitize_utf8(text);  // what is no UTF-8 could not be read again
    require_line(text);
    buffer_ += text;
    if (buffer_.size() >= kBuffer) write_out();
  }
  void finish() {
    write_out();
    if (close(std::exchange(descriptor_, -1)) == 0) return;
    const Error error = failure(file_, "cannot write the file");
    unlink(file_.c_str());
    throw Error(error);
  }

 private:
  static constexpr std::size_t kBuffer = 1U << 20U;

  void require_line(const std::string& text) const {
    if (text.size() <= kMaxLine) return;
    throw Error(errc::too_large, "a line of the run exceeds " + std::to_string(kMaxLine >> 20U) + " MiB")
        .at(file_.string());
  }
  void write_out() {
    std::string_view rest = buffer_;
    while (!rest.empty()) {
      const ssize_t written = write(descriptor_, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) throw failure(file_, "cannot write the file");
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    buffer_.clear();
  }

  const std::filesystem::path& file_;
  int descriptor_;
  std::string buffer_;
};

// ---- from lines ----

/// The lines of a file, one after the other.
class Lines {
 public:
  explicit Lines(const std::filesystem::path& file) : file_(file), stream_(std::fopen(file.c_str(), "rbe")) {
    if (stream_ != nullptr) return;
    if (errno == ENOENT) throw Error(errc::not_found, "there is no such file").at(file.string());
    throw failure(file, "cannot read the file");
  }
  ~Lines() {
    if (stream_ != nullptr) (void)std::fclose(stream_);
  }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  /// The next line as JSON, or nothing at the end.
  std::optional<json::value> next() {
    if (!read()) return std::nullopt;
    if (++number_ > kMaxLines) throw wrong("more than " + std::to_string(kMaxLines) + " lines");
    std::string why;
    std::optional<json::value> value = parse(line_, kMaxDepth, why);
    if (!value) throw wrong("this is not a line of a run: " + why);
    if (!value->is_object()) throw wrong("this is not a line of a run: it is no JSON object");
    return value;
  }
  [[nodiscard]] Error wrong(std::string what) const {
    return Error(errc::invalid_argument, std::move(what)).at(file_.string() + ":" + std::to_string(number_));
  }

 private:
  bool read() {
    line_.clear();
    while (true) {
      if (at_ == have_) {
        have_ = std::fread(buffer_.data(), 1, buffer_.size(), stream_);
        at_ = 0;
        if (have_ == 0 && std::ferror(stream_) != 0) throw failure(file_, "cannot read the file");
        if (have_ == 0) return !line_.empty();
      }
      const std::string_view rest(buffer_.data() + at_, have_ - at_);
      const std::size_t end = rest.find('\n');
      line_ += rest.substr(0, end);
      at_ = end == std::string_view::npos ? have_ : at_ + end + 1;
      if (line_.size() > kMaxLine) {
        ++number_;
        throw wrong("the line exceeds " + std::to_string(kMaxLine >> 20U) + " MiB");
      }
      if (end != std::string_view::npos) return true;
    }
  }

  const std::filesystem::path& file_;
  std::FILE* stream_;
  std::vector<char> buffer_ = std::vector<char>(std::size_t{64} << 10U);
  std::size_t at_ = 0;
  std::size_t have_ = 0;
  std::string line_;
  std::size_t number_ = 0;
};

const json::value& member(const Lines& lines, const json::value& object, std::string_view key) {
  const json::value* value = find(object, key);
  if (value == nullptr) throw lines.wrong("'" + std::string(key) + "' is missing");
  return *value;
}

std::string text(const Lines& lines, const json::value& object, std::string_view key) {
  const json::value& value = member(lines, object, key);
  if (!value.is_string()) throw lines.wrong("'" + std::string(key) + "' must be a string");
  return std::string(value.get_string());
}

std::int64_t number(const Lines& lines, const json::value& object, std::string_view key) {
  const json::value& value = member(lines, object, key);
  if (!value.is_int64()) throw lines.wrong("'" + std::string(key) + "' must be a whole number");
  return value.get_int64();
}

json::object object(const Lines& lines, const json::value& from, std::string_view key) {
  const json::value& value = member(lines, from, key);
  if (!value.is_object()) throw lines.wrong("'" + std::string(key) + "' must be an object");
  return value.get_object();
}

/// As a time of the system's clock, which counts in finer steps.
WallTime time(const Lines& lines, const json::value& object, std::string_view key) {
  constexpr auto kLimit = std::chrono::duration_cast<std::chrono::microseconds>(WallTime::duration::max()).count();
  const std::int64_t micros = number(lines, object, key);
  if (micros < -kLimit || micros > kLimit) throw lines.wrong("'" + std::string(key) + "' is no time");
  return WallTime(std::chrono::microseconds(micros));
}

RunRecord read_record(const Lines& lines, const json::value& from) {
  RunRecord record;
  record.id = text(lines, from, "id");
  if (record.id.empty()) throw lines.wrong("'id' is empty");
  record.session = text(lines, from, "session");
  record.agent = text(lines, from, "agent");
  record.model = text(lines, from, "model");
  record.pin = text(lines, from, "pin");
  record.input = text(lines, from, "input");
  take_given(record, object(lines, from, "inputs"));
  record.origin = object(lines, from, "origin");
  record.forked_from = text(lines, from, "forked_from");
  record.base = number(lines, from, "base");
  if (record.base < 0) throw lines.wrong("'base' is out of range");
  record.started = time(lines, from, "started");
  if (find(from, "ended") != nullptr) record.ended = time(lines, from, "ended");
  record.outcome = member(lines, from, "outcome");
  const std::string phase = text(lines, from, "phase");
  record.phase = record.ended ? RunPhase::ended : RunPhase::interrupted;
  for (const RunPhase known : kPhases) {
    if (phase == to_string(known)) record.phase = known;
  }
  record.waits_for = text(lines, from, "waits_for");
  const std::int64_t attempts = number(lines, from, "attempts");
  if (attempts < 0 || attempts > kMaxAttempts) throw lines.wrong("'attempts' is out of range");
  record.attempts = static_cast<int>(attempts);
  return record;
}

RecordedRun read_head(const Lines& lines, const json::value& from) {
  if (find(from, "sennit_run") == nullptr) throw lines.wrong("this is not the file of a run: 'sennit_run' is missing");
  if (number(lines, from, "sennit_run") != kVersion) {
    throw lines.wrong("the file was written by another version of Sennit: this one reads version " +
                      std::to_string(kVersion));
  }
  RecordedRun run;
  run.record = read_record(lines, member(lines, from, "record"));
  const json::object pins = object(lines, from, "pins");
  for (const auto& pin : pins) run.pins.emplace(pin.key(), pin.value());
  const json::value& history = member(lines, from, "history");
  if (!history.is_array()) throw lines.wrong("'history' must be an array");
  for (const json::value& message : history.get_array()) {
    try {
      run.history.push_back(message_from_json(message));
    } catch (const Error& error) {
      throw lines.wrong("'history' holds what is no message: " + error.message());
    }
  }
  return run;
}

JournalEntry read_entry(const Lines& lines, const json::value& from) {
  JournalEntry entry;
  entry.effect = text(lines, from, "effect");
  entry.kind = text(lines, from, "kind");
  const std::string boundary = text(lines, from, "boundary");
  std::size_t place = 0;
  while (place < kBoundaries.size() && kBoundaries.at(place) != boundary) ++place;
  if (place == kBoundaries.size()) throw lines.wrong("'boundary' must be start, end or whole");
  entry.boundary = static_cast<Boundary>(place);
  entry.at = time(lines, from, "at");
  const json::value& data = member(lines, from, "data");
  entry.data = data.is_string() ? std::string(data.get_string()) : json::serialize(data);
  return entry;
}

}  // namespace

void write_run_file(const RecordedRun& run, const std::filesystem::path& file) {
  if (run.journal.size() > kMaxLines - 2) {
    throw Error(errc::too_large, "the run has more than " + std::to_string(kMaxLines) + " entries").at(file.string());
  }
  NewFile out(file);
  out.line(describe(run));
  for (const JournalEntry& entry : run.journal) out.line(describe(entry));
  out.line({{"entries", run.journal.size()}});
  out.finish();
}

RecordedRun read_run_file(const std::filesystem::path& file) {
  Lines lines(file);
  std::optional<json::value> line = lines.next();
  if (!line) throw Error(errc::invalid_argument, "the file is empty").at(file.string());
  RecordedRun run = read_head(lines, *line);
  while ((line = lines.next())) {
    if (find(*line, "entries") == nullptr) {
      run.journal.push_back(read_entry(lines, *line));
      continue;
    }
    const std::int64_t entries = number(lines, *line, "entries");
    if (entries < 0 || static_cast<std::size_t>(entries) != run.journal.size()) {
      throw lines.wrong("the file is damaged: it has " + std::to_string(run.journal.size()) + " of " +
                        std::to_string(entries) + " entries");
    }
    if (lines.next()) throw lines.wrong("the file goes on behind its end");
    return run;
  }
  throw lines.wrong("the file was cut: it ends in the middle");
}

}  // namespace sennit
