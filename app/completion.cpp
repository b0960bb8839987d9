#include <sennit/app/completion.hpp>
#include <sennit/app/program.hpp>

#include <algorithm>
#include <filesystem>

namespace sennit::app {
namespace {

constexpr std::size_t kMostCandidates = 1000;

}  // namespace

Completion complete_word(std::string_view before_cursor, std::size_t start, const std::vector<std::string>& words) {
  Completion completion{start, {}};
  const std::string_view typed = before_cursor.substr(std::min(start, before_cursor.size()));
  for (const std::string& word : words) {
    if (word.starts_with(typed)) completion.candidates.push_back(word);
  }
  std::sort(completion.candidates.begin(), completion.candidates.end());
  return completion;
}

Completion complete_file(std::string_view before_cursor) {
  const std::size_t space = before_cursor.find_last_of(" \t\n\"'`(");
  Completion completion{space == std::string_view::npos ? 0 : space + 1, {}};
  const std::string typed(before_cursor.substr(completion.start));
  if (typed.empty()) return completion;
  const std::size_t slash = typed.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : typed.substr(0, slash + 1);
  const std::string beginning = typed.substr(folder.size());
  std::error_code error;
  for (auto entry = std::filesystem::directory_iterator(folder.empty() ? "." : expand_home(folder), error);
       !error && entry != std::filesystem::directory_iterator() && completion.candidates.size() < kMostCandidates;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(beginning) || (name.starts_with(".") && !beginning.starts_with("."))) continue;
    std::error_code ignored;
    completion.candidates.push_back(folder + name + (entry->is_directory(ignored) ? "/" : ""));
  }
  std::sort(completion.candidates.begin(), completion.candidates.end());
  return completion;
}

}  // namespace sennit::app
