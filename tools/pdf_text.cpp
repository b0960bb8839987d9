#include <sennit/agent/io/json.hpp>
#include <sennit/agent/io/process.hpp>
#include <sennit/agent/io/sandbox.hpp>
#include <sennit/agent/io/timeout.hpp>
#include <sennit/tools/child_exchange.hpp>
#include <sennit/tools/pdf_text.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>
#include <utility>

namespace sennit::pdf {
namespace {

/// Where the program is; the sandbox shows the same folders.
std::string found_program(const std::string& program) {
  if (program.find('/') != std::string::npos) return program;
  for (const char* folder : {"/usr/bin/", "/usr/local/bin/", "/bin/"}) {
    if (::access((folder + program).c_str(), X_OK) == 0) return folder + program;
  }
  throw Error(errc::config,
              fmt::format("reading PDFs needs the program {}: install the package poppler-utils", program));
}

sandbox::Settings walls(const Setup& setup) {
  constexpr std::int64_t kDisk = 64LL << 20U;  // a PDF that comes through a pipe may be kept in a temporary file
  constexpr std::int64_t kProcesses = 8;
  sandbox::Settings settings;
  settings.walls = !setup.unsandboxed || sandbox::support().possible;
  settings.memory = kMemory;
  settings.disk = kDisk;
  settings.processes = kProcesses;
  settings.cpu = std::chrono::ceil<std::chrono::seconds>(setup.timeout);
  return settings;
}

/// What the program says of a file that it cannot read, in one line.
std::string complaint(const std::string& errors) {
  constexpr std::size_t kShown = 200;
  std::string line = sanitize_utf8(errors.substr(0, std::min(errors.find('\n'), kShown)));
  std::replace_if(line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return line.empty() ? "no reason was given" : line;
}

[[noreturn]] void refuse(const sandbox::Ending& ending, const std::string& errors) {
  if (ending.bound == sandbox::Bound::memory) {
    throw Error(errc::too_large, fmt::format("the PDF needs more than {} MiB of memory to be read", kMemory >> 20U));
  }
  if (errors.find("Incorrect password") != std::string::npos) {
    throw Error(errc::invalid_argument, "the PDF is locked with a password");
  }
  throw Error(errc::invalid_argument, fmt::format("the PDF cannot be read: {}", complaint(errors)));
}

/// Form feeds end pages.
std::string with_page_numbers(std::string_view text, std::size_t first) {
  std::string result;
  for (std::size_t page = first; !text.empty(); ++page) {
    const std::size_t end = std::min(text.find('\f'), text.size());
    std::string_view content = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!content.empty() && (content.back() == '\n' || content.back() == ' ')) content.remove_suffix(1);
    result += fmt::format("{}[page {}]\n", result.empty() ? "" : "\n", page);
    if (!content.empty()) result.append(content).append("\n");
  }
  return result;
}

asio::awaitable<std::string> run(Environment& environment, Setup setup, std::string bytes, Pages pages) {
  Process::Command command;
  command.arguments = {found_program(setup.program), "-q", "-enc", "UTF-8", "-f", std::to_string(pages.first)};
  if (pages.last) {
    command.arguments.insert(command.arguments.end(), {"-l", std::to_string(*pages.last)});
  }
  command.arguments.insert(command.arguments.end(), {"-", "-"});
  const auto box = std::make_shared<const sandbox::Box>(walls(setup));
  asio::awaitable<sandbox::Child> starting = sandbox::Child::start(environment, box, std::move(command));
  sandbox::Child started = co_await std::move(starting);
  const auto child = std::make_shared<sandbox::Child>(std::move(started));
  asio::awaitable<ChildOutput> exchanging = exchange(environment, child, child->process(), std::move(bytes), kMaxText);
  const ChildOutput said = co_await std::move(exchanging);
  asio::awaitable<sandbox::Ending> ending = child->wait();
  const sandbox::Ending end = co_await std::move(ending);
  if (!said.cut && !end.status.success()) refuse(end, said.errors);
  std::string text = with_page_numbers(sanitize_utf8(said.output), pages.first);
  if (said.cut) text += fmt::format("\n[the text is longer than {} bytes: name the pages that matter]\n", kMaxText);
  co_return text;
}

std::size_t number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  constexpr std::size_t kMostPages = 1'000'000;
  if (failed != std::errc{} || end != text.data() + text.size() || value == 0 || value > kMostPages) {
    throw Error(errc::invalid_argument, "pages are given as 3, 3-7 or 3-, counted from 1");
  }
  return value;
}

}  // namespace

Pages pages_of(std::string_view text) {
  if (text.empty()) return {};
  const std::size_t dash = text.find('-');
  Pages pages{number(text.substr(0, dash)), std::nullopt};
  if (dash == std::string_view::npos) {
    pages.last = pages.first;
  } else if (dash + 1 < text.size()) {
    pages.last = number(text.substr(dash + 1));
  }
  if (pages.last && *pages.last < pages.first) {
    throw Error(errc::invalid_argument, "the last page comes before the first");
  }
  return pages;
}

asio::awaitable<std::string> to_text(Environment& environment, Setup setup, std::string bytes, Pages pages) {
  if (bytes.substr(0, 1024).find("%PDF-") == std::string::npos) {
    throw Error(errc::invalid_argument, "this is no PDF");
  }
  const milliseconds limit = setup.timeout;
  auto running = run(environment, std::move(setup), std::move(bytes), pages);
  asio::awaitable<std::string> bounded = with_timeout(environment, limit, std::move(running), "reading the PDF");
  std::string text = co_await std::move(bounded);
  co_return text;
}

}  // namespace sennit::pdf
