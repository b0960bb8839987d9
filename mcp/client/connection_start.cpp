// How a server is met: which era it speaks, and what is done where it dies before it has said so.
#include <sennit/agent/io/sandbox.hpp>
#include <sennit/agent/io/timeout.hpp>
#include <sennit/mcp/client/connection.hpp>
#include <sennit/mcp/client/http_refused.hpp>
#include <sennit/mcp/protocol/envelope.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sennit::mcp {
namespace {

/// A question whose answer may come late.
struct Probe {
  std::optional<Answer> answer;
  std::exception_ptr failure;
  Signal changed;
};

asio::awaitable<void> ask(std::shared_ptr<Link> link, Outgoing outgoing, std::shared_ptr<Probe> probe) {
  try {
    auto asking = link->request(std::move(outgoing));
    probe->answer.emplace(co_await std::move(asking));
  } catch (...) {
    probe->failure = std::current_exception();
  }
  probe->changed.notify();
}

asio::awaitable<void> wait_for(std::shared_ptr<Probe> probe) {
  while (!probe->answer && !probe->failure) co_await probe->changed.wait();
}

/// Closes a link that was opened for nothing.
struct Opened {
  std::shared_ptr<Link> link;
  explicit Opened(std::shared_ptr<Link> of_link) : link(std::move(of_link)) {}
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  ~Opened() {
    if (link) link->close();
  }
};

/// What may have been the reason of a death: an interpreter tells of a script that its sandbox hides as of one that is
/// not there.
std::string sandbox_hint(const McpServer& server) {
  if (!server.sandbox.enabled || !sandbox::support().possible) return {};
  return fmt::format(
      ". It ran in a sandbox that shows it the system's programs and the configured folders only; "
      "`mcp.{}.sandbox: {{read: [FOLDER]}}` shows it more",
      server.name);
}

}  // namespace

json::object Connection::capabilities() const {
  json::object ours{{"elicitation", {{"form", json::object()}, {"url", json::object()}}}};
  if (!server_.roots.empty()) ours["roots"] = json::object();
  if (server_.sampling != Verdict::deny) ours["sampling"] = json::object();
  return ours;
}

asio::awaitable<void> Connection::start() {
  if (deaths_ >= kMaxDeaths) {
    throw Error(errc::connect_failed,
                fmt::format("the MCP server '{}' died {} times in a row; it is not started again in this run",
                            server_.name, deaths_));
  }
  auto pausing = pause_before_start();
  co_await std::move(pausing);
  auto starting = links_.child ? start_child() : start_remote();
  co_await std::move(starting);
}

asio::awaitable<void> Connection::pause_before_start() {
  if (environment_.now() < not_before_) co_await environment_.sleep_until(not_before_);
  const milliseconds pause = std::min(kFirstPause * (1U << std::min(deaths_, 10U)), kLongestPause);
  const auto jitter = milliseconds(static_cast<std::int64_t>(
      environment_.random() % static_cast<std::uint64_t>(std::max<std::int64_t>(pause.count() / 4, 1))));
  not_before_ = environment_.now() + pause + jitter;
  ++deaths_;  // forgotten with the first answer
}

void Connection::adopt(std::shared_ptr<Link> link, ServerFacts facts) {
  link->agreed(facts);
  era_ = facts.era;
  facts_ = std::move(facts);
  link_ = std::move(link);
  ++tools_version_;
}

asio::awaitable<void> Connection::start_child() {
  for (int attempt = 1;; ++attempt) {
    Opened opened(links_.child(*this));
    std::optional<Error> failure;
    try {
      co_await opened.link->open();
      auto meeting = meet_child(opened.link);
      ServerFacts facts = co_await std::move(meeting);
      co_return adopt(std::move(opened.link), std::move(facts));
    } catch (const Error& error) {
      const bool untaken = dynamic_cast<const NotTaken*>(&error) != nullptr;
      if (error.code() != errc::truncated && !untaken) throw;
      std::string words = error.message() + sandbox_hint(server_);
      if (attempt == kMaxStarts && untaken) throw NotTaken(error.code(), std::move(words));
      if (attempt == kMaxStarts) throw Error(error.code(), std::move(words));
      last_failure_ = std::move(words);
      failure = error;
    }
    // Perhaps it could not bear what it does not know.
    if (server_.era == "auto") era_ = Era::legacy;
    environment_.log({LogLevel::warning, "mcp", failure->message() + "; it is started again"});
    auto pausing = pause_before_start();
    co_await std::move(pausing);
  }
}

