#include <sennit/agent/io/pool.hpp>
#include <sennit/backends/replay.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <fstream>
#include <optional>
#include <tuple>
#include <utility>

namespace sennit {

namespace {

constexpr std::size_t kMaxBody = 64ULL << 20U;
constexpr std::size_t kMaxRecordings = 10'000;

std::optional<std::int64_t> leading_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end == text.data() || number < 0) return {};
  return number;
}

bool is_body(const std::filesystem::path& file) {
  static constexpr std::array<std::string_view, 4> kEndings = {".sse", ".ndjson", ".json", ".txt"};
  return std::find(kEndings.begin(), kEndings.end(), file.extension().string()) != kEndings.end();
}

/// The 503 of "02-second-try.503.json".
int status_of(const std::filesystem::path& file) {
  const std::string ending = file.stem().extension().string();
  const auto number = leading_number(ending.empty() ? std::string_view() : std::string_view(ending).substr(1));
  return number && *number >= 100 && *number < 600 ? static_cast<int>(*number) : 200;
}

}  // namespace

std::string read_recording(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw Error(errc::not_found, "there is no such file, or it may not be read").at(file.string());
  std::string body;
  std::array<char, 65'536> piece{};
  while (in && body.size() <= kMaxBody) {
    in.read(piece.data(), piece.size());
    body.append(piece.data(), static_cast<std::size_t>(in.gcount()));
  }
  if (body.size() > kMaxBody) {
    throw Error(errc::too_large, fmt::format("a recording of more than {} bytes", kMaxBody)).at(file.string());
  }
  if (!in.eof() || in.bad()) throw Error(errc::io, "it cannot be read").at(file.string());
  return body;
}

Framing framing_of(const std::filesystem::path& file) {
  const std::string ending = file.extension().string();
  if (ending == ".sse") return Framing::sse;
  if (ending == ".ndjson") return Framing::ndjson;
  if (ending == ".json") return Framing::document;
  return Framing::detect;
}

std::vector<Recording> find_recordings(const std::filesystem::path& path) {
  std::error_code failure;
  if (std::filesystem::is_regular_file(path, failure)) return {Recording{path, status_of(path)}};
  if (!std::filesystem::is_directory(path, failure)) {
    throw Error(errc::not_found, "there is no such recording (a file, or a folder of numbered bodies)")
        .at(path.string());
  }
  std::vector<std::pair<std::int64_t, Recording>> found;
  for (const auto& entry : std::filesystem::directory_iterator(path, failure)) {
    const std::string name = entry.path().filename().string();
    const auto number = leading_number(name);
    if (number && is_body(entry.path()) && entry.is_regular_file(failure) && found.size() < kMaxRecordings) {
      found.emplace_back(*number, Recording{entry.path(), status_of(entry.path())});
    }
  }
  if (found.empty()) {
    throw Error(errc::not_found, "the folder holds no numbered bodies (1.sse, 2.json …)").at(path.string());
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first, a.second.file) < std::tie(b.first, b.second.file);
  });
  std::vector<Recording> recordings;
  recordings.reserve(found.size());
  for (auto& [number, recording] : found) recordings.push_back(std::move(recording));
  return recordings;
}

namespace {

class ReplayStream final : public TokenStream {
 public:
  /// `recording` absent: the recordings are used up.
  ReplayStream(Environment& environment, std::optional<Recording> recording, Api api, ThinkStart think,
               std::size_t piece, std::string place)
      : environment_(environment),
        recording_(std::move(recording)),
        api_(api),
        think_(think),
        piece_(piece),
        place_(std::move(place)) {}

  [[nodiscard]] asio::awaitable<std::span<Event>> next() override {
    events_.clear();
    if (ended_) co_return std::span<Event>();
    if (!recording_) {
      fail(Error(errc::not_found, "no recorded answer is left").at(place_));
      co_return std::span<Event>(events_);
    }
    std::optional<Error> failure;
    try {
      if (!decoder_) co_await load();
      while (events_.empty()) advance();
    } catch (...) {
      failure = current_error();
    }
    if (failure && failure->code() == errc::cancelled) {
      ended_ = true;
      throw *failure;
    }
    if (failure) fail(*std::move(failure));
    co_return std::span<Event>(events_);
  }

