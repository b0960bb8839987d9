#include <sennit/agent/hook_program.hpp>
#include <sennit/agent/io/process.hpp>
#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/io/white.hpp>
#include <sennit/agent/secret.hpp>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <utility>

namespace sennit {
namespace {

constexpr int kRefusal = 2;  // the exit status by which hooks of other agents say no as well

Process::Command command_of(const HookProgram& program) {
  Process::Command command;
  command.arguments = program.run;
  command.directory = program.directory;
  for (const char* name : {"PATH", "HOME", "LANG"}) {
    if (const char* value = std::getenv(name)) command.environment.emplace(name, value);
  }
  command.environment.emplace("PYTHONSAFEPATH", "1");  // a module beside the program may be the model's
  for (const auto& [name, value] : program.env) command.environment.insert_or_assign(name, Secret(value).resolve());
  return command;
}

/// What the coroutines of one question share.
struct Talk {
  explicit Talk(Process started) : process(std::move(started)) {}
  Process process;
  std::string output;
  std::string errors;
  bool too_much = false;
};

asio::awaitable<void> give(std::shared_ptr<Talk> talk, std::string input) {
  try {
    auto writing = talk->process.write(std::move(input));
    co_await std::move(writing);
  } catch (const Error& error) {
    if (error.code() != errc::io) throw;  // it need not read what it is asked
  }
  talk->process.close_input();
}

asio::awaitable<void> hear_errors(std::shared_ptr<Talk> talk) {
  std::array<char, 1024> buffer{};
  while (const std::size_t got = co_await talk->process.read_errors(buffer)) {
    if (talk->errors.size() < HookProgram::kMaxErrors) talk->errors.append(buffer.data(), got);
  }
}

asio::awaitable<ExitStatus> hear(std::shared_ptr<Talk> talk) {
  std::array<char, 4096> buffer{};
  while (const std::size_t got = co_await talk->process.read_output(buffer)) {
    talk->too_much = talk->output.size() + got > HookProgram::kMaxOutput;
    if (talk->too_much) {
      talk->process.kill();
      break;
    }
    talk->output.append(buffer.data(), got);
  }
  auto waiting = talk->process.wait();
  co_return co_await std::move(waiting);
}

asio::awaitable<void> kill(std::shared_ptr<Talk> talk) {
  talk->process.kill();
  auto waiting = talk->process.wait();
  (void)co_await std::move(waiting);
}

/// From its start to the end of its tree, whatever cancels it.
asio::awaitable<ExitStatus> converse(Environment& environment, std::shared_ptr<Talk> talk, std::string input) {
  TaskScope scope(environment.executor(), [](const Error&) {});
  scope.spawn(give(talk, std::move(input)));
  scope.spawn(hear_errors(talk));
  ExitStatus status;
  std::optional<Error> stopped;
  try {
    auto hearing = hear(talk);
    status = co_await std::move(hearing);
    co_await scope.join();
  } catch (...) {
    stopped = current_error();
  }
  if (!stopped) co_return status;
  co_await asio::this_coro::throw_if_cancelled(false);
  scope.cancel();
  auto killing = kill(talk);
  co_await shielded(std::move(killing));
  auto joining = scope.join();
  co_await shielded(std::move(joining));
  co_await asio::this_coro::throw_if_cancelled(true);
  throw Error(std::move(*stopped));
}

std::string said(const std::string& errors) {
  return sanitize_utf8(trimmed(std::string_view(errors).substr(0, HookProgram::kMaxErrors)));
}

HookReply reply_of(const Talk& talk, const ExitStatus& status) {
  HookReply reply;
  if (talk.too_much) {
    throw Error(errc::too_large, fmt::format("it said more than {} KiB", HookProgram::kMaxOutput >> 10U));
  }
  const std::string words = said(talk.errors);
  const std::string why = words.empty() ? std::string() : ": " + words;
  if (status.signal != 0) throw Error(errc::io, fmt::format("it was killed by signal {}{}", status.signal, why));
  if (status.code == kRefusal) {
    reply.refused = true;
    reply.words = words;
    return reply;
  }
  if (status.code != 0) throw Error(errc::io, fmt::format("it exited with {}{}", status.code, why));
  if (is_blank(talk.output)) return reply;
  std::string wrong;
  std::optional<json::value> answer = parse_json(talk.output, &wrong);
  if (!answer) throw Error(errc::protocol, "its answer is not valid JSON (" + wrong + ")");
  reply.answer = std::move(answer);
  return reply;
}

}  // namespace

asio::awaitable<HookReply> ask_program(Environment& environment, HookProgram program, json::value question) {
  auto starting = Process::start(command_of(program));
  Process process = co_await std::move(starting);
  const auto talk = std::make_shared<Talk>(std::move(process));
  auto conversing = converse(environment, talk, json::serialize(question) + "\n");
  const ExitStatus status = co_await std::move(conversing);
  co_return reply_of(*talk, status);
}

std::string name_of_program(const std::vector<std::string>& run) {
  if (run.empty()) return "?";
  const auto name = [](const std::string& word) { return std::filesystem::path(word).filename().string(); };
  const bool interprets = run.size() > 1 && run[0].find('/') == std::string::npos && !run[1].starts_with('-');
  return interprets ? name(run[0]) + " " + name(run[1]) : name(run[0]);
}

}  // namespace sennit