asio::awaitable<ServerFacts> Connection::meet_child(std::shared_ptr<Link> link) {
  if (server_.era == "legacy" || (server_.era == "auto" && era_ == Era::legacy)) co_return co_await initialize(*link);
  json::object params;
  add_envelope(params, kModernVersion, capabilities());
  const auto probe = std::make_shared<Probe>();
  TaskScope asking(executor_, [](const Error&) {});
  asking.spawn(ask(link, {++last_id_, "server/discover", std::move(params)}, probe));
  const bool only = server_.era == "modern";
  // A legacy server may say nothing at all to what it does not know.
  const milliseconds patience = only ? milliseconds{0} : std::min(kMostForDiscovery, server_.start_timeout / 3);
  try {
    auto waiting = wait_for(probe);
    co_await with_timeout(environment_, patience, std::move(waiting), "server/discover");
  } catch (const Error& error) {
    if (error.code() != errc::timeout) throw;
  }
  if (probe->failure) std::rethrow_exception(probe->failure);
  std::optional<Error> refused;
  for (bool met = false;; met = true) {
    if (probe->answer) {
      Discovery found = judge_discovery(*probe->answer);
      if (found.verdict == Discovery::Verdict::modern) co_return std::move(found.facts);
      if (found.verdict == Discovery::Verdict::no_version || only) {
        throw Error(errc::protocol,
                    found.why.empty() ? "the MCP server '" + server_.name + "' is no modern one" : found.why);
      }
    }
    if (met) throw Error(*refused);
    try {
      auto greeting = initialize(*link);
      co_return co_await std::move(greeting);
    } catch (const Error& error) {
      // A modern server that was slow to start answers late, and does not know the handshake.
      if (error.code() != errc::tool || !probe->answer) throw;
      refused = error;
    }
  }
}

asio::awaitable<ServerFacts> Connection::initialize(Link& link) {
  json::object params{{"protocolVersion", kLegacyVersions.front()},
                      {"capabilities", capabilities()},
                      {"clientInfo", implementation_info()}};
  auto asking = link.request({++last_id_, "initialize", std::move(params)});
  const Answer answer = co_await std::move(asking);
  if (const Fault* fault = answer.fault()) throw to_error(*fault, server_.name);
  ServerFacts facts = read_initialize(*answer.result());
  link.agreed(facts);
  auto telling = link.notify({"notifications/initialized", {}});
  co_await std::move(telling);
  co_return facts;
}

asio::awaitable<Discovery> Connection::discover(Link& link) {
  json::object params;
  add_envelope(params, kModernVersion, capabilities());
  ServerFacts modern;
  modern.era = Era::modern;
  modern.version = kModernVersion;
  link.agreed(modern);
  try {
    Discovery found;
    for (int attempt = 0; attempt < 2; ++attempt) {
      auto asking = link.request({++last_id_, "server/discover", params});
      const Answer answer = co_await std::move(asking);
      found = judge_discovery(answer);
      if (found.verdict != Discovery::Verdict::needs_other) break;
    }
    co_return found;
  } catch (const HttpRefused& refused) {
    // Whoever speaks the modern protocol says so in JSON; a bare 4xx comes from somebody who does not.
    if (refused.status() < 400 || refused.status() >= 500 || server_.era == "modern") throw;
  }
  co_return Discovery{};
}

asio::awaitable<ServerFacts> Connection::detect(Link& link) {
  if (server_.era != "legacy" && era_ != Era::legacy) {
    auto discovering = discover(link);
    Discovery found = co_await std::move(discovering);
    if (found.verdict == Discovery::Verdict::modern) co_return std::move(found.facts);
    if (found.verdict != Discovery::Verdict::legacy || server_.era == "modern") {
      throw Error(errc::protocol,
                  found.why.empty() ? "the MCP server '" + server_.name + "' is no modern one" : found.why);
    }
    link.agreed({});
  }
  auto greeting = initialize(link);
  co_return co_await std::move(greeting);
}

asio::awaitable<void> Connection::start_remote() {
  if (server_.transport != "sse") {
    Opened opened(links_.http(*this, pause()));
    try {
      co_await opened.link->open();
      auto meeting = detect(*opened.link);
      ServerFacts facts = co_await std::move(meeting);
      co_return adopt(std::move(opened.link), std::move(facts));
    } catch (const HttpRefused& refused) {
      const int status = refused.status();
      if (server_.transport == "http" || (status != 400 && status != 404 && status != 405)) throw;
    }
  }
  Opened opened(links_.sse(*this, pause()));
  co_await opened.link->open();
  auto greeting = initialize(*opened.link);
  ServerFacts facts = co_await std::move(greeting);
  adopt(std::move(opened.link), std::move(facts));
}

}  // namespace sennit::mcp
