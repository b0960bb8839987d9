#include <sennit/agent/io/json.hpp>
#include <sennit/app/figures.hpp>
#include <sennit/app/ping_report.hpp>
#include <sennit/app/style.hpp>
#include <sennit/app/unicode.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace sennit::app {
namespace {

std::string advice_to_connect(const PingTarget& target) {
  if (target.provider != nullptr && !target.provider->key_required) {
    return "Does the server run, and there? Another address: --base-url URL, or `base_url` in the agent file.";
  }
  return "Is there a network? A proxy has to be named in the agent file (`model: {proxy: …}`): the variables of the "
         "environment are not read.";
}

std::string advice_on_key(const PingTarget& target) {
  if (target.key_variable.empty()) return "See `api_key` and `headers` of the agent file.";
  return fmt::format("{} is where the key is looked for: `export {}=…`.", target.key_variable, target.key_variable);
}

std::string advice_on_request(const Error& error, const PingTarget& target) {
  constexpr int kNotFound = 404;
  const std::string provider = target.provider == nullptr ? std::string() : target.provider->name;
  if (error.status() == kNotFound) {
    return fmt::format(
        "Is the name right, and open to this key? `sennit models --provider {}` lists those that are known. Or the "
        "address is wrong: it mostly ends in /v1.",
        provider);
  }
  return "Another protocol may do: --api NAME (`sennit models show " + target.model + "` lists them).";
}

/// What to do, as far as the code tells.
std::string advice_of(const Error& error, const PingTarget& target) {
  switch (error.code()) {
    case errc::connect_failed:
      return advice_to_connect(target);
    case errc::authentication:
      return advice_on_key(target);
    case errc::permission:
      return "The key is known, but not for this: see the account's settings, or take another model.";
    case errc::quota:
      return "Waiting does not help: the account wants money, or a higher limit.";
    case errc::rate_limited:
      return error.retry_after()
                 ? fmt::format("Try again in {}.", duration(*error.retry_after()))
                 : std::string("Try again in a minute; `model: {rate: …}` keeps an agent below a limit.");
    case errc::overloaded:
    case errc::server:
      return "That is the provider's trouble: try again later, or give the agent a `fallback`.";
    case errc::timeout:
      return "More patience: --timeout 5m.";
    case errc::protocol:
    case errc::truncated:
      return "Is that the address of an API, and is no proxy or login page before it? It mostly ends in /v1.";
    case errc::bad_request:
      return advice_on_request(error, target);
    default:
      return {};
  }
}

std::string_view part_of(const Error& error) {
  switch (error.code()) {
    case errc::connect_failed:
    case errc::protocol:
      return "address";
    case errc::authentication:
    case errc::permission:
      return "key";
    case errc::quota:
    case errc::rate_limited:
      return "account";
    case errc::bad_request:
      return error.status() == 404 ? "model" : "answer";
    default:
      return "answer";
  }
}

std::string in_quotes(std::string_view words) {
  constexpr std::size_t kShown = 60;
  return "“" + clip(one_line(words), kShown) + "”";
}

}  // namespace

Finding finding_of(const Error& error, const PingTarget& target) {
  return {Mark::wrong, part_of(error), one_line(error.describe()), advice_of(error, target)};
}

Finding answer_finding(const ProbeResult& result) {
  const Completion& completion = result.completion;
  if (!completion.refusal.empty() || completion.reason == StopReason::refusal) {
    return {Mark::wrong, "answer", "it refused: " + in_quotes(completion.refusal), {}};
  }
  if (completion.message.parts.empty() && completion.reason != StopReason::length) {
    return {Mark::wrong, "answer", "it answered with nothing", "Its server may need other settings for this model."};
  }
  std::string words = "first token after " + duration(result.first_token);
  if (const auto speed = result.speed()) words += fmt::format(" · {:.0f} tokens/s", *speed);
  if (const std::string count = tokens(completion.usage); !count.empty()) words += " · " + count;
  return {Mark::right, "answer", words};
}

Finding tools_finding(const ProbeResult& result, std::string_view tool, const PingTarget& target) {
  if (result.error) {
    Finding finding = finding_of(*result.error, target);
    finding.about = "tools";
    if (result.error->code() == errc::bad_request) {
      finding.advice = "It may not take tools, or not in this way: `sennit models --with tools` lists models that do.";
    }
    return finding;
  }
  const std::vector<const ToolCall*> calls = result.completion.message.tool_calls();
  if (calls.empty()) {
    return {
        Mark::wrong, "tools", "it was told to call a tool and did not: " + in_quotes(result.completion.message.text()),
        "A model without tool calling can only talk. A local server may need a switch for it (llama-server: --jinja; "
        "vLLM: --enable-auto-tool-choice)."};
  }
  const ToolCall& call = *calls.front();
  const auto arguments = parse_json(call.arguments);
  if (call.name != tool || !arguments || !arguments->is_object()) {
    return {Mark::wrong, "tools", fmt::format("it called {} with {}", in_quotes(call.name), in_quotes(call.arguments)),
            fmt::format("Wanted was {} with a JSON object. The server may lack the model's template.", tool)};
  }
  return {Mark::right, "tools",
          fmt::format("called {} as it was told, after {}", tool, duration(result.first_token + result.writing))};
}

Finding cost_finding(const Usage& usage, const std::optional<Prices>& prices) {
  if (!prices) {
    return {Mark::untold, "cost", "not known: there are no prices for it (`model: {prices: …}`)"};
  }
  return {Mark::untold, "cost", money(cost_of(usage, *prices)) + " for this"};
}

std::string line_of(const Finding& finding, bool colour) {
  const bool wrong = finding.mark == Mark::wrong;
  std::string sign = wrong ? "✗" : finding.mark == Mark::right ? "✓" : "·";
  if (colour && finding.mark != Mark::untold) {
    sign = sgr(Style{.colour = wrong ? Colour::red : Colour::green}) + sign + sgr(kPlain);
  }
  std::string text = fmt::format("  {} {:<9}{}\n", sign, finding.about, finding.words);
  if (!finding.advice.empty()) text += fmt::format("    {:<9}{}\n", "", finding.advice);
  return text;
}

}  // namespace sennit::app
