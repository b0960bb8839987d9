#include <sennit/agent/io/error.hpp>
#include <sennit/agent/journal.hpp>
#include <sennit/agent/run.hpp>
#include <sennit/app/program.hpp>
#include <sennit/app/requests.hpp>
#include <sennit/app/unicode.hpp>
#include <sennit/app/view.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace sennit::app {
namespace {

std::optional<Request::Kind> kind_of(std::string_view kind) {
  if (kind == "approval") return Request::Kind::approval;
  if (kind == "ask") return Request::Kind::question;
  if (kind == "doubt") return Request::Kind::doubt;
  return std::nullopt;
}

Request begun(Request::Kind kind, const JournalEntry& entry) {
  const json::value data = parse_entry(entry);
  const json::value* in = find(data, "in");
  Request request;
  request.kind = kind;
  request.id = entry.effect;
  request.asked = entry.at;
  if (in == nullptr) return request;
  request.call.id = find_string(*in, "call");
  request.call.name = find_string(*in, "name");
  request.call.arguments = find_string(*in, "arguments");
  request.rule = find_string(*in, "rule");
  request.question = find_string(*in, "question");
  request.digest = find_string(*in, "digest");
  return request;
}

/// The arguments in full, one a line: nobody should approve half a command.
std::string arguments_of(const ToolCall& call) {
  const auto parsed = parse_json(call.arguments);
  if (!parsed || !parsed->is_object()) return "    " + one_line(call.arguments) + "\n";
  std::string text;
  for (const auto& [key, value] : parsed->get_object()) {
    text += "    " + one_line(key) + ":";
    if (!value.is_string()) {
      text += " " + one_line(json::serialize(value)) + "\n";
      continue;
    }
    std::string_view rest = value.get_string();
    while (rest.ends_with('\n')) rest.remove_suffix(1);
    const bool several = rest.find('\n') != std::string_view::npos;
    while (true) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      text += (several ? "\n      " : " ") + harmless_line(rest.substr(0, end));
      if (end == rest.size()) break;
      rest.remove_prefix(end + 1);
    }
    text += "\n";
  }
  return text;
}

}  // namespace

std::vector<Request> requests_of(const std::vector<JournalEntry>& journal) {
  std::vector<Request> requests;
  for (const JournalEntry& entry : journal) {
    const auto kind = kind_of(entry.kind);
    if (!kind) continue;
    if (entry.boundary != Boundary::end) requests.push_back(begun(*kind, entry));
    if (entry.boundary == Boundary::start) continue;
    for (Request& request : requests) request.settled = request.settled || request.id == entry.effect;
  }
  return requests;
}

const Answer* answer_to(const Request& request, const std::vector<Answer>& answers) {
  const auto given = std::find_if(answers.begin(), answers.end(), [&](const Answer& answer) {
    return answer.request == request.id && answer.digest == request.digest;
  });
  if (given == answers.end()) return nullptr;
  const bool in_time = std::chrono::system_clock::now() <= request.asked + RunOptions{}.answer_validity;
  return in_time ? &*given : nullptr;
}

std::string meaning_of(const Request& request, std::string_view words) {
  switch (request.kind) {
    case Request::Kind::question:
      return std::string(words);
    case Request::Kind::approval:
      if (words == "yes") return "once";
      if (words == "no") return "never";
      if (words == "once" || words == "always" || words == "never") return std::string(words);
      break;
    case Request::Kind::doubt:
      if (words == "done" || words == "not done" || words == "abort") return std::string(words);
      if (words.starts_with("done:")) {
        words.remove_prefix(std::min(words.find_first_not_of(' ', 5), words.size()));
        return "done:" + std::string(words);
      }
      break;
  }
  throw Error(errc::invalid_argument,
              fmt::format("'{}' is no answer to {}; known: {}", one_line(words), request.id, choices_for(request)));
}

std::string wants(const Request& request) {
  switch (request.kind) {
    case Request::Kind::approval:
      return "approval of " + one_line(request.call.name);
    case Request::Kind::doubt:
      return "what became of " + one_line(request.call.name);
    case Request::Kind::question:
      break;
  }
  return "an answer";
}

std::string_view choices_for(const Request& request) {
  switch (request.kind) {
    case Request::Kind::approval:
      return "once (yes), always, never (no)";
    case Request::Kind::doubt:
      return "done, \"done: RESULT\", \"not done\", abort";
    case Request::Kind::question:
      break;
  }
  return "any words";
}

std::string describe(const Request& request) {
  switch (request.kind) {
    case Request::Kind::approval:
      return "Allow " + describe_call(request.call) + "?" +
             (request.rule.empty() ? "" : " (" + one_line(request.rule) + ")");
    case Request::Kind::doubt:
      return "It is not known whether " + describe_call(request.call) + " was done before the program ended";
    case Request::Kind::question:
      break;
  }
  return one_line(request.question);
}

std::string how_to_answer(const std::string& run, const std::vector<Request>& open) {
  std::string text;
  for (const Request& request : open) {
    const bool is_approval = request.kind == Request::Kind::approval;
    const std::string call = one_line(request.call.name);
    text += one_line(request.id) + ": ";
    if (request.kind == Request::Kind::question) {
      text += one_line(request.question) + "\n";
    } else {
      text += is_approval ? "Allow " + call + "?" : "It is not known whether " + call + " was done";
      if (!request.rule.empty()) text += " (" + one_line(request.rule) + ")";
      text += "\n" + arguments_of(request.call);
    }
    const std::string which = open.size() == 1 ? std::string() : " " + shell_word(one_line(request.id));
    text += fmt::format("  sennit runs answer {}{} ANSWER      ({})\n", shell_word(one_line(run)), which,
                        choices_for(request));
  }
  return text;
}

}  // namespace sennit::app
