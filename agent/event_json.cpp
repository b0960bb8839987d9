// Events, outcomes and errors as JSON, both ways, from one list of fields.
#include <sennit/agent/event.hpp>
#include <sennit/agent/event_names.hpp>

#include <array>
#include <cmath>
#include <tuple>
#include <utility>

namespace sennit {
namespace {

// ---- the small types, both ways ----

json::value put(const std::string& value) {
  return json::string(value);
}
json::value put(bool value) {
  return value;
}
json::value put(std::uint32_t value) {
  return value;
}
json::value put(const json::value& value) {
  return value;
}
json::value put(const Usage& usage) {
  return to_json(usage);
}
json::value put(const Error& error) {
  return to_json(error);
}
json::value put(StopReason reason) {
  return json::string(to_string(reason));
}
json::value put(Ending ending) {
  return json::string(to_string(ending));
}
json::value put(Verdict verdict) {
  return json::string(to_string(verdict));
}
json::value put(const Labels& labels) {
  return to_json(labels);
}
json::value put(std::chrono::microseconds duration) {
  return static_cast<double>(duration.count()) / 1000.0;
}
json::value put(std::chrono::milliseconds duration) {
  return duration.count();
}
json::value put(const ToolCall& call) {
  return json::object{{"id", call.id}, {"name", call.name}, {"arguments", call.arguments}};
}
json::value put(const ToolResult& result) {
  return json::object{
      {"call_id", result.call_id}, {"name", result.name}, {"content", result.content}, {"is_error", result.is_error}};
}
json::value put(const Cost& cost) {
  return json::object{{"amount", cost.amount}, {"currency", cost.currency}};
}
json::value put(const Outcome& outcome) {
  return to_json(outcome);
}
json::value put(const std::vector<std::string>& list) {
  return json::value_from(list);
}
template <class T>
json::value put(const std::optional<T>& value) {
  return value ? put(*value) : json::value();
}

void get(const json::value& value, std::string& out) {
  out = std::string(value.as_string());
}
void get(const json::value& value, bool& out) {
  out = value.as_bool();
}
void get(const json::value& value, std::uint32_t& out) {
  out = value.to_number<std::uint32_t>();
}
void get(const json::value& value, json::value& out) {
  out = value;
}
void get(const json::value& value, Usage& out) {
  out = usage_from_json(value);
}
template <class Enum, std::size_t N>
void get_name(const json::value& value, Enum& out, const std::array<std::string_view, N>& names) {
  for (std::size_t i = 0; i < N; ++i) {
    if (std::string_view(value.as_string()) == names[i]) return out = static_cast<Enum>(i), void();
  }
  throw Error(errc::invalid_argument, "unknown value '" + std::string(value.as_string()) + "'");
}
void get(const json::value& value, StopReason& out) {
  get_name(value, out, kStopReasons);
}
void get(const json::value& value, Verdict& out) {
  get_name(value, out, kVerdicts);
}
void get(const json::value& value, Labels& out) {
  out = labels_from_json(value);
}
void get(const json::value& value, Ending& out) {
  get_name(value, out, kEndings);
}
void get(const json::value& value, std::chrono::microseconds& out) {
  out = std::chrono::microseconds(std::llround(value.to_number<double>() * 1000.0));
}
void get(const json::value& value, std::chrono::milliseconds& out) {
  out = std::chrono::milliseconds(value.to_number<std::int64_t>());
}
void get(const json::value& value, ToolCall& out) {
  out = {std::string(find_string(value, "id")), std::string(find_string(value, "name")),
         std::string(find_string(value, "arguments"))};
}
void get(const json::value& value, ToolResult& out) {
  const json::value* error = find(value, "is_error");
  out = {std::string(find_string(value, "call_id")), std::string(find_string(value, "name")),
         std::string(find_string(value, "content")), error != nullptr && error->as_bool()};
}
void get(const json::value& value, std::vector<std::string>& out) {
  out = json::value_to<std::vector<std::string>>(value);
}
void get(const json::value& value, Error& out) {
  Error error(parse_errc(find_string(value, "code")).value_or(errc::internal),
              std::string(find_string(value, "message")));
  error = std::move(error).at(std::string(find_string(value, "where")));
  if (const json::value* retry = find(value, "retryable"); retry != nullptr && retry->as_bool()) {
    std::optional<std::chrono::milliseconds> after;
    if (const auto milliseconds = find_int(value, "retry_after_ms")) after = std::chrono::milliseconds(*milliseconds);
    error = std::move(error).retry(after);
  }
  out = std::move(error).provider(static_cast<int>(find_int(value, "status").value_or(0)),
                                  std::string(find_string(value, "provider_type")),
                                  std::string(find_string(value, "provider_message")));
}
void get(const json::value& value, Cost& out) {
  out = {value.at("amount").to_number<double>(), std::string(find_string(value, "currency"))};
}
void get(const json::value& value, Outcome& out);
template <class T>
void get(const json::value& value, std::optional<T>& out) {
  if (value.is_null()) return out.reset();
  if constexpr (std::is_same_v<T, Error>) {
    out.emplace(errc::internal, "");
  } else {
    out.emplace();
  }
  get(value, *out);
}

// ---- which fields each event has: one list serves both directions ----

template <class T>
constexpr auto fields_of = nullptr;
template <class T, class M>
struct Field {
  std::string_view name;
  M T::* member;
};
template <class T, class M>
constexpr Field<T, M> field(std::string_view name, M T::* member) {
  return {name, member};
}

template <>
constexpr auto fields_of<TextDelta> = std::tuple(field("text", &TextDelta::text));
template <>
constexpr auto fields_of<ReasoningDelta> =
    std::tuple(field("text", &ReasoningDelta::text), field("opaque", &ReasoningDelta::opaque));
template <>
constexpr auto fields_of<RefusalDelta> = std::tuple(field("text", &RefusalDelta::text));
template <>
constexpr auto fields_of<ToolCallDelta> = std::tuple(
    field("call", &ToolCallDelta::call), field("id", &ToolCallDelta::id), field("name", &ToolCallDelta::name),
    field("arguments", &ToolCallDelta::arguments), field("whole", &ToolCallDelta::whole));
template <>
constexpr auto fields_of<UsageUpdate> = std::tuple(field("usage", &UsageUpdate::usage));
template <>
constexpr auto fields_of<Finished> =
    std::tuple(field("reason", &Finished::reason), field("provider_reason", &Finished::provider_reason));
template <>
constexpr auto fields_of<Failed> = std::tuple(field("error", &Failed::error));
template <>
constexpr auto fields_of<RunStarted> =
    std::tuple(field("run", &RunStarted::run), field("session", &RunStarted::session),
               field("agent", &RunStarted::agent), field("model", &RunStarted::model));
template <>
constexpr auto fields_of<StepStarted> = std::tuple(field("step", &StepStarted::step));
template <>
constexpr auto fields_of<StepFinished> = std::tuple(
    field("step", &StepFinished::step), field("reason", &StepFinished::reason), field("usage", &StepFinished::usage));
template <>
constexpr auto fields_of<ToolStarted> = std::tuple(field("call", &ToolStarted::call));
template <>
constexpr auto fields_of<PolicyDecided> =
    std::tuple(field("call_id", &PolicyDecided::call_id), field("tool", &PolicyDecided::tool),
               field("verdict", &PolicyDecided::verdict), field("rule", &PolicyDecided::rule));
template <>
constexpr auto fields_of<ToolProgress> =
    std::tuple(field("call_id", &ToolProgress::call_id), field("text", &ToolProgress::text));
template <>
constexpr auto fields_of<ToolFinished> =
    std::tuple(field("result", &ToolFinished::result), field("duration_ms", &ToolFinished::duration));
template <>
constexpr auto fields_of<ApprovalRequested> =
    std::tuple(field("id", &ApprovalRequested::id), field("call", &ApprovalRequested::call),
               field("reason", &ApprovalRequested::reason));
template <>
constexpr auto fields_of<QuestionAsked> =
    std::tuple(field("id", &QuestionAsked::id), field("question", &QuestionAsked::question));
template <>
constexpr auto fields_of<InDoubt> = std::tuple(field("id", &InDoubt::id), field("call", &InDoubt::call));
template <>
constexpr auto fields_of<MemoryRecalled> = std::tuple(field("notes", &MemoryRecalled::notes));
template <>
constexpr auto fields_of<Delegated> = std::tuple(field("agent", &Delegated::agent), field("task", &Delegated::task));
template <>
constexpr auto fields_of<ModelChosen> =
    std::tuple(field("model", &ModelChosen::model), field("reason", &ModelChosen::reason));
template <>
constexpr auto fields_of<Retried> = std::tuple(field("attempt", &Retried::attempt), field("delay_ms", &Retried::delay),
                                               field("error", &Retried::error));
template <>
constexpr auto fields_of<Notice> = std::tuple(field("message", &Notice::message));
template <>
constexpr auto fields_of<RunFinished> = std::tuple(field("outcome", &RunFinished::outcome));
template <>
constexpr auto fields_of<Outcome> = std::tuple(
    field("ending", &Outcome::ending), field("text", &Outcome::text), field("output", &Outcome::output),
    field("detail", &Outcome::detail), field("error", &Outcome::error), field("usage", &Outcome::usage),
    field("cost", &Outcome::cost), field("steps", &Outcome::steps), field("tool_calls", &Outcome::tool_calls),
    field("duration_ms", &Outcome::duration), field("labels", &Outcome::labels));

/// What is not there is left out, so that a delta costs a few bytes on the wire.
template <class T>
bool is_absent(const T& /*value*/) {
  return false;
}
bool is_absent(const std::string& value) {
  return value.empty();
}
bool is_absent(const json::value& value) {
  return value.is_null();
}
bool is_absent(const Labels& value) {
  return value.empty();
}
bool is_absent(bool value) {
  return !value;
}
template <class T>
bool is_absent(const std::optional<T>& value) {
  return !value;
}

template <class T>
void write_fields(const T& from, json::object& to) {
  std::apply(
      [&](const auto&... fields) {
        const auto write = [&](const auto& field) {
          const auto& value = from.*field.member;
          if (!is_absent(value)) to.emplace(field.name, put(value));
        };
        (write(fields), ...);
      },
      fields_of<T>);
}

template <class T>
void read_fields(const json::value& from, T& to) {
  std::apply(
      [&](const auto&... fields) {
        const auto read = [&](const auto& field) {
          if (const json::value* value = find(from, field.name)) get(*value, to.*field.member);
        };
        (read(fields), ...);
      },
      fields_of<T>);
}

void get(const json::value& value, Outcome& out) {
  read_fields(value, out);
}

template <std::size_t... I>
EventData read_data(std::string_view name, const json::value& value, std::index_sequence<I...> /*alternatives*/) {
  std::optional<EventData> data;
  const auto try_alternative = [&]<std::size_t Index>() {
    using T = std::variant_alternative_t<Index, EventData>;
    if (name != kEventNames[Index]) return;
    if constexpr (std::is_same_v<T, Failed>) {
      data.emplace(Failed{Error(errc::internal, "")});
    } else if constexpr (std::is_same_v<T, Retried>) {
      data.emplace(Retried{0, {}, Error(errc::internal, "")});
    } else {
      data.emplace(T{});
    }
    read_fields(value, std::get<T>(*data));
  };
  (try_alternative.template operator()<I>(), ...);
  if (!data) throw Error(errc::invalid_argument, "unknown event '" + std::string(name) + "'");
  return std::move(*data);
}

}  // namespace

json::value to_json(const Error& error) {
  json::object out{{"code", to_string(error.code())}, {"message", error.message()}};
  if (!error.where().empty()) out["where"] = error.where();
  if (error.retryable()) out["retryable"] = true;
  if (error.retry_after()) out["retry_after_ms"] = error.retry_after()->count();
  if (error.status() != 0) out["status"] = error.status();
  if (!error.provider_type().empty()) out["provider_type"] = error.provider_type();
  if (!error.provider_message().empty()) out["provider_message"] = error.provider_message();
  return out;
}

json::value to_json(const Outcome& outcome) {
  json::object out;
  write_fields(outcome, out);
  return out;
}

json::value to_json(const Event& event) {
  json::object out{{"event", name_of(event.data)}};
  if (!event.path.empty()) out["path"] = event.path;
  std::visit([&](const auto& data) { write_fields(data, out); }, event.data);
  return out;
}

Outcome outcome_from_json(const json::value& value) {
  Outcome outcome;
  get(value, outcome);
  return outcome;
}

Error error_from_json(const json::value& value) {
  Error error(errc::internal, "");
  get(value, error);
  return error;
}

Event event_from_json(const json::value& value) {
  try {
    return {std::string(find_string(value, "path")),
            read_data(find_string(value, "event"), value, std::make_index_sequence<std::variant_size_v<EventData>>{})};
  } catch (const boost::system::system_error& error) {  // a field of another type
    throw Error(errc::invalid_argument, "an event with a field of the wrong type: " + std::string(error.what()));
  } catch (const std::exception& error) {
    if (dynamic_cast<const Error*>(&error) != nullptr) throw;
    throw Error(errc::invalid_argument, "an event with a field of the wrong type: " + std::string(error.what()));
  }
}

}  // namespace sennit