  [[nodiscard]] std::size_t pieces() const noexcept override { return decoder_ ? decoder_->pieces() : 0; }

 private:
  asio::awaitable<void> load() {
    DecoderOptions options;
    options.framing = framing_of(recording_->file);
    options.status = recording_->status;
    options.api = api_;
    options.think = think_;
    options.names.title = "the recording";
    decoder_.emplace(options);
    auto read = [file = recording_->file] { return read_recording(file); };
    body_ = co_await environment_.pool().run(std::move(read));
  }

  void advance() {
    const std::string_view rest = std::string_view(body_).substr(sent_);
    if (rest.empty()) {
      decoder_->finish(events_);
      ended_ = true;
      return;
    }
    const std::string_view piece = rest.substr(0, piece_);
    sent_ += piece.size();
    decoder_->push(piece, events_);
  }

  void fail(Error error) {
    ended_ = true;
    events_.push_back(Event{{}, Failed{std::move(error)}});
  }

  Environment& environment_;
  std::optional<Recording> recording_;
  Api api_;
  ThinkStart think_;
  std::size_t piece_;
  std::string place_;
  std::string body_;
  std::size_t sent_ = 0;
  std::optional<AnswerDecoder> decoder_;
  std::vector<Event> events_;
  bool ended_ = false;
};

class ReplayBackend final : public Backend {
 public:
  ReplayBackend(const ModelSpec& spec, const std::filesystem::path& directory) {
    const std::size_t slash = spec.name.find('/');
    const std::string path = slash == std::string::npos ? std::string() : spec.name.substr(slash + 1);
    if (path.empty()) throw Error(errc::config, "name the recording: replay/FILE or replay/FOLDER");
    place_ = (directory / path).lexically_normal();
    recordings_ = find_recordings(place_);
    repeats_ = recordings_.size() == 1 && recordings_.front().file == place_;
    if (!spec.api.empty()) {
      const std::optional<Api> api = parse_api(spec.api);
      if (!api) throw Error(errc::config, "`model.api` names no protocol: " + spec.api);
      api_ = *api;
    }
    think_ = spec.split_think.value_or(false) ? ThinkStart::tagged : ThinkStart::off;
    if (const json::value* piece = spec.options.extra.if_contains("piece")) {
      if (!piece->is_int64() || piece->get_int64() < 1)
        throw Error(errc::config, "`piece` is a number of bytes, at least 1");
      piece_ = static_cast<std::size_t>(piece->get_int64());
    }
    info_.id = spec.name;
    info_.provider = "replay";
    info_.prices = spec.prices;
  }

  [[nodiscard]] const ModelInfo& info() const override { return info_; }

  [[nodiscard]] std::unique_ptr<TokenStream> stream(Environment& environment,
                                                    const CompletionRequest& /*request*/) const override {
    const std::size_t turn = repeats_ ? 0 : turn_.fetch_add(1, std::memory_order_relaxed);
    std::optional<Recording> recording;
    if (turn < recordings_.size()) recording = recordings_[turn];
    return std::make_unique<ReplayStream>(environment, std::move(recording), api_, think_, piece_, place_.string());
  }

 private:
  std::filesystem::path place_;
  std::vector<Recording> recordings_;
  bool repeats_ = false;
  Api api_ = Api::chat_completions;
  ThinkStart think_ = ThinkStart::off;
  std::size_t piece_ = std::string::npos;
  ModelInfo info_;
  mutable std::atomic<std::size_t> turn_{0};
};

}  // namespace

std::shared_ptr<const Backend> make_replay_backend(const ModelSpec& spec, const std::filesystem::path& directory) {
  return std::make_shared<const ReplayBackend>(spec, directory);
}

void add_replay_backend(Registry& registry) {
  registry.add_backend("replay", [](const ModelSpec& spec, const PartContext& context) {
    return make_replay_backend(spec, context.definition.directory());
  });
}

}  // namespace sennit
