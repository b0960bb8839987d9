#include <sennit/backends/wire/answer_decoder.hpp>
#include <sennit/backends/wire/provider_verdict.hpp>
#include <sennit/backends/wire/wire_json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace sennit {

namespace {

constexpr std::size_t kExcerpt = 160;
/// Keep-alive blank lines and a byte order mark may come first, a byte at a time.
constexpr std::string_view kBeforeBody = " \t\r\n\xEF\xBB\xBF";

/// What the servers' words for the end of an answer mean, in lower case. An unknown word is `other`.
struct ReasonWord {
  std::string_view word;
  StopReason reason;
};
constexpr std::array kReasonWords = {
    ReasonWord{"stop", StopReason::stop},
    ReasonWord{"eos", StopReason::stop},
    ReasonWord{"eos_token", StopReason::stop},
    ReasonWord{"end_turn", StopReason::stop},
    ReasonWord{"stop_sequence", StopReason::stop},
    ReasonWord{"completed", StopReason::stop},
    ReasonWord{"length", StopReason::length},
    ReasonWord{"incomplete", StopReason::length},
    ReasonWord{"max_output_tokens", StopReason::length},
    ReasonWord{"max_tokens", StopReason::length},
    ReasonWord{"model_length", StopReason::length},
    ReasonWord{"model_context_window_exceeded", StopReason::length},
    ReasonWord{"tool_calls", StopReason::tool_calls},
    ReasonWord{"tool_call", StopReason::tool_calls},
    ReasonWord{"tool_use", StopReason::tool_calls},
    ReasonWord{"function_call", StopReason::tool_calls},
    ReasonWord{"sensitive", StopReason::content_filter},
    ReasonWord{"safety", StopReason::content_filter},
    ReasonWord{"recitation", StopReason::content_filter},
    ReasonWord{"prohibited_content", StopReason::content_filter},
    ReasonWord{"blocklist", StopReason::content_filter},
    ReasonWord{"spii", StopReason::content_filter},
    ReasonWord{"language", StopReason::content_filter},
    ReasonWord{"model_armor", StopReason::content_filter},
    ReasonWord{"image_safety", StopReason::content_filter},
    ReasonWord{"image_prohibited_content", StopReason::content_filter},
    ReasonWord{"image_recitation", StopReason::content_filter},
    ReasonWord{"refusal", StopReason::refusal},
};
/// Google's reasons follow it after a colon: "content_filter: RECITATION".
constexpr std::string_view kFiltered = "content_filter";
constexpr std::size_t kLongestReason = 100;

/// Reasons that are failures. All of them may go away when asked again.
struct BrokenReason {
  std::string_view word;
  errc code;
  std::string_view what;
  bool anywhere = false;  ///< Google's "function_call_filter: MALFORMED_FUNCTION_CALL"
};
constexpr std::array kBrokenReasons = {
    BrokenReason{"insufficient_system_resource", errc::overloaded, "ran out of resources in the middle of the answer"},
    BrokenReason{"error", errc::server, "broke off the answer"},
    BrokenReason{"network_error", errc::server, "broke off the answer"},
    BrokenReason{"abort", errc::server, "broke off the answer"},
    BrokenReason{"failed", errc::server, "broke off the answer"},
    BrokenReason{"cancelled", errc::server, "broke off the answer"},
    BrokenReason{"malformed_function_call", errc::protocol, "could not read the model's tool call", true},
    BrokenReason{"malformed_response", errc::protocol, "could not read the model's answer", true},
    BrokenReason{"unexpected_tool_call", errc::protocol, "got a call of a tool that the model was not given", true},
    BrokenReason{"too_many_tool_calls", errc::protocol, "stopped the model after too many tool calls", true},
};

/// The object that an event holds. Gemini puts an array around its errors, in streams too.
const json::object* chunk_in(const json::value& event, Api api) {
  const json::array* array = api == Api::generate_content ? event.if_array() : nullptr;
  if (array == nullptr || array->empty()) return event.if_object();
  const json::object* first = array->front().if_object();
  return first != nullptr && first->contains("error") ? first : nullptr;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n\v\f");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n\v\f") - first + 1);
}

}  // namespace

