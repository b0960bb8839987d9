#include <sennit/backends/wire/provider_error.hpp>
#include <sennit/backends/wire/provider_verdict.hpp>
#include <sennit/backends/wire/wire_json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <initializer_list>

namespace sennit {

namespace {

const json::value* member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && !value->is_null() ? value : nullptr;
}

const json::value* text_member(const json::object& object, std::string_view key) {
  const json::value* value = member(object, key);
  return value != nullptr && value->is_string() ? value : nullptr;
}

json::value first_of(std::initializer_list<const json::value*> candidates) {
  for (const json::value* candidate : candidates) {
    if (candidate != nullptr) return *candidate;
  }
  return nullptr;
}

/// A message that is not text is shown as the JSON it is.
json::value as_text(json::value message) {
  if (message.is_null() || message.is_string()) return message;
  std::string text;
  append_json(text, message);
  return json::value(text);
}

std::optional<int> status_code(const json::value* code) {
  if (code == nullptr || !code->is_number() || code->is_double()) return {};
  const std::int64_t number = code->is_int64() ? code->get_int64() : -1;
  if (number < 400 || number >= 600) return {};
  return static_cast<int>(number);
}

std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end != text.data() + text.size() || !(number >= 0)) return {};
  return number;
}

milliseconds bounded(double ms) {
  return milliseconds(static_cast<std::int64_t>(std::clamp(ms, 0.0, static_cast<double>(kMaxRetryAfter.count()))));
}

/// Anthropic: {"error_code":…}. Google: a list of typed objects, of which RetryInfo says when to come again ("37s").
/// https://cloud.google.com/apis/design/errors#error_details
void read_details(const json::value& details, ProviderError& error) {
  if (const auto* object = details.if_object()) {
    if (const json::value* code = text_member(*object, "error_code")) error.code = code->get_string().c_str();
  }
  const auto* list = details.if_array();
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const auto* detail = (*list)[i].if_object();
    const json::value* delay = detail == nullptr ? nullptr : text_member(*detail, "retryDelay");
    std::string_view text = delay == nullptr ? std::string_view() : std::string_view(delay->get_string());
    if (!text.ends_with('s')) continue;
    text.remove_suffix(1);
    if (const auto seconds = parse_number(text)) error.retry_after = bounded(*seconds * 1000);
  }
}

void read_fields(const json::object& body, ProviderError& error) {
  const json::value* inner = member(body, "error");
  if (inner != nullptr && inner->is_object()) {
    const json::object& fields = inner->get_object();
    error.message = first_of({member(fields, "message")});
    error.type = first_of({text_member(fields, "status"), member(fields, "type"), text_member(fields, "code")});
    if (const json::value* code = text_member(fields, "code")) error.code = code->get_string().c_str();
    if (!error.status) error.status = status_code(member(fields, "code"));
    if (const json::value* details = member(fields, "details")) read_details(*details, error);
    if (const json::value* gateway = member(fields, "metadata"); gateway != nullptr && gateway->is_object()) {
      const json::value raw = as_text(first_of({member(gateway->get_object(), "raw")}));
      if (raw.is_string()) error.upstream = raw.get_string();
    }
  } else if (inner != nullptr && inner->is_string()) {
    error.message = *inner;
    error.type = first_of({text_member(body, "type"), text_member(body, "code")});
  } else {
    error.message = first_of({member(body, "message"), member(body, "detail")});
    error.type = first_of({member(body, "type"), text_member(body, "code")});
    if (const json::value* code = text_member(body, "code")) error.code = code->get_string().c_str();
  }
}

}  // namespace

ProviderError read_provider_error(const json::value* document, int http_status, std::string_view raw) {
  ProviderError error;
  if (http_status >= 400) error.status = http_status;
  if (document != nullptr && document->is_array() && !document->get_array().empty() &&
      document->get_array().front().is_object()) {
    document = &document->get_array().front();
  }
  if (document != nullptr && document->is_object()) read_fields(document->get_object(), error);
  const bool structured = document != nullptr && document->is_structured();
  if (error.message.is_null() && !structured) error.message = sanitize_utf8(raw);
  error.message = as_text(std::move(error.message));
  return error;
}

ProviderError read_flat_error(const json::object& event) {
  const json::value document(event);
  ProviderError error = read_provider_error(&document, 0, {});
  if (!error.status) error.status = status_code(member(event, "code"));
  if (!error.status) error.status = status_code(member(event, "status"));
  if (error.message.is_null()) error.message = as_text(document);
  return error;
}

namespace {

/// The three forms of RFC 9110, 5.6.7. All of them are UTC.
std::optional<WallTime> parse_http_date(const std::string& text) {
  static constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char month[4] = {};
  int day = 0;
  int year = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  const char* p = text.c_str();
  if (std::sscanf(p, "%*[A-Za-z], %2d %3s %4d %2d:%2d:%2d", &day, month, &year, &hour, &minute, &second) != 6 &&
      std::sscanf(p, "%*[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d", &day, month, &year, &hour, &minute, &second) != 6 &&
      std::sscanf(p, "%*[A-Za-z] %3s %2d %2d:%2d:%2d %4d", month, &day, &hour, &minute, &second, &year) != 6) {
    return {};
  }
  if (year < 100) year += 2000;
  const auto* found = std::find(kMonths.begin(), kMonths.end(), std::string_view(month));
  if (found == kMonths.end()) return {};
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(found - kMonths.begin()) + 1),
                                         std::chrono::day(static_cast<unsigned>(day))};
  // The clock's nanoseconds end in the year 2262; long before, a wait is for ever.
  constexpr int kFarAway = 2200;
  if (!date.ok()) return {};
  if (year > kFarAway) return std::chrono::sys_days(std::chrono::year(kFarAway) / 1 / 1);
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

}  // namespace

