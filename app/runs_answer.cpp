// `sennit runs answer`: says to a run what it waits for.
#include <sennit/app/kept_runs.hpp>
#include <sennit/app/output.hpp>
#include <sennit/app/requests.hpp>
#include <sennit/app/resume.hpp>
#include <sennit/app/runs.hpp>
#include <sennit/app/unicode.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace sennit::app {
namespace {

struct AnswerSettings {
  std::string id;
  std::vector<std::string> words;
  bool resume = false;
};

constexpr char kNotes[] =
    "An approval takes once (yes), always or never (no); a question any words; a call of which\n"
    "it is not known whether it was done takes done, \"done: RESULT\", \"not done\" or abort.\n"
    "REQUEST may be left out where one is open. Without REQUEST and ANSWER the open ones are\n"
    "listed.\n";

/// "2.1.approval", "4.1/3.2.q1", "5": the id of a request.
bool looks_like_request(std::string_view word) {
  return word.ends_with(".approval") || word.ends_with(".doubt") ||
         (!word.empty() && word.find('.') != std::string_view::npos &&
          word.find_first_not_of("0123456789./q") == std::string_view::npos);
}

std::string list_of(const std::vector<Request>& open) {
  std::string text;
  for (const Request& request : open) text += fmt::format("\n{}: {}", request.id, describe(request));
  return text;
}

/// The request that is meant; its id is taken from the words.
const Request& request_in(const std::string& run, std::vector<std::string>& words, const std::vector<Request>& open) {
  const auto named =
      std::find_if(open.begin(), open.end(), [&](const Request& request) { return request.id == words.front(); });
  if (named != open.end()) {
    words.erase(words.begin());
    if (words.empty())
      throw Error(errc::invalid_argument, named->id + " wants an answer: " + std::string(choices_for(*named)));
    return *named;
  }
  if (words.size() > 1 && looks_like_request(words.front())) {
    throw Error(errc::invalid_argument,
                "the run " + run + " does not wait for '" + words.front() + "'; open:" + list_of(open));
  }
  if (open.size() > 1) {
    throw Error(errc::invalid_argument,
                "several requests are open: name one of them before the answer:" + list_of(open));
  }
  return open.front();
}

/// Keeps the answer; what it was to.
std::string keep(KeptRuns& runs, const std::string& run, std::vector<std::string> words,
                 const std::vector<Request>& open) {
  const Request& request = request_in(run, words, open);
  const std::vector<Answer> given = runs.answers(run);
  const Answer* before = answer_to(request, given);
  std::string said;
  for (const std::string& word : words) said += (said.empty() ? "" : " ") + word;
  said = meaning_of(request, said);
  Answer answer{request.id, said, request.digest, std::chrono::system_clock::now()};
  await(runs.loop(), runs.store().answer(run, std::move(answer)));
  const std::string what = request.id + ": " + one_line(said);
  return before == nullptr || before->text == said ? what : what + " (instead of '" + one_line(before->text) + "')";
}

int answer(const AnswerSettings& settings, const CommonOptions& common) {
  KeptRuns runs(common);
  const RecordedRun run = runs.recorded(settings.id);
  const std::string& id = run.record.id;
  std::vector<Request> open = requests_of(run.journal);
  std::erase_if(open, [](const Request& request) { return request.settled; });
  if (run.record.ended || open.empty()) {
    throw Error(errc::invalid_argument,
                "the run " + id + " waits for no answer" + (run.record.ended ? ": it has ended" : ""));
  }
  if (settings.words.empty()) return print(how_to_answer(id, open));
  const std::string answered = keep(runs, id, settings.words, open);
  if (settings.resume) return resume_runs({.id = id, .agent = {}, .foreground = {}}, runs);

  open = runs.requests(run).open;
  std::string text = "answered " + answered + "\n";
  if (!open.empty()) {
    text += "still open:\n" + how_to_answer(id, open);
  } else if (run.record.phase == RunPhase::running) {
    text += "The run is at work and takes it.\n";
  } else {
    text += "Go on with: sennit runs resume " + id + "\n";
  }
  return print(text);
}

}  // namespace

void add_runs_answer(CLI::App& runs, CommonOptions& common, int& exit_code) {
  const auto settings = std::make_shared<AnswerSettings>();
  CLI::App* command = runs.add_subcommand("answer", "Say to a run what it waits for");
  command->add_option("ID", settings->id, "The run")->required()->type_name("");
  command->add_option("ANSWER", settings->words, "[REQUEST] ANSWER")->type_name("");
  command->add_flag("--resume", settings->resume, "Then go on with the run");
  add_state_options(*command, common);
  command->footer(kNotes);
  command->callback([settings, &common, &exit_code] { exit_code = answer(*settings, common); });
}

}  // namespace sennit::app
