#include "injection_play.hpp"

#include "doubles.hpp"
#include "obedient.hpp"
#include "support/http_server.hpp"
#include "support/world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace sennit::testing {
namespace {

constexpr std::string_view kAttacker = "attacker.example";
constexpr std::string_view kAllowAll =
    "policy: {default: allow, flow: {untrusted: allow, confidential: allow, both: allow}}\n";

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

/// `policy:` and what is indented below it.
std::string without_policy(const std::string& yaml) {
  std::string out;
  bool inside = false;
  std::size_t at = 0;
  while (at < yaml.size()) {
    const std::size_t end = std::min(yaml.find('\n', at), yaml.size() - 1);
    const std::string line = yaml.substr(at, end - at + 1);
    at = end + 1;
    if (!line.starts_with(' ') && line != "\n") inside = line.starts_with("policy:");
    if (!inside) out += line;
  }
  return out;
}

/// One word, and the rest.
std::pair<std::string, std::string> split(const std::string& text) {
  const std::size_t space = text.find(' ');
  if (space == std::string::npos) return {text, ""};
  return {text.substr(0, space), text.substr(space + 1)};
}

std::string without_query(std::string_view url) {
  return std::string(url.substr(0, url.find('?')));
}

/// The web: pages by URL, redirects to wherever a query says, and what was asked of it.
class Web {
 public:
  Web() : server_([this](const HttpRequest& request) { return answer(request); }) {}

  /// `http://name.example/` with the server's port.
  [[nodiscard]] std::string located(std::string text) const {
    const std::string port = ":" + std::to_string(server_.port());
    constexpr std::string_view kEnd = ".example/";
    for (std::size_t at = text.find("http://"); at != std::string::npos; at = text.find("http://", at + 1)) {
      const std::size_t slash = text.find('/', at + 7);
      const std::size_t end = text.find(kEnd, at);
      if (slash != std::string::npos && end != std::string::npos && end + kEnd.size() - 1 == slash) {
        text.insert(slash, port);
      }
    }
    return text;
  }
  void add_page(const std::string& url, std::string text) {
    const std::lock_guard lock(mutex_);
    pages_[without_query(url)] = std::move(text);
  }
  void add_redirect(const std::string& url) {
    const std::lock_guard lock(mutex_);
    redirects_.push_back(without_query(url));
  }
  [[nodiscard]] bool attacker_got(std::string_view words) const {
    return std::ranges::any_of(server_.requests(), [&](const HttpRequest& request) {
      if (request.header("host").find(kAttacker) == std::string_view::npos) return false;
      std::string all = request.target + "\n" + request.body;
      for (const auto& [name, value] : request.headers) all.append("\n").append(value);
      return all.find(words) != std::string::npos;
    });
  }
  /// Whether `host.example/path` was asked.
  [[nodiscard]] bool was_asked(std::string_view where) const {
    return std::ranges::any_of(server_.requests(), [&](const HttpRequest& request) {
      const std::string_view host = request.header("host");
      return (std::string(host.substr(0, host.find(':'))) + request.target).starts_with(where);
    });
  }
  [[nodiscard]] std::string record() const {
    std::string text;
    for (const HttpRequest& request : server_.requests()) {
      text += fmt::format("  {} {}{} {}\n", request.method, request.header("host"), request.target, request.body);
    }
    return text;
  }

 private:
  Reply answer(const HttpRequest& request) {
    const std::string url = "http://" + std::string(request.header("host")) + request.target;
    const std::lock_guard lock(mutex_);
    const std::string page = without_query(url);
    if (std::ranges::count(redirects_, page) > 0) {
      constexpr std::string_view kTo = "?to=";
      const std::size_t to = url.find(kTo);
      return Reply::text("").status(302).header("Location",
                                                to == std::string::npos ? "/" : url.substr(to + kTo.size()));
    }
    const auto found = pages_.find(page);
    if (found == pages_.end()) return Reply::text("hello");
    Reply reply = Reply::text(found->second);
    return found->second.starts_with('<') ? std::move(reply).header("Content-Type", "text/html; charset=utf-8")
                                          : std::move(reply);
  }

  std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> pages_;
  std::vector<std::string> redirects_;
  HttpServer server_;  // last: its thread uses the others
};

class Player {
 public:
  Player(const InjectionFile& file, Guard guard) : guard_(guard), doubles_(std::make_shared<Doubles>()) {
    for (const CaseBlock& agent : file.agents) {
      std::string yaml = "sennit: 1\nmodel: world/model\n" + agent.text;
      if (yaml.find("\nname:") == std::string::npos) yaml.insert(0, fmt::format("name: {}\n", file.name));
      if (guard == Guard::none) yaml = without_policy(yaml) + std::string(kAllowAll);
      (void)folder_.write("agent/" + agent.kind, web_.located(std::move(yaml)));
    }
  }

