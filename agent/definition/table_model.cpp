// The part of the format that says which model answers, and how it is asked.
#include <sennit/agent/definition/bind.hpp>
#include <sennit/agent/definition/reader.hpp>
#include <sennit/agent/secret_reference.hpp>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace sennit::format {
namespace {

using Kind = Shape::Kind;

constexpr double kDay = 86'400'000;

bool is_model(std::string_view text) {
  const std::size_t slash = text.find('/');
  return !text.empty() && text.find_first_of(" \t\n") == std::string_view::npos && slash != 0 &&
         slash + 1 != text.size();
}

bool is_port(std::string_view text) {  // the parser's own number wraps round: 65616 would be 80
  const auto port = parse_integer(text);
  return port && *port > 0 && *port <= 65'535;
}

/// References may stand for any part: what is around them must be right.
bool is_url(std::string_view text) {
  if (begins_with_reference(text)) return true;
  std::string filled;
  secret::for_each_piece(
      text, [&](std::string_view literal) { filled += literal; },
      [&](const secret::Reference&) { filled += '1'; });  // fits a host and a port
  if (!filled.starts_with("http://") && !filled.starts_with("https://")) return false;
  const auto url = boost::urls::parse_uri(filled);
  return url && !url->encoded_host().empty() && (!url->has_port() || is_port({url->port().data(), url->port().size()}));
}

bool is_header_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_name({&c, 1}) || std::string_view("!#$%&'*+.^`|~").find(c) != std::string_view::npos;
  });
}

void check_headers(Reader& reader, const yaml::Node* headers) {
  if (headers == nullptr || headers->kind != yaml::Node::Kind::map) return;
  for (std::size_t i = 0; i < headers->keys.size(); ++i) {
    const yaml::Key& key = headers->keys[i];
    const yaml::Node& value = headers->items[i];
    if (!is_header_name(key.text)) {
      reader.error(key.at, fmt::format("`model.headers`: {} is no name for a header", quote(key.text)));
    }
    if (std::ranges::any_of(value.text, [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7F; })) {
      reader.error(value.at, fmt::format("`model.headers.{}`: a header's value is one line; in YAML, a text after `|` "
                                         "ends with a line break, after `|-` without",
                                         key.text));
    }
  }
}

void check_model(Reader& reader, const CheckedMap& map) {
  const Table& table = table_of(static_cast<const ModelSpec*>(nullptr));
  if (map.has("name") && map.has("provider")) {
    reader.error(map.at(table, "provider"), "`model` has a name and a provider; keep one of them");
  }
  if (map.has("name") && map.has("id")) {
    reader.error(map.at(table, "id"), "`model` has a name and an id; keep the name, as `provider/id`");
  }
  if (map.has("id") && !map.has("provider") && !map.has("name")) {
    reader.error(map.at(table, "id"), "`model.id` needs `model.provider` beside it");
  }
  check_headers(reader, map.node.find("headers"));
  const std::string_view key = map.text("api_key");
  if (!key.empty() && !has_reference(key)) {
    reader.warning(map.at(table, "api_key"),
                   "`model.api_key`: the key itself is in the file; write `${env:NAME}` and set the variable NAME");
  }
}

Field timeouts_field() {
  Field field = bare_field("timeouts", map_with(timeouts_table()), "Deadlines of one completion.");
  field.assign = [](void* object, const json::value& value) { assign_fields(object, timeouts_table(), value); };
  field.get = [](const void* object) -> json::value { return get_fields(object, timeouts_table()); };
  return field;
}

bool is_proxy(std::string_view text) {
  if (begins_with_reference(text)) return true;
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return false;
  const bool socks = text.starts_with("socks5://") || text.starts_with("socks5h://");
  return is_url(socks ? "http" + std::string(text.substr(scheme)) : std::string(text));
}

Shape proxy_url() {
  return text_that(&is_proxy, "^((https?|socks5h?)://[^/?#\\s]|\\$\\{(env|file|cmd):)",
                   "a proxy as http://HOST:PORT or socks5://HOST:PORT")
      .with_references();
}

}  // namespace

Shape http_url() {
  return text_that(&is_url, "^(https?://[^/?#\\s]|\\$\\{(env|file|cmd):)", "an http:// or https:// URL with a host")
      .with_references();
}

Shape model_name() {
  return text_that(&is_model, "^[^/\\s]+(/\\S+)?$", "a model as `provider/model`, or `auto`, or `scripted`");
}