RetryAdvice read_retry_advice(std::string_view after_ms, std::string_view after, std::string_view should_retry,
                              WallTime now) {
  RetryAdvice advice;
  if (should_retry == "true") advice.should_retry = true;
  if (should_retry == "false") advice.should_retry = false;
  if (const auto ms = parse_number(after_ms)) {
    advice.after = bounded(*ms);
  } else if (const auto seconds = parse_number(after)) {
    advice.after = bounded(*seconds * 1000);
  } else if (const auto date = parse_http_date(std::string(after))) {
    advice.after = bounded(static_cast<double>(std::chrono::duration_cast<milliseconds>(*date - now).count()));
  }
  return advice;
}

namespace {

std::string_view text_of(const json::value& value) {
  return value.is_string() ? std::string_view(value.get_string()) : std::string_view();
}

std::string advice_for(errc code, const ProviderNames& names) {
  switch (code) {
    case errc::authentication:
      return names.key_variable.empty() ? "check `model.api_key`"
                                        : fmt::format("check the key in {}", names.key_variable);
    case errc::quota:
      return "top up the account; waiting does not help";
    case errc::context_length:
      return "shorten the conversation or use a model with a larger context";
    case errc::permission:
      return "check what the key is allowed to use";
    default:
      return "";
  }
}

/// The title of an HTML page; nothing if `text` is none. Providers' own words may begin with `<` as well.
std::optional<std::string> title_of_page(std::string_view page) {
  constexpr std::size_t kSearched = 16'384;  // comments and styles may come first
  const std::string folded = lower_case(page, kSearched);
  constexpr std::array<std::string_view, 5> kOpenings = {"<!doctype", "<html", "<head", "<?xml", "<!--"};
  const bool opens = std::any_of(kOpenings.begin(), kOpenings.end(),
                                 [&folded](std::string_view opening) { return folded.starts_with(opening); });
  if (!opens && folded.find("<title") == std::string::npos) return {};
  for (const std::string_view tag : {"title", "h1", "body"}) {
    const std::size_t open = folded.find(fmt::format("<{}", tag));
    const std::size_t start = open == std::string::npos ? open : folded.find('>', open);
    if (start == std::string::npos) continue;
    const std::size_t end = std::min(folded.find('<', start + 1), folded.size());
    if (end > start + 1) return std::string(page.substr(start + 1, end - start - 1));
  }
  return std::string();
}

}  // namespace

std::string summarise_words(std::string_view words, std::size_t limit) {
  const std::size_t first = words.find_first_not_of(" \t\r\n");
  std::string page;
  if (first != std::string_view::npos && words[first] == '<') {
    if (const std::optional<std::string> title = title_of_page(words.substr(first))) {
      page = "an HTML page" + (title->empty() ? "" : ": " + *title);
      words = page;
    }
  }
  std::string out;
  for (const char c : words) {
    const bool white = static_cast<unsigned char>(c) <= ' ';
    if (white && (out.empty() || out.back() == ' ')) continue;
    if (out.size() >= limit && (static_cast<unsigned char>(c) & 0xC0U) != 0x80U) {
      out += "…";
      break;
    }
    out += white ? ' ' : c;
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

namespace {

/// The status, or what a textual code of three digits says ("401" in the body of a 200).
int status_of(const ProviderError& said) {
  if (said.status) return *said.status;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool number = said.code.size() == 3 && std::all_of(said.code.begin(), said.code.end(), is_digit);
  const int status = number ? std::stoi(said.code) : 0;
  return status >= 400 && status < 600 ? status : 0;
}

/// What the server behind a gateway said; empty fields where there is none.
ProviderError read_upstream(const ProviderError& said) {
  if (said.upstream.empty()) return {};
  const std::optional<json::value> document = parse_json_lenient(said.upstream);
  return read_provider_error(document ? &*document : nullptr, 0, said.upstream);
}

}  // namespace

Error classify_provider_error(const ProviderError& said, const ProviderNames& names, const RetryAdvice& advice) {
  constexpr std::size_t kShownWords = 400;
  const int status = status_of(said);
  const ProviderError upstream = read_upstream(said);
  std::string kinds = " ";
  for (const std::string_view kind :
       {text_of(said.type), std::string_view(said.code), text_of(upstream.type), std::string_view(upstream.code)}) {
    kinds += folded_kind(kind) + " ";
  }
  std::string words(text_of(said.message));
  if (const std::string_view more = text_of(upstream.message); !more.empty()) {
    words += (words.empty() ? "" : ": ") + std::string(more);
  }
  const ProviderVerdict verdict = verdict_of(status, kinds, lower_case(words, kMaxProviderWords));

  std::string message = fmt::format("{}: {}", names.title, verdict.what);
  if (status != 0) message += fmt::format(" (HTTP {})", status);
  if (const std::string shown = summarise_words(words, kShownWords); !shown.empty()) message += ": " + shown;
  if (const std::string hint = advice_for(verdict.code, names); !hint.empty()) message += "; " + hint;

  Error error = Error(verdict.code, std::move(message))
                    .provider(status, std::string(text_of(said.type)), summarise_words(words, kMaxProviderWords));
  const bool final_verdict = verdict.code == errc::quota || verdict.code == errc::authentication;
  const bool retryable = advice.should_retry && !final_verdict ? *advice.should_retry : verdict.retryable;
  if (!retryable) return error;
  return std::move(error).retry(advice.after ? advice.after : said.retry_after);
}

}  // namespace sennit
