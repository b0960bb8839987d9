#include <sennit/agent/effects_state.hpp>
#include <sennit/agent/io/digest.hpp>
#include <sennit/agent/io/scope.hpp>
#include <sennit/agent/redaction.hpp>
#include <sennit/agent/runtime_state.hpp>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace sennit {

Effects::State::State(Run::State& of_run, Session::State& of_session, Journal& of_journal)
    : run(of_run),
      session(of_session),
      parts(*of_session.parts),
      journal(of_journal),
      levels_left(parts.definition.limits.depth),
      keep_messages(session.kept() && journal.kept()),
      budget(parts.definition.limits, nullptr) {
  layers.push_back({PolicyLayer::Kind::deployment, {}, &parts.runtime->options.policy});
  layers.push_back({PolicyLayer::Kind::own, parts.definition.name, &parts.definition.policy});
}

Effects::State::State(State& above, const Agent::Parts& agent, const std::string& call_id, const std::string& effect)
    : run(above.run),
      session(above.session),
      parts(agent),
      journal(above.journal),
      parent(&above),
      path(above.path.empty() ? call_id : above.path + "/" + call_id),
      scope(effect + "/"),
      depth(above.depth + 1),
      levels_left(std::min(above.levels_left - 1, parts.definition.limits.depth)),
      budget(agent.definition.limits, &above.budget) {
  // What an agent may not do, no agent does for it.
  for (PolicyLayer layer : above.layers) {
    if (layer.kind == PolicyLayer::Kind::own) layer.kind = PolicyLayer::Kind::above;
    layers.push_back(std::move(layer));
  }
  layers.push_back({PolicyLayer::Kind::own, parts.definition.name, &parts.definition.policy});
}

const Agent::Parts::ToolEntry* Effects::State::find_tool(std::string_view name) const {
  const Agent::Parts::ToolEntry* own = parts.find_tool(name);
  return own != nullptr ? own : sourced.find(name);
}

const std::vector<ToolDescription>& Effects::State::descriptions() const {
  return parts.sources.empty() ? parts.descriptions : sourced.shown;
}

void Effects::State::emit(EventData data) {
  if (!held.empty()) return hold(std::move(data));
  run.emit(scope, {path, std::move(data)});
}

void Effects::State::notify(std::string message) {
  if (journal.is_ahead()) return hold(Notice{std::move(message)});
  emit(Notice{std::move(message)});
}

asio::awaitable<void> Effects::State::committed_for_certain() {
  auto committing = journal.committed();
  std::optional<Error> failure = co_await shielded(std::move(committing));
  co_await asio::this_coro::throw_if_cancelled(true);
  if (failure) throw Error(std::move(*failure));
}

asio::awaitable<void> Effects::State::settle() {
  if (held.empty()) co_return;
  co_await committed();
  release();
}

void Effects::State::release() {
  for (EventData& data : std::exchange(held, {})) emit(std::move(data));
}

std::string Effects::State::uncounted_cost() const {
  const std::string why = budget.uncounted_cost();
  return why.empty() ? why : "limits.cost does not count " + model.id + ": " + why;
}

asio::awaitable<std::string> Effects::State::select_backend() {
  if (backend && backend_of == at) co_return std::string{};
  const std::shared_ptr<const Backend>& asked = parts.models[at].backend;
  Selection selection = co_await asked->select(*run.environment);
  backend = selection.backend ? selection.backend : asked;
  backend_of = at;
  model = backend->info();
  budget.set_prices(model.prices);
  co_return std::move(selection.notice);
}

const Recorded* Effects::State::told(const std::string& effect, std::string_view kind, const json::value& in) {
  const Recorded* known = journal.find(effect, kind, in);
  if (known != nullptr && known->ended) return known;
  if (journal.replaying() || journal.is_over(effect)) throw Error(end_of_record(effect, kind));
  go_live();
  return nullptr;
}

void Effects::State::go_live() {
  if (!run.retold) return;
  run.go_live();
  journal.order_begins_anew();
  if (!journal.write_handed_over(wall_now())) return;
  const State* root = this;
  while (root->parent != nullptr) root = root->parent;
  journal.log()->set_pin(root->parts.digest, root->parts.pins);
}

Error Effects::State::end_of_record(const std::string& effect, std::string_view kind) const {
  const Recorded* end = journal.find(scope + "end");
  if (end == nullptr) {
    return Error(errc::suspended, "the record ends here: the run had not ended").at("effect " + effect);
  }
  Outcome outcome = read_recorded("end", [&] { return outcome_from_json(end->out); });
  switch (outcome.ending) {
    case Ending::cancelled:
      run.cancelled = true;
      run.cancel_reason = outcome.detail;
      return {errc::cancelled, outcome.detail};
    case Ending::limit:
      return {errc::limit, outcome.detail};
    case Ending::failed:
      if (outcome.error) return *outcome.error;
      break;
    default:
      break;
  }
  return Error(errc::diverged, "the recorded run ended before this; '" + std::string(kind) + "' is new")
      .at("effect " + effect);
}

Error Effects::State::error_of(const std::string& effect, const Recorded& recorded) const {
  Error error = read_recorded(effect, [&] { return error_from_json(recorded.out.at("error")); });
  if (error.code() != errc::cancelled) return error;
  // Cancelled with its agent, or by a deadline of the tool that asked, which the agent outlived?
  const Recorded* end = journal.find(scope + "end");
  const std::string_view how = end == nullptr ? std::string_view() : find_string(end->out, "ending");
  const bool outlived = end != nullptr && how != to_string(Ending::cancelled) && how != to_string(Ending::limit);
  return outlived ? error : end_of_record(effect, recorded.kind);
}

const json::value* Effects::State::answered(const std::string& effect, std::string_view kind, const json::value& in) {
  const Recorded* known = told(effect, kind, in);
  if (known == nullptr) return nullptr;
  if (sennit::find(known->out, "error") != nullptr) throw Error(error_of(effect, *known));
  return &known->out;
}

asio::awaitable<json::value> Effects::State::perform(std::string kind, json::value in,
                                                     asio::awaitable<json::value> work) {
  co_await settle();
  const std::string effect = new_effect();
  if (const json::value* known = answered(effect, kind, in)) co_return *known;
  journal.start(effect, kind, in, wall_now());
  std::optional<Error> failure;
  json::value out;
  try {
    out = co_await std::move(work);
  } catch (...) {
    failure = current_error();
  }
  if (failure) {
    if (!leaving()) journal.end(effect, kind, failure_of(*failure), wall_now());
    throw Error(std::move(*failure));
  }
  journal.end(effect, kind, out, wall_now());
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await committed_for_certain();
  co_return out;
}

void Effects::State::adopt(Message message) {
  redact_in(message);
  for (const ToolCall* call : message.tool_calls()) call_ids.insert(call->id);
  labels.add(message.labels);
  if (journals()) conversation_digest = sha256(conversation_digest + json::serialize(without_labels(message)));
  for (const Part& part : message.parts) {
    conversation_bytes += size_of(part);
    images = images || std::holds_alternative<Blob>(part);
  }
  conversation.push_back(std::move(message));
  ++next_position;
}

void Effects::State::add_message(Message message) {
  if (keep_messages) journal.add_message(message, next_position);
  adopt(std::move(message));
}

json::value without_labels(const Message& message) {
  json::value value = to_json(message);
  value.as_object().erase("labels");
  return value;
}

}  // namespace sennit
