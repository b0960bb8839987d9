// Private: Turns the JSON objects of a Responses answer (OpenAI's Responses API, Open Responses) into events.
//
// The wire says most things several times: a text comes as deltas, then whole in the event that ends the part, in the
// one that ends the item, and in the response object of the last event. Servers leave out any of them, and some change
// the items' ids from event to event. So state goes by the place in the output, and what came already is not told
// again. Sources: the SDK types of OpenAI's clients; https://www.openresponses.org.
#pragma once

#include <sennit/backends/responses/responses_calls.hpp>
#include <sennit/backends/responses/responses_items.hpp>
#include <sennit/backends/wire/answer_assembler.hpp>
#include <sennit/backends/wire/told_text.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

namespace sennit {

class ResponsesAssembler final : public AnswerAssembler {
 public:
  // Verbatim, a stream's words are those of its deltas, and what repeats them is not looked at, except for the
  // arguments of calls that came without deltas.
  using AnswerAssembler::AnswerAssembler;

  static constexpr std::size_t kMaxParts = 65'536;  ///< texts of one answer; each costs a node of a map

 private:
  /// Where in the output a text stands.
  struct Place {
    std::int64_t item = 0;
    ResponsesText kind = ResponsesText::answer;
    std::int64_t part = 0;
    friend auto operator<=>(const Place&, const Place&) = default;
  };

  bool take_chunk(const json::object& chunk) override;
  void take_document(const json::object& answer) override;

  bool take_event(std::string_view type, const json::object& event);
  bool take_untyped(const json::object& object);
  bool take_foreign(std::string_view type, const json::object& event);
  void take_words(std::string_view stem, bool delta, const json::object& event);
  void take_text(const ResponsesTextKind& kind, bool delta, const json::object& event);
  void take_arguments(std::string_view key, bool delta, const json::object& event);
  void take_part(const json::object& event);
  void take_item(const json::object& event, bool done);
  void take_error_event(const json::object& event);
  void take_end(std::string_view step, const json::object& response);
  void take_end_error(const json::object& response);
  void take_usage(const json::value* usage);

  void take_whole_output(const json::object& response);
  void take_missing_output(const json::object& response);

  std::size_t open_call(const ResponsesCallKey& key);
  void take_call(const ResponsesCallKey& key, const json::object& item);
  void emit_call(std::size_t call, bool opened, const json::object& item, const json::value* arguments);
  void note_sent(SentAnswer::Call& sent, const json::object& item) const;

  ToldText& told(const Place& place);
  [[nodiscard]] bool told_any(std::int64_t item, ResponsesText kind) const;
  void repeat(const Place& place, std::string_view whole);
  void emit(ResponsesText kind, std::string_view text);
  void close_reasoning(const json::object& item);

  bool whole_ = false;             // what is being read is a whole answer, not a chunk
  bool closed_reasoning_ = false;  // a reasoning item has come whole
  std::vector<ResponsesCall> calls_;
  std::map<Place, ToldText> parts_;
  ToldText answer_;  // all parts together
  ToldText refusal_;
  ToldText reasoning_;
};

}  // namespace sennit
