#include <sennit/app/history.hpp>
#include <sennit/app/wide.hpp>

#include <fcntl.h>
#include <histedit.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace sennit::app {
namespace {

constexpr int kHistoryLines = 1000;
/// Longer entries (pasted files) are not worth remembering.
constexpr std::size_t kHistoryLine = 16U << 10U;

}  // namespace

LineHistory::LineHistory(std::filesystem::path file, Clusters& clusters)
    : history_(history_winit()), kept_(history_winit()), file_(std::move(file)), clusters_(clusters) {
  HistEventW event{};
  for (historyW* history : {history_, kept_}) {
    history_w(history, &event, H_SETSIZE, kHistoryLines);
    history_w(history, &event, H_SETUNIQUE, 1);
  }
  if (file_.empty()) return;
  history_w(kept_, &event, H_LOAD, file_.c_str());
  HistEventW entered{};
  for (int found = history_w(kept_, &event, H_LAST); found >= 0; found = history_w(kept_, &event, H_PREV))
    history_w(history_, &entered, H_ENTER, clusters_.widen(narrow(event.str)).c_str());
}

LineHistory::~LineHistory() {
  history_wend(history_);
  history_wend(kept_);
}

void LineHistory::add(const std::string& line) {
  if (line.empty() || line.size() > kHistoryLine) return;
  HistEventW event{};
  history_w(history_, &event, H_ENTER, clusters_.widen(line).c_str());
  history_w(kept_, &event, H_ENTER, widen(line).c_str());
  if (file_.empty()) return;
  const std::filesystem::path fresh = file_.string() + "." + std::to_string(::getpid());
  const int descriptor = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  std::FILE* stream = descriptor < 0 ? nullptr : ::fdopen(descriptor, "w");
  if (stream == nullptr) return;  // history is a comfort: without it the prompt still works
  const bool saved = history_w(kept_, &event, H_SAVE_FP, stream) >= 0;
  const bool closed = std::fclose(stream) == 0;
  std::error_code error;
  if (saved && closed)
    std::filesystem::rename(fresh, file_, error);
  else
    std::filesystem::remove(fresh, error);
}

}  // namespace sennit::app
