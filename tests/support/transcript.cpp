#include "support/transcript.hpp"

#include "support/test_tools.hpp"
#include "support/transcript_lines.hpp"
#include "support/transcript_model.hpp"
#include <sennit/agent/agent.hpp>
#include <sennit/plugins/builtin.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <deque>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace sennit::testing {
namespace {

constexpr std::chrono::seconds kPatience{20};  // a transcript that hangs is a failure, not a wait

void compare(const TranscriptSection& section, const std::vector<std::string>& found, std::string& report) {
  if (lines_match(section.lines, found)) return;
  report += "line " + std::to_string(section.line) + ": == " + section.name + " differs; found:\n";
  for (const std::string& line : found) report += "  " + line + "\n";
}

void write_file(const std::filesystem::path& file, const TranscriptSection& section, std::string_view name) {
  std::string text;
  for (const std::string& line : section.lines) text += line + "\n";
  if (file.extension() == ".yaml") {
    std::string head;
    const auto lacks = [&](std::string_view key) {
      return ("\n" + text).find("\n" + std::string(key)) == std::string::npos;
    };
    if (lacks("sennit:")) head += "sennit: 1\n";
    if (lacks("name:")) head += "name: " + std::string(name) + "\n";
    if (lacks("model:")) head += "model: transcript/model\n";
    text = head + text;
  }
  std::ofstream(file) << text;
}

void read_options(const TranscriptSection& section, RunOptions& options) {
  for (const std::string& line : section.lines) {
    std::istringstream in(line);
    std::string key;
    std::string word;
    in >> key >> word;
    if (key == "approvals") {
      options.approvals = word == "allow" ? Approvals::allow : word == "deny" ? Approvals::deny : Approvals::ask;
    } else if (key == "answer_timeout") {
      options.answer_timeout = milliseconds(std::stoi(word));
    } else if (key == "input") {
      std::string value;
      std::getline(in, value);
      options.inputs[word] = parse_json(value).value();
    } else {
      throw std::runtime_error("line " + std::to_string(section.line) + ": unknown option: " + line);
    }
  }
}

class Player {
 public:
  Player(const Transcript& transcript, std::filesystem::path folder)
      : transcript_(transcript),
        folder_(std::move(folder)),
        turns_(std::make_shared<TranscriptTurns>()),
        runtime_(registry(), {.threads = 1,
                              .pool_threads = 2,
                              .executor = loop_.get_executor(),
                              .state = folder_ / "state",
                              .log = {}}) {
    turns_->main_agent = "main";
    turns_->on_stall = [this] { next_person_act(); };
  }

  std::string play() {
    TranscriptSection agent{"agent", "", 0, {}};
    for (const TranscriptSection& section : transcript_.sections) {
      if (section.name == "agent") agent = section;
      if (section.name == "file")
        write_file(folder_ / section.argument, section, section.argument.substr(0, section.argument.find('.')));
    }
    write_file(folder_ / "main.yaml", agent, "main");
    session_.emplace(load(runtime_, folder_ / "main.yaml").session("transcript"));
    const auto& sections = transcript_.sections;
    for (std::size_t i = 0; i < sections.size(); ++i) {
      if (sections[i].name == "user")
        i = play_run(i);
      else if (sections[i].name == "messages")
        compare(sections[i], message_lines(on_loop(session_->messages())), report_);
    }
    for (const auto& [name, rest] : turns_->by_agent) {
      if (!rest.empty()) report_ += "line " + std::to_string(rest.front().line) + ": this turn was never asked for\n";
    }
    on_loop(runtime_.shutdown());
    return report_;
  }

 private:
  Registry registry() {
    Registry registry = builtin();
    registry.add_backend("transcript", transcript_backend(turns_));
    add_test_tools(registry);
    return registry;
  }

  /// Plays the run that begins at section `at`; gives the last section that belongs to it.
  std::size_t play_run(std::size_t at) {
    const auto& sections = transcript_.sections;
    std::size_t last = at;
    person_.clear();
    cancels_.clear();
    turns_->requests.clear();
    RunOptions options;
    for (std::size_t i = at + 1; i < sections.size() && sections[i].name != "user"; ++i) {
      last = i;
      if (sections[i].name == "model") turns_->by_agent[sections[i].argument].push_back(sections[i]);
      if (sections[i].name == "person") person_.assign(sections[i].lines.begin(), sections[i].lines.end());
      if (sections[i].name == "cancel") cancels_.push_back(sections[i]);
      if (sections[i].name == "options") read_options(sections[i], options);
    }
    std::string input;
    for (const std::string& line : sections[at].lines) input += (input.empty() ? "" : "\n") + line;
    on_loop(read_run(unescape(input), std::move(options)));
    for (std::size_t i = at + 1; i <= last; ++i) check_section(sections[i]);
    return last;
  }

