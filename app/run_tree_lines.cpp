// The tree of a run as lines for a person: an effect a line, and what was asked, said and gave in a few words.
#include <sennit/agent/event.hpp>
#include <sennit/agent/step_trace.hpp>
#include <sennit/app/figures.hpp>
#include <sennit/app/requests.hpp>
#include <sennit/app/run_tree.hpp>
#include <sennit/app/style.hpp>
#include <sennit/app/unicode.hpp>
#include <sennit/app/view.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace sennit::app {
namespace {

constexpr std::size_t kIdWidth = 7;
/// Of a text that is one of several on a line.
constexpr std::size_t kFewWords = 60;

std::string in_quotes(std::string_view text) {
  return "“" + clip(one_line(text), kFewWords) + "”";
}

ToolCall call_in(const json::value& in) {
  return {std::string(find_string(in, "call")), std::string(find_string(in, "name")),
          std::string(find_string(in, "arguments"))};
}

std::string time_of(const EffectNode& effect) {
  if (!effect.begun || !effect.ended || *effect.begun == *effect.ended) return {};
  return duration(std::chrono::duration_cast<std::chrono::microseconds>(*effect.ended - *effect.begun));
}

std::string error_in(const json::value& out) {
  const json::value* error = find(out, "error");
  return error == nullptr ? std::string() : "✗ " + one_line(find_string(*error, "message"));
}

/// What a completion showed.
struct Shown {
  std::string text;
  std::vector<std::string> calls;
  std::vector<std::string> retries;
};

Shown shown_by(const json::value& out) {
  Shown shown;
  const json::value* trace = find(out, "trace");
  if (trace == nullptr) return shown;
  for (const EventData& data : StepTrace::events(*trace)) {
    if (const auto* text = std::get_if<TextDelta>(&data)) shown.text += text->text;
    if (const auto* refusal = std::get_if<RefusalDelta>(&data)) shown.text += refusal->text;
    const auto* call = std::get_if<ToolCallDelta>(&data);
    if (call != nullptr && !call->name.empty()) shown.calls.push_back(one_line(call->name));
    if (const auto* chosen = std::get_if<ModelChosen>(&data)) {
      shown.retries.push_back(fmt::format("· model {}: {}", one_line(chosen->model), one_line(chosen->reason)));
    }
    const auto* retried = std::get_if<Retried>(&data);
    if (retried == nullptr) continue;
    shown.retries.push_back(fmt::format("↻ {}; attempt {} in {}", one_line(retried->error.message()), retried->attempt,
                                        duration(retried->delay)));
  }
  return shown;
}

class Lines {
 public:
  Lines(std::size_t width, bool colour) : width_(width), colour_(colour) {}