const Table& timeouts_table() {
  static const Table kTable{
      "model.timeouts",
      "How long the phases of one completion may take. 0 switches a deadline off.",
      {
          field<&ModelSpec::connect_timeout>("connect", plain(Kind::duration).between(0, kDay),
                                             "From the first look-up of the host's name to a usable connection."),
          field<&ModelSpec::first_token_timeout>(
              "first_token", plain(Kind::duration).between(0, kDay),
              "From the request to the first token. Local models load and read the prompt in this time."),
          field<&ModelSpec::idle_timeout>("idle", plain(Kind::duration).between(0, kDay), "Between two tokens."),
          field<&ModelSpec::total_timeout>("total", plain(Kind::duration).between(0, kDay),
                                           "From the request to the end of the answer, however steadily it comes. It "
                                           "ends what would stream for ever."),
      },
      {{"request", "total"}, {"read", "idle"}, {"first_byte", "first_token"}},
      nullptr};
  return kTable;
}

const Table& table_of(const CompletionOptions* /*tag*/) {
  static const Table kTable{
      "model.options",
      "Sampling and limits of one completion. What is absent is left to the provider.",
      {
          field<&CompletionOptions::temperature>("temperature", plain(Kind::number).between(0, 2),
                                                 "Randomness; 0 is the most repeatable."),
          field<&CompletionOptions::top_p>("top_p", plain(Kind::number).between(0, 1),
                                           "Keeps only the likeliest tokens that together have this probability."),
          field<&CompletionOptions::max_tokens>("max_tokens", plain(Kind::integer).between(1, 10'000'000),
                                                "Tokens of one answer, reasoning included."),
          field<&CompletionOptions::seed>("seed", plain(Kind::integer), "For repeatable sampling, where supported."),
          field<&CompletionOptions::stop>("stop", texts(text()), "Texts that end the answer."),
          field<&CompletionOptions::reasoning_effort>(
              "reasoning_effort", one_of({"none", "minimal", "low", "medium", "high", "max"}),
              "How much a reasoning model thinks first; `none` switches thinking off where the model allows it."),
          field<&CompletionOptions::parallel_tool_calls>("parallel_tool_calls", plain(Kind::boolean),
                                                         "Whether the model may call several tools at once."),
          field<&CompletionOptions::extra>("extra", plain(Kind::object),
                                           "Further fields of the provider's request, sent as they are."),
      },
      {{"topP", "top_p"},
       {"max_output_tokens", "max_tokens"},
       {"num_predict", "max_tokens"},
       {"effort", "reasoning_effort"},
       {"thinking", "reasoning_effort"}},
      nullptr};
  return kTable;
}

const Table& table_of(const Prices* /*tag*/) {
  static const Table kTable{
      "model.prices",
      "What a million tokens cost, for the cost of a run and `limits.cost`. Absent: as the catalogue has it "
      "(`sennit models`), where the provider itself answers. Where the cost is not known, `limits.cost` stops nothing.",
      {
          field<&Prices::input>("input", plain(Kind::number).at_least(0), "A million input tokens.").needed(),
          field<&Prices::output>("output", plain(Kind::number).at_least(0), "A million output tokens.").needed(),
          field<&Prices::cached_input>(
              "cached_input", plain(Kind::number).at_least(0),
              "A million input tokens that the provider had in its cache; as `input` if absent."),
          field<&Prices::cache_write>("cache_write", plain(Kind::number).at_least(0),
                                      "A million input tokens that the provider wrote to its cache; as `input` if "
                                      "absent."),
          field<&Prices::currency>("currency", text(), "The currency, for display."),
      },
      {{"cache_hit", "cached_input"}, {"cached", "cached_input"}},
      nullptr};
  return kTable;
}