AnswerDecoder::AnswerDecoder(const DecoderOptions& options)
    : options_(options), assembler_(make_assembler(options.api, options.think, options.verbatim)) {
  choose(options.status >= 400 ? Framing::document : options.framing);
}

const ProviderError* AnswerDecoder::error() const noexcept {
  return refusal_of_request_ ? refusal_of_request_.get() : assembler_->error();
}

void AnswerDecoder::choose(Framing framing) {
  undecided_ = framing == Framing::detect || framing == Framing::ndjson_or_sse;
  if (framing == Framing::sse) reader_.emplace<SseReader>();
  if (framing == Framing::ndjson) reader_.emplace<NdjsonReader>();
}

void AnswerDecoder::detect(std::string_view bytes) {
  if (bytes.empty()) return;
  const bool document = std::string_view("{[<").find(bytes.front()) != std::string_view::npos;
  const bool lines = bytes.front() == '{' && options_.framing == Framing::ndjson_or_sse;
  choose(lines ? Framing::ndjson : document ? Framing::document : Framing::sse);
}

void AnswerDecoder::push(std::string_view bytes, std::vector<Event>& events) {
  if (undecided_) {
    // What comes before the first character means nothing, in one piece with it or not.
    bytes.remove_prefix(std::min(bytes.find_first_not_of(kBeforeBody), bytes.size()));
    detect(bytes);
    if (undecided_) return;
  }
  if (opens_array(bytes)) reader_.emplace<JsonArrayReader>();
  if (auto* sse = std::get_if<SseReader>(&reader_)) {
    sse->push(bytes);
    while (!done_) {
      const std::optional<SseEvent> event = sse->next();
      if (!event) break;
      take_event(event->name, event->data, events);
    }
  } else if (auto* lines = std::get_if<NdjsonReader>(&reader_)) {
    lines->push(bytes);
    while (!done_) {
      const std::optional<std::string_view> line = lines->next();
      if (!line) break;
      take_event({}, *line, events);
    }
  } else if (auto* array = std::get_if<JsonArrayReader>(&reader_)) {
    array->push(bytes);
    while (!done_) {
      const std::optional<std::string_view> element = array->next();
      if (!element) break;
      take_event({}, *element, events);
    }
    done_ = done_ || array->closed();
  } else {
    collect(bytes);
  }
}

/// Gemini streams in this way where it is not asked for SSE.
bool AnswerDecoder::opens_array(std::string_view bytes) const {
  const auto* body = std::get_if<std::string>(&reader_);
  if (body == nullptr || !body->empty() || options_.api != Api::generate_content || options_.status >= 400)
    return false;
  const std::size_t first = bytes.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && bytes[first] == '[';
}

void AnswerDecoder::collect(std::string_view bytes) {
  std::string& body = std::get<std::string>(reader_);
  if (body.empty() && options_.status < 400) {
    // DeepSeek keeps a connection alive by blank lines before the document.
    bytes.remove_prefix(std::min(bytes.find_first_not_of(" \t\r\n"), bytes.size()));
  }
  if (options_.status >= 400) {
    bytes = bytes.substr(0, kMaxErrorBody - std::min(body.size(), kMaxErrorBody));
  } else if (bytes.size() > kMaxDocument - body.size()) {
    throw Error(errc::too_large, fmt::format("an answer of more than {} bytes in one document", kMaxDocument));
  }
  body += bytes;
}