  void draw(const EffectNode& effect, std::size_t depth) {
    if (effect.kind == "complete") ++step_;
    std::vector<std::string> further;
    const std::string words = words_of(effect, further);
    line(effect.id, depth, words, find(effect.out, "error") != nullptr || is_error(effect));
    for (const std::string& more : further) line("", depth, more, false);
    const std::size_t step = std::exchange(step_, 0);  // a sub-agent counts its own
    for (const auto& inner : effect.inside) draw(*inner, depth + 1);
    step_ = step;
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  static bool is_error(const EffectNode& effect) {
    const json::value* flag = find(effect.out, "is_error");
    return flag != nullptr && *flag == json::value(true);
  }

  void line(const std::string& id, std::size_t depth, const std::string& words, bool wrong) {
    // An imported journal may hold anything.
    const std::string left = std::string(2 * depth, ' ') + one_line(id);
    const std::size_t used = std::max(left.size(), 2 * depth + kIdWidth) + 1;
    const std::string right = clip(harmless_line(words), width_ > used + 16 ? width_ - used : 16);
    const std::string gap(used - left.size(), ' ');
    out_ += "  ";
    if (colour_) out_ += sgr(kDim);
    out_ += left;
    if (colour_) out_ += sgr(wrong ? Style{.colour = Colour::red} : kPlain);
    out_ += gap + right;
    if (colour_ && wrong) out_ += sgr(kPlain);
    out_ += "\n";
  }

  std::string words_of(const EffectNode& effect, std::vector<std::string>& further) const {
    const std::string& kind = effect.kind;
    if (kind.empty()) return called(effect);
    if (kind == "start") return started(effect);
    if (kind == "say") return said(effect);
    if (kind == "complete") return completed(effect, further);
    if (kind == "tool") return judged(effect, further);
    if (kind == "approval" || kind == "ask" || kind == "doubt") return asked(effect);
    if (kind == "recall") return recalled(effect);
    if (kind == "remember") return "remembered " + in_quotes(find_string(effect.in, "text"));
    if (kind == "end") return ended(effect);
    std::string words = kind;
    if (!effect.in.is_null()) words += " " + one_line(json::serialize(effect.in));
    if (!effect.out.is_null()) words += " → " + one_line(json::serialize(effect.out));
    return words;
  }

  static std::string started(const EffectNode& effect) {
    std::string words = "start   " + one_line(find_string(effect.in, "agent"));
    words += " · " + one_line(find_string(effect.out, "model"));
    if (const std::string_view notice = find_string(effect.out, "notice"); !notice.empty()) {
      words += " · " + one_line(notice);
    }
    return words;
  }

  static std::string said(const EffectNode& effect) {
    const json::value* body = find(effect.in, "message");
    if (body == nullptr) return "say";
    const Message message = message_from_json(*body);
    return "said    " + std::string(message.role == Role::user ? "" : "(not by the person) ") +
           in_quotes(message.text());
  }

  std::string completed(const EffectNode& effect, std::vector<std::string>& further) const {
    Shown shown = shown_by(effect.out);
    std::vector<std::string> parts;
    if (const std::string time = time_of(effect); !time.empty()) parts.push_back(time);
    if (const json::value* usage = find(effect.out, "usage")) {
      if (const std::string count = tokens(usage_from_json(*usage)); !count.empty()) parts.push_back(count);
    }
    if (!effect.ended) parts.emplace_back("not ended");
    if (!shown.text.empty()) parts.push_back(in_quotes(shown.text));
    if (const std::string error = error_in(effect.out); !error.empty()) parts.push_back(error);
    if (const std::string_view heard = find_string(effect.in, "said"); !heard.empty()) {
      further.push_back("said    " + in_quotes(heard));
    }
    further.insert(further.end(), shown.retries.begin(), shown.retries.end());
    const std::string calls = shown.calls.empty() ? "" : fmt::format(" → {}", fmt::join(shown.calls, ", "));
    return fmt::format("step {}  {}{}", step_, fmt::join(parts, " · "), calls);
  }

  /// A call; where it was not simply allowed, with the rule.
  static std::string judged(const EffectNode& effect, std::vector<std::string>& further) {
    const json::value* policy = find(effect.out, "policy");
    const std::string_view verdict = policy == nullptr ? std::string_view() : find_string(*policy, "verdict");
    if (!verdict.empty() && verdict != "allow") {
      further.push_back(fmt::format("{:<8}{}", verdict, one_line(find_string(*policy, "rule"))));
    }
    return called(effect);
  }

  static std::string called(const EffectNode& effect) {
    // A call that was not begun is known by what is asked about it.
    const json::value* in = &effect.in;
    if (effect.kind.empty() && !effect.inside.empty()) in = &effect.inside.front()->in;
    const ToolCall call = call_in(*in);
    if (call.name.empty()) return "a call";
    std::string words = clip(describe_call(call), kFewWords + 20);
    if (!effect.ended) return words + (effect.begun ? " · not ended" : " · not begun");
    words += is_error(effect) ? " ✗ " : " → ";
    words += in_quotes(find_string(effect.out, "content"));
    if (const auto time = find_int(effect.out, "us")) words += " · " + duration(std::chrono::microseconds(*time));
    if (find(effect.out, "stopped") != nullptr) words += " · stopped";
    return words;
  }

  static std::string asked(const EffectNode& effect) {
    Request request;
    request.kind = effect.kind == "approval" ? Request::Kind::approval
                   : effect.kind == "doubt"  ? Request::Kind::doubt
                                             : Request::Kind::question;
    request.call = call_in(effect.in);
    request.rule = find_string(effect.in, "rule");
    request.question = find_string(effect.in, "question");
    const std::string words = "asked   " + clip(describe(request), 2 * kFewWords);
    if (!effect.ended && !effect.answer.empty()) return words + " → " + in_quotes(effect.answer) + ", not used yet";
    if (!effect.ended) return words + " → open";
    const std::string_view answer = find_string(effect.out, "said");
    return words + " → " + (answer.empty() ? std::string("no answer") : in_quotes(answer));
  }

  static std::string recalled(const EffectNode& effect) {
    std::string words = "recall  " + in_quotes(find_string(effect.in, "query")) + " → ";
    const json::value* notes = find(effect.out, "notes");
    if (notes == nullptr || !notes->is_array()) return words + (effect.ended ? error_in(effect.out) : "not ended");
    return words + fmt::format("{} note{}", notes->get_array().size(), notes->get_array().size() == 1 ? "" : "s");
  }

  static std::string ended(const EffectNode& effect) {
    const Outcome outcome = outcome_from_json(effect.out);
    std::string words = "end     " + std::string(to_string(outcome.ending));
    if (outcome.error) return words + ": " + one_line(outcome.error->describe());
    if (!outcome.detail.empty()) words += ": " + one_line(outcome.detail);
    if (!outcome.text.empty()) words += " " + in_quotes(outcome.text);
    return words;
  }

  std::size_t width_;
  bool colour_;
  std::size_t step_ = 0;
  std::string out_;
};

}  // namespace

std::string draw_tree(const std::vector<std::unique_ptr<EffectNode>>& effects, std::size_t width, bool colour) {
  Lines lines(width, colour);
  for (const auto& effect : effects) lines.draw(*effect, 0);
  return lines.take();
}

}  // namespace sennit::app