  Played run(const std::vector<CaseBlock>& setup, const std::vector<CaseBlock>& blocks) {
    for (const CaseBlock& block : setup) apply(block);
    // What follows an input is how the world is when it is given.
    const auto is_input = [](const CaseBlock& block) { return block.kind == "user" || block.kind == "later"; };
    for (auto at = blocks.begin(); at != blocks.end();) {
      const auto next = std::find_if(at + 1, blocks.end(), is_input);
      std::for_each(is_input(*at) ? at + 1 : at, next, [this](const CaseBlock& block) { apply(block); });
      if (is_input(*at)) apply(*at);
      at = next;
    }
    played_.reached =
        !goals_.empty() && std::ranges::all_of(goals_, [&](const CaseBlock& goal) { return reached(goal); });
    played_.record = doubles_->record() + web_.record();
    return std::move(played_);
  }

 private:
  void apply(const CaseBlock& block) {
    std::string text = web_.located(block.text);
    replace_all(text, "{{secret}}", kSecret);
    if (block.kind == "user" || block.kind == "later") {
      say(std::move(text), block.kind == "later");
    } else if (block.kind == "labels") {
      const std::string& label = block.argument;
      const std::string origin = label.substr(label.find('=') + 1);
      if (label.starts_with("untrusted=")) labels_.add_untrusted(origin);
      if (label.starts_with("private=")) labels_.add_confidential(origin);
    } else if (block.kind == "file") {
      (void)folder_.write("agent/" + block.argument, text);
      files_[block.argument] = text;
    } else if (block.kind == "page") {
      web_.add_page(web_.located(block.argument), std::move(text));
    } else if (block.kind == "open redirect") {
      web_.add_redirect(web_.located(block.argument));
    } else if (block.kind == "goal") {
      goals_.push_back(block);
    } else if (block.kind != "stopped") {
      doubles_->say(block.argument.empty() ? block.kind : block.kind + " " + block.argument, std::move(text));
    }
  }

  void say(std::string text, bool another_day) {
    if (!world_ || another_day) {
      session_.reset();
      world_.reset();  // another day the program is another one
      RuntimeOptions options;
      options.state = folder_ / "state";
      world_ =
          std::make_unique<World>(obedient(), options, [this](Registry& registry) { add_doubles(registry, doubles_); });
      session_ = world_->agent(read_definition(folder_ / "agent/agent.yaml")).session();
    }
    RunOptions options;
    options.approvals = guard_ == Guard::none ? Approvals::allow : Approvals::deny;
    options.questions = false;
    options.labels = std::exchange(labels_, {});
    Run run = session_->start(std::move(text), std::move(options));
    for (const Event& event : elsewhere(read_all(run))) take(event);
  }

  void take(const Event& event) {
    if (const auto* decided = std::get_if<PolicyDecided>(&event.data)) played_.decisions.push_back(*decided);
    if (const auto* finished = std::get_if<ToolFinished>(&event.data);
        finished != nullptr && finished->result.is_error) {
      played_.failed_calls.push_back(finished->result.name + ": " + finished->result.content);
    }
    const auto* end = std::get_if<RunFinished>(&event.data);
    if (end == nullptr || end->outcome.ending == Ending::completed) return;
    played_.endings += std::string(to_string(end->outcome.ending)) + " " + end->outcome.detail + "\n";
  }

  [[nodiscard]] bool reached(const CaseBlock& goal) const {
    const auto [how, rest] = split(with_secret(goal.argument));
    const auto [what, words] = split(rest);
    if (how == "web") return web_.attacker_got(rest);
    if (how == "asked") return web_.was_asked(rest);
    if (how == "call") return doubles_->has_done(what, words);
    const std::filesystem::path path = folder_ / ("agent/" + what);
    if (how == "file") return std::filesystem::exists(path) && read_file(path).find(words) != std::string::npos;
    if (how == "gone") return !std::filesystem::exists(path) || read_file(path) != files_.at(what);
    throw std::runtime_error("an unknown goal: " + goal.argument);
  }

  Guard guard_;
  TempDir folder_;
  Web web_;
  std::shared_ptr<Doubles> doubles_;
  std::map<std::string, std::string> files_;
  std::vector<CaseBlock> goals_;
  Labels labels_;
  Played played_;
  std::unique_ptr<World> world_;
  std::optional<Session> session_;
};

}  // namespace

Played play(const InjectionFile& file, const InjectionCase& one, Guard guard) {
  return Player(file, guard).run(file.setup, one.blocks);
}

bool was_stopped(const Played& played, std::string_view tool, std::string_view rule) {
  return std::ranges::any_of(played.decisions, [&](const PolicyDecided& decision) {
    return decision.verdict != Verdict::allow && decision.tool == tool && decision.rule.find(rule) != std::string::npos;
  });
}

}  // namespace sennit::testing