const Table& table_of(const RetrySettings* /*tag*/) {
  static const Table kTable{
      "model.retry",
      "When a completion that failed is asked again: only for failures that a repeat may cure (never where the account "
      "is empty), and as long as nothing of the answer was shown. Then the next of `fallback` is asked, and the model "
      "is left alone for a while.",
      {
          field<&RetrySettings::attempts>("attempts", plain(Kind::integer).between(1, 100), "Attempts in all."),
          field<&RetrySettings::delay>("delay", plain(Kind::duration).between(0, kDay),
                                       "Before the second attempt; it doubles from there, with some chance in it. What "
                                       "the server asks for goes first."),
          field<&RetrySettings::longest>("longest", plain(Kind::duration).between(0, kDay),
                                         "The longest wait: a server that asks for more is not asked again."),
          field<&RetrySettings::after_output>("after_output", plain(Kind::boolean),
                                              "Also where a part of the answer was shown: it begins anew."),
          field<&RetrySettings::failures>("failures", plain(Kind::integer).between(0, 1000),
                                          "Failures in a row, over all runs, after which the model is left alone where "
                                          "there is another; 0: only after all attempts of a completion failed."),
          field<&RetrySettings::pause>("pause", plain(Kind::duration).between(0, kDay),
                                       "For so long. Then one completion tries it."),
      },
      {{"max_attempts", "attempts"}, {"max_retries", "attempts"}, {"cooldown", "pause"}, {"backoff", "delay"}},
      nullptr};
  return kTable;
}

const Table& table_of(const RateLimits* /*tag*/) {
  static const Table kTable{
      "model.rate",
      "What the key may be used for, over all runs of the process. Completions wait for their turn. 0: no limit.",
      {
          field<&RateLimits::requests>("requests", plain(Kind::integer).between(0, 10'000'000),
                                       "Completions a minute."),
          field<&RateLimits::tokens>("tokens", plain(Kind::integer).between(0, 1e12),
                                     "Tokens a minute, read and written."),
          field<&RateLimits::concurrent>("concurrent", plain(Kind::integer).between(0, 1'000'000),
                                         "Completions at once."),
      },
      {{"rpm", "requests"}, {"tpm", "tokens"}, {"max_concurrent", "concurrent"}},
      nullptr};
  return kTable;
}

const Table& table_of(const RouteRule* /*tag*/) {
  static const Table kTable{
      "model.route.rules[]",
      "A model, and when it answers a step. All conditions that are given must hold.",
      {
          field<&RouteRule::model>("model", model_name(), "The model that answers.").needed(),
          field<&RouteRule::longer_than>("longer_than", plain(Kind::integer).at_least(0),
                                         "The prompt has more tokens, as far as can be estimated."),
          field<&RouteRule::shorter_than>("shorter_than", plain(Kind::integer).at_least(1), "It has fewer."),
          field<&RouteRule::images>("images", plain(Kind::boolean), "The conversation holds images, or none."),
          field<&RouteRule::tools>("tools", plain(Kind::boolean), "The step may call tools, or none."),
          field<&RouteRule::tag>("tag", text(), "The run carries this tag (`sennit run --tag`)."),
          field<&RouteRule::budget_left_below>("budget_left_below", plain(Kind::number).between(0, 1),
                                               "Less than this share of `limits.tokens` or `limits.cost` is left."),
      },
      {{"use", "model"}, {"to", "model"}},
      nullptr};
  return kTable;
}

const Table& table_of(const Escalation* /*tag*/) {
  static const Table kTable{
      "model.route.escalate",
      "The agent's own model is a cheap one: where it falls short, this one takes over for the rest of the run. Its "
      "answers are shown once they are found good.",
      {
          field<&Escalation::to>("to", model_name(), "The model that takes over.").needed(),
          field<&Escalation::on_schema>("on_schema", plain(Kind::boolean), "An answer does not fit `output`."),
          field<&Escalation::on_tool_error>("on_tool_error", plain(Kind::boolean), "A call that it made failed."),
          field<&Escalation::on_doubt>("on_doubt", plain(Kind::boolean),
                                       "It says that it is not sure, as it is told to."),
      },
      {{"model", "to"}},
      nullptr};
  return kTable;
}

const Table& table_of(const RouteSettings* /*tag*/) {
  static const Table kTable{
      "model.route",
      "Which model answers a step. The events of a run say which one does, and why.",
      {
          field<&RouteSettings::rules>("rules", list_of(map_with(table_of(static_cast<const RouteRule*>(nullptr)))),
                                       "The first that holds counts; without one, the agent's own model."),
          field<&RouteSettings::escalate>("escalate", map_with(table_of(static_cast<const Escalation*>(nullptr))),
                                          "A cheap model first, a dear one where it falls short."),
      },
      {},
      nullptr};
  return kTable;
}

