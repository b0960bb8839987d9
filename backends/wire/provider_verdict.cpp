#include <sennit/backends/wire/provider_verdict.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <span>

namespace sennit {

namespace {

constexpr ProviderVerdict kContext{errc::context_length, false,
                                   "the conversation does not fit into the model's context"};
constexpr ProviderVerdict kQuota{errc::quota, false, "the account is out of credit"};
constexpr ProviderVerdict kFilter{errc::content_filter, false, "the provider withheld the answer"};
constexpr ProviderVerdict kKey{errc::authentication, false, "the key was not accepted"};
constexpr ProviderVerdict kForbidden{errc::permission, false, "the key may not do this"};
constexpr ProviderVerdict kUnreadableCall{errc::protocol, true,
                                          "the model wrote a tool call that the provider could not read"};
constexpr ProviderVerdict kNoSuch{errc::bad_request, false, "no such model or address"};
constexpr ProviderVerdict kRefused{errc::bad_request, false, "the request was refused"};
constexpr ProviderVerdict kTooMany{errc::rate_limited, true, "too many requests"};
constexpr ProviderVerdict kOverloaded{errc::overloaded, true, "the provider is overloaded"};
constexpr ProviderVerdict kFailed{errc::server, true, "the provider failed"};

/// A piece of a type or code, folded; between spaces: the whole of it.
struct KindRow {
  std::string_view piece;
  const ProviderVerdict& verdict;
};

/// These say what they mean under any status. Numbers are Zhipu's.
constexpr KindRow kKinds[] = {
    {"insufficientquota", kQuota},
    {"creditbalance", kQuota},
    {"billing", kQuota},
    {"insufficientbalance", kQuota},
    {"exceededcurrentquota", kQuota},
    {"arrearage", kQuota},
    {"enforcedspendlimitreached", kQuota},  // Anthropic: frozen until the next month
    {"allocationquota.freetieronly", kQuota},
    {" 1113 ", kQuota},
    {"contextlengthexceeded", kContext},
    {"exceedcontextsize", kContext},
    {"contextwindow", kContext},
    {"modelmaxprompttokensexceeded", kContext},
    {" 1261 ", kContext},
    {"contentfilter", kFilter},
    {"contentpolicy", kFilter},
    {"responsibleaipolicy", kFilter},
    {"datainspectionfailed", kFilter},
    {" 1301 ", kFilter},
    {"biopolicy", kFilter},  // OpenAI's Responses
    {"misalignmentpolicy", kFilter},
    {"invalidprompt", kRefused},
    {"toolusefailed", kUnreadableCall},
};

/// These decide only where no status does: an error in the body of a 200.
constexpr KindRow kKindsWithoutStatus[] = {
    {"ratelimit", kTooMany},
    {"slowdown", kTooMany},
    {"toomanyrequests", kTooMany},
    {"resourceexhausted", kTooMany},
    {"overloaded", kOverloaded},
    {"unavailable", kOverloaded},
    {"insufficientsystemresource", kOverloaded},
    {"authentication", kKey},
    {"invalidapikey", kKey},
    {"unauthorized", kKey},
    {"permission", kForbidden},
    {"forbidden", kForbidden},
    {"notfound", kNoSuch},
    {"invalidrequest", kRefused},
    {"invalidargument", kRefused},
    {"invalidparameter", kRefused},
    {"badrequest", kRefused},
    {"unprocessable", kRefused},
};

constexpr std::array kRequest = {0, 400, 413, 422, 500};  // llama-server says 500 where others say 400
constexpr std::array kAccount = {0, 402, 403, 429};
constexpr std::array kSize = {413, 429};
constexpr std::array kCredentials = {0, 400, 403};
constexpr std::array kForbiddenOnly = {403};
constexpr std::array kNoStatus = {0};

struct WordsRow {
  std::string_view piece;
  const ProviderVerdict& verdict;
  std::span<const int> statuses;
  std::string_view beside = {};  ///< must stand in the message as well
  bool opens = false;            ///< the message must begin with it, which no quotation does
};

constexpr WordsRow kWords[] = {
    {"insufficient balance", kQuota, kAccount},
    {"insufficient credit", kQuota, kAccount},
    {"used all available credits", kQuota, kAccount},
    {"doesn't have any credits", kQuota, kAccount},
    {"key limit exceeded", kQuota, kAccount},
    {"credit balance is too low", kQuota, kAccount},
    {"your credit balance is too low", kQuota, kRequest, {}, true},  // Anthropic says it under 400
    {"maximum context length", kContext, kRequest},
    {"context_length_exceeded", kContext, kRequest},
    {"available context size", kContext, kRequest},
    {"prompt is too long", kContext, kRequest},
    {"prompt too long", kContext, kRequest},
    {"exceeds the context length", kContext, kRequest},
    {"context window", kContext, kRequest, "exceed"},
    {"max_model_len", kContext, kRequest},
    {"exceeds the maximum number of tokens", kContext, kRequest},
    {"maximum prompt length", kContext, kRequest},
    {"longer than the model's context length", kContext, kRequest},
    {"`inputs` tokens + `max_new_tokens` must be", kContext, kRequest},
    {"context length of only", kContext, kRequest},
    {"exceeded model token limit", kContext, kRequest},
    {"range of input length", kContext, kRequest},
    {"input is too long", kContext, kRequest},
    {"number of tokens in the prompt cannot exceed", kContext, kRequest},
    {"request too large", kContext, kSize},  // more tokens than a minute allows: waiting does not help
    {"requires moderation", kFilter, kForbiddenOnly},
    {"incorrect api key provided", kKey, kCredentials},
    {"api key not valid", kKey, kCredentials},
    {"invalid api key", kKey, kNoStatus},
    {"unexpected endpoint or method", kNoSuch, kNoStatus},
    {"server busy, please try again", kOverloaded, kNoStatus},  // Ollama, in mid-stream
};

std::optional<ProviderVerdict> find_kind(std::span<const KindRow> rows, std::string_view kinds) {
  for (const KindRow& row : rows) {
    if (kinds.find(row.piece) != std::string_view::npos) return row.verdict;
  }
  return {};
}

std::optional<ProviderVerdict> find_words(int status, std::string_view words) {
  for (const WordsRow& row : kWords) {
    if (std::find(row.statuses.begin(), row.statuses.end(), status) == row.statuses.end()) continue;
    const std::size_t at = words.find(row.piece);
    if (at == std::string_view::npos || (row.opens && at > 0)) continue;
    if (words.find(row.beside) != std::string_view::npos) return row.verdict;
  }
  return {};
}

std::optional<ProviderVerdict> verdict_of_status(int status) {
  switch (status) {
    case 401:
      return kKey;
    case 402:
      return kQuota;
    case 403:
      return kForbidden;
    case 404:
      return kNoSuch;
    case 408:
      return ProviderVerdict{errc::timeout, true, "the provider gave up waiting"};
    case 409:
      return ProviderVerdict{errc::server, true, "the provider was busy with a conflicting request"};
    case 429:
      return kTooMany;
    case 501:
      return ProviderVerdict{errc::server, false, "the server cannot do this"};
    case 503:
    case 529:
      return kOverloaded;
    default:
      break;
  }
  if (status >= 500) return kFailed;
  if (status >= 400) return kRefused;
  if (status >= 300) return ProviderVerdict{errc::bad_request, false, "the address redirects elsewhere"};
  return {};
}

}  // namespace

std::string lower_case(std::string_view text, std::size_t limit) {
  std::string out(text.substr(0, limit));
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string folded_kind(std::string_view kind) {
  constexpr std::size_t kLongest = 400;  // some servers put a sentence there
  std::string out = lower_case(kind, kLongest);
  std::erase_if(out, [](char c) { return c == '_' || c == '-'; });
  return out;
}

ProviderVerdict verdict_of(int status, std::string_view kinds, std::string_view words) {
  if (const auto verdict = find_kind(kKinds, kinds)) return *verdict;
  if (const auto verdict = find_words(status, words)) return *verdict;
  if (const auto verdict = verdict_of_status(status)) return *verdict;
  return find_kind(kKindsWithoutStatus, kinds)
      .value_or(ProviderVerdict{errc::server, true, "the provider broke off the answer"});
}

}  // namespace sennit
