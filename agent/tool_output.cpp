#include <sennit/agent/io/pool.hpp>
#include <sennit/agent/runtime_state.hpp>
#include <sennit/agent/spilt_labels.hpp>
#include <sennit/agent/tool_output.hpp>

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <utility>

namespace sennit {
namespace {

/// Cuts at `limit` bytes without splitting a character.
std::string_view cut_utf8(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) --limit;
  return text.substr(0, limit);
}

/// Writes the whole output where a person can find it. The path, or nothing if nothing is kept on disk.
asio::awaitable<std::string> spill(Effects::State& state, std::string effect, std::string content, Labels labels) {
  const std::filesystem::path& folder = state.parts.runtime->options.state;
  if (folder.empty()) co_return std::string{};
  for (char& c : effect) {
    if (c == '/') c = '_';
  }
  const std::filesystem::path file = folder / "outputs" / (state.run.id + "-" + effect + ".txt");
  std::function<bool()> write = [file, content = std::move(content), labels = json::serialize(to_json(labels))] {
    std::error_code error;
    if (std::filesystem::create_directories(file.parent_path(), error)) {
      std::filesystem::permissions(file.parent_path(), std::filesystem::perms::owner_all, error);
    }
    // First: a text whose labels are missing counts as untrusted and as private.
    std::ofstream(labels_file(file), std::ios::binary) << labels;
    std::ofstream out(file, std::ios::binary);
    out << content;
    return static_cast<bool>(out.flush());
  };
  bool written = false;
  try {
    written = co_await state.run.environment->pool().run(std::move(write));
  } catch (const Error& error) {
    if (error.code() == errc::cancelled) throw;  // of a busy pool the cut tells: no file is named in it
  }
  co_return written ? file.string() : std::string{};
}

}  // namespace

asio::awaitable<std::string> cap_output(Effects::State& state, std::string effect, std::string content,
                                        const Labels& labels, std::size_t limit) {
  if (limit == 0 || content.size() <= limit) co_return content;
  std::string head(cut_utf8(content, limit));
  const std::size_t size = content.size();
  Labels all = state.labels;  // what was read before may stand in what a call gives
  all.add(labels);
  const std::string file = co_await spill(state, std::move(effect), std::move(content), std::move(all));
  head += fmt::format("\n[output cut: {} of {} bytes shown{}]", head.size(), size,
                      file.empty() ? std::string() : "; the whole output is in " + file);
  co_return head;
}

}  // namespace sennit