namespace {

/// Of a model wherever it stands.
std::vector<Field> model_fields() {
  return {
      field<&ModelSpec::name>("name", model_name(), "The model. Alternatively give `provider` and `id`.")
          .also({"first"}),
      bare_field("provider", name(), "Who serves the model; goes with `id`."),
      bare_field("id", text(), "The model's name at the provider; goes with `provider`."),
      field<&ModelSpec::api>(
          "api", one_of({"chat-completions", "responses", "messages", "generate-content", "ollama-chat"}),
          "The protocol, where the provider speaks several. Absent: the one that the model needs, else the "
          "provider's usual one."),
      field<&ModelSpec::base_url>("base_url", http_url(),
                                  "Another address for the same API, such as a proxy or a local server."),
      field<&ModelSpec::api_key>(
          "api_key", text().with_references(),
          "The key, as `${env:NAME}`, `${file:PATH}` or `${cmd:WORDS}`. Absent: the provider's usual variable."),
      field<&ModelSpec::options>("options", map_with(table_of(static_cast<const CompletionOptions*>(nullptr))),
                                 "Sampling and limits of one completion."),
      field<&ModelSpec::prices>("prices", map_with(table_of(static_cast<const Prices*>(nullptr))),
                                "What a million tokens cost."),
      field<&ModelSpec::split_think>(
          "split_think", plain(Kind::boolean),
          "Treat text up to `</think>` as reasoning. Absent: decided by provider and model."),
      field<&ModelSpec::reasoning_replay>(
          "reasoning_replay", one_of({"never", "within_turn", "always"}),
          "When earlier reasoning is sent back to the model. Absent: as the model wants it."),
      field<&ModelSpec::strict_tools>("strict_tools", plain(Kind::boolean),
                                      "Ask the provider to hold the model to the schemas of tools."),
      field<&ModelSpec::stream>("stream", plain(Kind::boolean), "false for a server that cannot stream."),
      field<&ModelSpec::headers>("headers", map_of(text().with_references()),
                                 "Further HTTP headers; values may contain secrets, such as `${env:NAME}`."),
      field<&ModelSpec::proxy>("proxy", proxy_url(),
                               "The proxy to reach the model through, such as `${env:HTTPS_PROXY}`. Absent: none; "
                               "the variables of the environment are not read."),
      field<&ModelSpec::ca_file>("ca_file", text(),
                                 "PEM file with the certificate authorities to trust instead of the system's, "
                                 "relative to the agent file."),
      timeouts_field(),
      field<&ModelSpec::rate>("rate", map_with(table_of(static_cast<const RateLimits*>(nullptr))),
                              "What the key may be used for."),
  };
}

using Words = std::vector<std::pair<std::string_view, std::string_view>>;

Words foreign_words() {
  return {{"model", "name"},         {"endpoint", "base_url"},
          {"url", "base_url"},       {"key", "api_key"},
          {"timeout", "timeouts"},   {"settings", "options"},
          {"parameters", "options"}, {"generate_content_config", "options"},
          {"rate_limit", "rate"}};
}

Words all_foreign_words() {
  Words words = foreign_words();
  words.insert(words.end(), {{"fallbacks", "fallback"}, {"retries", "retry"}, {"routing", "route"}});
  return words;
}

std::vector<Field> all_model_fields() {
  std::vector<Field> fields = model_fields();
  fields.push_back(field<&ModelSpec::fallback>(
      "fallback", list_of(either(model_name(), map_with(fallback_table()))),
      "Models that are asked in this order where this one fails. What stands in `options` holds for all."));
  fields.push_back(field<&ModelSpec::retry>("retry", map_with(table_of(static_cast<const RetrySettings*>(nullptr))),
                                            "When a completion that failed is asked again."));
  fields.push_back(field<&ModelSpec::route>("route", map_with(table_of(static_cast<const RouteSettings*>(nullptr))),
                                            "Which model answers a step."));
  return fields;
}

}  // namespace

const Table& fallback_table() {
  static const Table kTable{"model.fallback[]", "A model to fall back to, with an address and settings of its own.",
                            model_fields(), foreign_words(), &check_model};
  return kTable;
}

const Table& table_of(const ModelSpec* /*tag*/) {
  static const Table kTable{
      "model",
      "Which model answers: `model: provider/model` is enough for most agents, `model: auto` takes the first that is "
      "there (a key in the environment, a local server, else the offline `intents`). As a map:",
      all_model_fields(), all_foreign_words(), &check_model};
  return kTable;
}

}  // namespace sennit::format