void AnswerDecoder::take_event(std::string_view name, std::string_view data, std::vector<Event>& events) {
  if (const std::string_view word = trimmed(data); word.size() == 6 && word == "[DONE]") {
    done_ = true;
    return;
  }
  const json::value* chunk = parse_scratch(data);
  const json::object* object = chunk != nullptr ? chunk_in(*chunk, options_.api) : nullptr;
  const bool understood = object != nullptr && assembler_->chunk(*object, events);
  if (!understood) strays_.take(name, data, chunk);
  done_ = done_ || assembler_->ended();
  if (!assembler_->understood() && excerpt_.empty())
    excerpt_ = summarise_words(sanitize_utf8(data.substr(0, 1024)), kExcerpt);
}

void AnswerDecoder::take_document(std::vector<Event>& events) {
  std::string body = std::move(std::get<std::string>(reader_));
  std::string_view text = body;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const json::value* answer = parse_scratch(text);
  if (answer != nullptr && answer->is_array() && !answer->get_array().empty()) answer = &answer->get_array().front();
  if (answer != nullptr && answer->is_object()) {
    assembler_->document(answer->get_object(), events);
    strays_.take({}, {}, answer);
  }
  if (!assembler_->understood()) excerpt_ = summarise_words(sanitize_utf8(text.substr(0, 4096)), kExcerpt);
}

void AnswerDecoder::take_error_body() {
  const std::string body = std::move(std::get<std::string>(reader_));
  const json::value* document = parse_scratch(sanitize_utf8(body));
  const std::string_view text =
      std::string_view(body).substr(std::min(body.find_first_not_of(" \t\r\n\v\f"), body.size()));
  if (document == nullptr && (text.starts_with("data: ") || text.starts_with("event:"))) {
    // A streaming endpoint may refuse in its own framing.
    SseReader reader;
    reader.push(body);
    for (auto event = reader.next();; event = reader.next()) {
      const bool last = !event;
      if (last) event = reader.finish();
      if (!event) break;
      document = parse_scratch(event->data);
      if (document != nullptr && document->is_object()) break;
      document = nullptr;
      if (last) break;
    }
  }
  refusal_of_request_ = std::make_unique<ProviderError>(read_provider_error(document, options_.status, body));
}

void AnswerDecoder::finish(std::vector<Event>& events) {
  if (options_.status >= 400) {
    take_error_body();
  } else if (auto* sse = std::get_if<SseReader>(&reader_)) {
    finish_events(*sse, events);
  } else if (auto* lines = std::get_if<NdjsonReader>(&reader_)) {
    const std::optional<std::string_view> line = done_ ? std::nullopt : lines->finish();
    if (line) take_last({}, *line, events);
  } else if (auto* array = std::get_if<JsonArrayReader>(&reader_)) {
    const std::optional<std::string_view> element = done_ ? std::nullopt : array->finish();
    if (element) take_last({}, *element, events);
  } else {
    take_document(events);
  }
  std::optional<Error> error = breakage();
  assembler_->close(!error && stop_reason() == StopReason::stop, events);
  if (error) {
    events.push_back(Event{{}, Failed{*std::move(error)}});
    return;
  }
  if (strays_.weight() != Strays::Weight::none && !options_.verbatim) {
    const json::value& words = strays_.said().message;
    events.push_back(
        Event{{},
              Notice{fmt::format("{} said beside the answer: “{}”", options_.names.title,
                                 words.is_string() ? summarise_words(words.get_string(), kExcerpt) : std::string())}});
  }
  events.push_back(Event{{}, Finished{stop_reason(), assembler_->reason()}});
}

void AnswerDecoder::finish_events(SseReader& sse, std::vector<Event>& events) {
  const std::optional<SseEvent> event = done_ ? std::nullopt : sse.finish();
  if (event) take_last(event->name, event->data, events);
  const std::string& line = sse.unknown_line();
  strays_.take_line(line);
  if (!assembler_->understood() && excerpt_.empty()) excerpt_ = summarise_words(sanitize_utf8(line), kExcerpt);
}

/// An event whose end was not seen: the beginning of a chunk means that the rest was cut off, not that it is broken.
void AnswerDecoder::take_last(std::string_view name, std::string_view data, std::vector<Event>& events) {
  const bool cut_off = trimmed(data).starts_with('{') && parse_scratch(data) == nullptr;
  if (!cut_off) take_event(name, data, events);
}