  void check_section(const TranscriptSection& section) {
    if (section.name == "events") compare(section, shown_, report_);
    if (section.name == "requests") compare(section, turns_->requests, report_);
    if (section.name == "instructions") compare(section, {escape(turns_->instructions)}, report_);
    if (section.name == "figures") compare(section, figure_lines(outcome_), report_);
    if (section.name == "messages") compare(section, message_lines(on_loop(session_->messages())), report_);
    if (section.name == "end") {
      const std::string& words = outcome_.text.empty() ? outcome_.detail : outcome_.text;
      std::string line(to_string(outcome_.ending));
      compare(section, {words.empty() ? line : line + " " + escape(words)}, report_);
    }
  }

  asio::awaitable<int> read_run(std::string input, RunOptions options) {
    std::vector<Event> events;
    run_.emplace(session_->start(std::move(input), std::move(options)));
    while (auto batch = co_await run_->next()) {
      for (const Event& event : *batch) {
        append_merged(events, event);
        if (const auto* asked = std::get_if<ApprovalRequested>(&event.data)) next_person_act(asked->id);
        if (const auto* asked = std::get_if<QuestionAsked>(&event.data)) next_person_act(asked->id);
        cancel_at(event_line(event));
      }
    }
    outcome_ = run_->outcome();
    run_.reset();
    shown_.clear();
    for (const Event& event : events) {
      if (std::string line = event_line(event); !line.empty()) shown_.push_back(std::move(line));
    }
    co_return 0;
  }

  void cancel_at(const std::string& line) {
    if (cancels_.empty() || line.empty() || !line.starts_with(cancels_.front().argument)) return;
    const std::string reason = cancels_.front().lines.empty() ? "" : cancels_.front().lines.front();
    cancels_.pop_front();
    run_->cancel(reason);
  }

  void next_person_act(const std::string& id = {}) {
    if (person_.empty()) {
      report_ += "the person was asked, but the transcript does not say what they do\n";
      return run_->cancel("the transcript is silent");
    }
    const std::string line = person_.front();
    person_.erase(person_.begin());
    const std::string rest = line.substr(std::min(line.size(), line.find(' ') + 1));
    if (line == "wait") return;
    if (line.starts_with("cancel")) return run_->cancel(rest);
    if (line.starts_with("answer")) return run_->answer(id, unescape(rest));
    run_->approve(id, rest == "always" ? Approval::always : rest == "once" ? Approval::once : Approval::never);
  }

  template <class T>
  T on_loop(asio::awaitable<T> work) {
    std::exception_ptr failure;
    bool done = false;
    if constexpr (std::is_void_v<T>) {
      asio::co_spawn(loop_, std::move(work), [&](std::exception_ptr error) { failure = error, done = true; });
      run_loop(done, failure);
    } else {
      T value{};
      asio::co_spawn(loop_, std::move(work), [&](std::exception_ptr error, T result) {
        failure = error, done = true;
        value = std::move(result);
      });
      run_loop(done, failure);
      return value;
    }
  }

  void run_loop(const bool& done, const std::exception_ptr& failure) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    loop_.restart();
    while (!done && std::chrono::steady_clock::now() < deadline) loop_.run_one_until(deadline);
    if (!done) throw std::runtime_error("the transcript hangs");
    if (failure) std::rethrow_exception(failure);
  }

  const Transcript& transcript_;
  std::filesystem::path folder_;
  std::shared_ptr<TranscriptTurns> turns_;
  asio::io_context loop_{1};
  Runtime runtime_;
  std::optional<Session> session_;
  std::optional<Run> run_;
  std::vector<std::string> person_;
  std::deque<TranscriptSection> cancels_;
  std::vector<std::string> shown_;
  Outcome outcome_;
  std::string report_;
};

}  // namespace

Transcript parse_transcript(std::string_view text) {
  Transcript transcript;
  std::istringstream in{std::string(text)};
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.starts_with("#")) continue;
    if (line.starts_with("== ")) {
      const auto space = line.find(' ', 3);
      transcript.sections.push_back({line.substr(3, space == std::string::npos ? space : space - 3),
                                     space == std::string::npos ? "" : line.substr(space + 1),
                                     number,
                                     {}});
      static const std::vector<std::string> kSections{"agent",    "file",         "user",   "options", "model",
                                                      "person",   "cancel",       "events", "end",     "messages",
                                                      "requests", "instructions", "figures"};
      if (std::find(kSections.begin(), kSections.end(), transcript.sections.back().name) == kSections.end()) {
        throw std::runtime_error("line " + std::to_string(number) + ": unknown section: " + line);
      }
    } else if (transcript.sections.empty()) {
      if (transcript.title.empty()) transcript.title = line;
    } else if (!line.empty()) {
      transcript.sections.back().lines.push_back(line);
    }
  }
  return transcript;
}

std::string play(const Transcript& transcript, const std::filesystem::path& folder) {
  return Player(transcript, folder).play();
}

}  // namespace sennit::testing
