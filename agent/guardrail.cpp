#include <sennit/agent/definition.hpp>
#include <sennit/agent/guardrail.hpp>
#include <sennit/agent/io/secrets.hpp>
#include <sennit/agent/io/timeout.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>
#include <re2/re2.h>

#include <utility>

namespace sennit {
namespace {

constexpr std::int64_t kPatternMemory = 8LL << 20U;  // RE2 compiles and matches within it

std::unique_ptr<re2::RE2> compile(const std::string& pattern, const std::string& name) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kPatternMemory);
  auto compiled = std::make_unique<re2::RE2>(pattern, options);
  if (!compiled->ok()) {
    throw Error(errc::config, fmt::format("the pattern of the guardrail {} is wrong: {}", name, compiled->error()));
  }
  if (re2::RE2::FullMatch("", *compiled)) {
    throw Error(errc::config, fmt::format("the pattern of the guardrail {} matches everywhere: it must not match an "
                                          "empty text",
                                          name));
  }
  return compiled;
}

/// What a command says. Throws Error(errc::protocol).
std::string reason_of(const HookReply& reply) {
  const std::string fallback = "no reason was given";
  if (reply.refused) return reply.words.empty() ? fallback : reply.words;
  const json::object* answer = reply.answer ? reply.answer->if_object() : nullptr;
  const json::value* pass = answer == nullptr ? nullptr : answer->if_contains("pass");
  if (pass == nullptr || !pass->is_bool()) {
    throw Error(errc::protocol, R"(its answer is neither {"pass":true} nor {"pass":false,"reason":…})");
  }
  if (pass->get_bool()) return {};
  const std::string_view reason = find_string(*reply.answer, "reason");
  return reason.empty() ? fallback : std::string(reason);
}

std::vector<std::shared_ptr<const Guardrail>> make_all(const std::vector<GuardrailSpec>& specs, std::string_view which,
                                                       const Definition& definition) {
  std::vector<std::shared_ptr<const Guardrail>> rails;
  for (const GuardrailSpec& spec : specs) {
    const std::string fallback =
        spec.run.empty() ? fmt::format("{}[{}]", which, rails.size()) : name_of_program(spec.run);
    try {
      rails.push_back(std::make_shared<Guardrail>(spec, fallback, definition.directory()));
    } catch (const Error& error) {
      throw Error(error).at(definition.file.string());
    }
  }
  return rails;
}

}  // namespace

Guardrail::Guardrail(const GuardrailSpec& spec, const std::string& fallback_name, std::filesystem::path directory)
    : name_(spec.name.empty() ? fallback_name : spec.name),
      say_(spec.say),
      redacts_(spec.action == "redact"),
      program_{spec.run, std::move(directory), {}},
      timeout_(spec.timeout) {
  if (spec.run.empty()) pattern_ = compile(spec.pattern, name_);
  if (redacts_ && !pattern_) throw Error(errc::config, "the guardrail " + name_ + ": a command cannot redact");
}

Guardrail::~Guardrail() = default;

bool Guardrail::find(std::string_view text, std::size_t from, std::size_t until, Match& match) const {
  const re2::StringPiece all(text.data(), text.size());
  // A pattern of optional parts matches nothing here and there (`\b[0-9]*\b`): what it is for may come later.
  while (pattern_ && from < until) {
    re2::StringPiece found;
    if (!pattern_->Match(all, from, until, re2::RE2::UNANCHORED, &found, 1)) return false;
    match.begin = static_cast<std::size_t>(found.data() - text.data());
    match.end = match.begin + found.size();
    if (!found.empty()) return true;
    from = match.begin + 1;
  }
  return false;
}

asio::awaitable<std::string> Guardrail::ask(Environment& environment, json::object question) const {
  std::optional<Error> failure;
  std::string reason;
  try {
    auto asking = ask_program(environment, program_, std::move(question));
    auto bounded = with_timeout(environment, timeout_, std::move(asking), "the guardrail " + name_);
    const HookReply reply = co_await std::move(bounded);
    reason = secrets::redact(sanitize_utf8(reason_of(reply)));
  } catch (...) {
    failure = current_error();
  }
  if (!failure) co_return reason;
  const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) throw Error(std::move(*failure));
  co_return secrets::redact("it failed, so nothing passes: " + sanitize_utf8(failure->describe()));
}

Guardrails make_guardrails(const Definition& definition) {
  const GuardrailSettings& settings = definition.guardrails;
  return {make_all(settings.input, "input", definition), make_all(settings.output, "output", definition),
          settings.window};
}

std::string redact_by(const std::vector<std::shared_ptr<const Guardrail>>& rails, std::string text) {
  for (const auto& rail : rails) {
    if (!rail->redacts()) continue;
    std::string clean;
    std::size_t at = 0;
    Match match;
    while (rail->find(text, at, text.size(), match)) {
      clean.append(text, at, match.begin - at).append(kGuardrailMask);
      at = match.end;
    }
    if (at > 0) text = clean.append(text, at);
  }
  return text;
}

}  // namespace sennit