std::optional<Error> AnswerDecoder::breakage() const {
  if (refusal_of_request_) return classify_provider_error(*refusal_of_request_, options_.names, options_.advice);
  if (assembler_->failed()) return classify_provider_error(*assembler_->error(), options_.names, options_.advice);
  if (!assembler_->understood() && options_.status >= 300) return nothing_understood();
  if (auto error = broken_by_strays()) return error;
  if (auto error = broken_reason()) return error;
  if (!assembler_->understood()) return nothing_understood();
  // Several servers never send [DONE]; a finish_reason says as well that the answer is whole.
  if (streamed() && !done_ && assembler_->reason().empty()) {
    return Error(errc::truncated, fmt::format("{} ended the stream in the middle of the answer", options_.names.title))
        .retry();
  }
  return {};
}

std::optional<Error> AnswerDecoder::broken_reason() const {
  const std::string& said = assembler_->reason();
  const std::string folded = lower_case(said, kLongestReason);
  const auto* found = std::find_if(kBrokenReasons.begin(), kBrokenReasons.end(), [&folded](const BrokenReason& row) {
    return row.anywhere ? folded.find(row.word) != std::string::npos : folded == row.word;
  });
  if (found == kBrokenReasons.end()) return {};
  return Error(found->code, fmt::format("{} {} ({})", options_.names.title, found->what, said))
      .retry()
      .provider(0, said, {});
}

std::optional<Error> AnswerDecoder::broken_by_strays() const {
  using Weight = Strays::Weight;
  if (strays_.weight() == Weight::none) return std::nullopt;
  const ProviderError& said = strays_.said();
  const auto classified = [&] { return classify_provider_error(said, options_.names, options_.advice); };
  switch (strays_.weight()) {
    case Weight::error:
      return classified();
    case Weight::hole:
      return Error(errc::protocol,
                   fmt::format("{} sent a piece of the answer that cannot be read: “{}”", options_.names.title,
                               summarise_words(std::string_view(said.message.get_string()), kExcerpt)))
          .retry();
    case Weight::remark:
      if (assembler_->reason().empty() && (assembler_->understood() || strays_.structured())) return classified();
      if (broken_reason()) return classified();
      break;
    case Weight::none:
      break;
  }
  return {};
}

Error AnswerDecoder::nothing_understood() const {
  const std::string_view who = options_.names.title;
  if (options_.status >= 300) {
    ProviderError odd = read_provider_error(nullptr, 0, excerpt_);
    odd.status = options_.status;
    return classify_provider_error(odd, options_.names, options_.advice);
  }
  if (excerpt_.empty()) {
    return Error(errc::truncated, fmt::format("{} ended the connection without an answer", who)).retry();
  }
  return Error(errc::protocol,
               fmt::format("{} sent something that is no answer of a model: “{}”; check the base URL", who, excerpt_));
}

StopReason AnswerDecoder::stop_reason() const {
  const std::string said = lower_case(assembler_->reason(), kLongestReason);
  const auto* found = std::find_if(kReasonWords.begin(), kReasonWords.end(),
                                   [&said](const ReasonWord& entry) { return entry.word == said; });
  StopReason reason = StopReason::other;
  if (said.empty()) reason = StopReason::stop;
  if (said.starts_with(kFiltered)) reason = StopReason::content_filter;
  if (found != kReasonWords.end()) reason = found->reason;
  // Many servers say "stop" after tool calls, and some announce calls that never come.
  const bool ended_well = reason == StopReason::stop || reason == StopReason::tool_calls;
  if (ended_well) reason = assembler_->has_calls() ? StopReason::tool_calls : StopReason::stop;
  if (reason == StopReason::stop && assembler_->refused()) reason = StopReason::refusal;
  return reason;
}

}  // namespace sennit
