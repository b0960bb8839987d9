#include <sennit/backends/wire/provider_error.hpp>

#include <catch2/catch_test_macros.hpp>

namespace sennit::testing {
namespace {

using namespace std::chrono_literals;

constexpr ProviderNames kNames{"Acme", "ACME_API_KEY"};

Error classify(int status, std::string_view body, RetryAdvice advice = {}) {
  const std::optional<json::value> document = parse_json(body);
  return classify_provider_error(read_provider_error(document ? &*document : nullptr, status, body), kNames, advice);
}

struct Row {
  int status;
  std::string_view body;
  errc code;
  bool retryable;
};

TEST_CASE("errors of providers are told apart by status, type, code and words") {
  const Row rows[] = {
      {400, R"({"error":{"message":"bad","type":"invalid_request_error"}})", errc::bad_request, false},
      {400, R"({"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}})",
       errc::context_length, false},
      {400,
       R"({"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}})",
       errc::context_length, false},
      {400,
       R"({"object":"error","message":"This model's maximum context length is 4096 tokens.","type":"BadRequestError"})",
       errc::context_length, false},
      {413, R"({"error":{"message":"prompt is too long: 210000 tokens"}})", errc::context_length, false},
      {400, R"({"error":{"message":"prompt too long; exceeded max context length by 5 tokens"}})", errc::context_length,
       false},
      {400, R"({"error":{"message":"filtered","code":"content_filter"}})", errc::content_filter, false},
      {400,
       R"({"error":{"message":"Failed to call a function.","type":"invalid_request_error","code":"tool_use_failed"}})",
       errc::protocol, true},
      {401, R"({"error":{"message":"no","type":"invalid_request_error","code":"invalid_api_key"}})",
       errc::authentication, false},
      {402, R"({"error":{"message":"Insufficient Balance","type":"unknown_error"}})", errc::quota, false},
      {403, R"({"error":"denied"})", errc::permission, false},
      {404, R"({"error":{"message":"model not found","code":"model_not_found"}})", errc::bad_request, false},
      {408, "", errc::timeout, true},
      {409, "", errc::server, true},
      {422, R"({"detail":[{"msg":"missing"}]})", errc::bad_request, false},
      {429, R"({"error":{"message":"slow down","type":"rate_limit_error","code":"slow_down"}})", errc::rate_limited,
       true},
      {429,
       R"({"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}})",
       errc::quota, false},
      {429, R"({"error":{"message":"none left","type":"t","code":"credit_balance_exhausted"}})", errc::quota, false},
      {500, "", errc::server, true},
      {501, "", errc::server, false},
      {502, "<html><title>502 Bad Gateway</title></html>", errc::server, true},
      {503, R"({"error":{"message":"Loading model","type":"unavailable_error","code":503}})", errc::overloaded, true},
      {529, "", errc::overloaded, true},
      {200, R"({"error":{"message":"x","type":"rate_limit_exceeded"}})", errc::rate_limited, true},
      {200, R"({"error":{"message":"x","type":"overloaded_error"}})", errc::overloaded, true},
      {200, R"({"error":{"message":"x","type":"invalid_request_error"}})", errc::bad_request, false},
      {200, R"({"error":{"message":"x","type":"authentication_error"}})", errc::authentication, false},
      {200, R"({"error":{"message":"x","code":503}})", errc::overloaded, true},
      {200, R"({"error":{"message":"x"}})", errc::server, true},
  };
  for (const Row& row : rows) {
    INFO(row.status << ' ' << row.body);
    const Error error = classify(row.status, row.body);
    CHECK(to_string(error.code()) == to_string(row.code));
    CHECK(error.retryable() == row.retryable);
    CHECK(error.message().starts_with("Acme: "));
  }
}

TEST_CASE("too long a conversation is known in the words of every server") {
  const auto message = [](std::string_view words) {
    return json::serialize(json::object{{"error", json::object{{"message", words}}}});
  };
  for (const std::string_view words :
       {"The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).",
        "This model's maximum prompt length is 131072 but the request contains 200000 tokens.",
        "The input (2000 tokens) is longer than the model's context length (1024 tokens).",
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given: 5000",
        "However, the model is loaded with context length of only 4096 tokens, which is not enough.",
        "Invalid request: Your request exceeded model token limit: 8192",
        "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 129024]",
        "Input is too long for requested model.", "The request exceeds the context window of the model",
        "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5000."}) {
    INFO(words);
    CHECK(classify(400, message(words)).code() == errc::context_length);
    CHECK_FALSE(classify(400, message(words)).retryable());
  }
  for (const int status : {413, 429}) {
    CHECK(classify(status, message("Request too large for gpt-4o on tokens per min: Limit 30000, Requested 45000."))
              .code() == errc::context_length);
  }
  CHECK(classify(400, R"({"error":{"code":"1261","message":"Prompt 超长"}})").code() == errc::context_length);
  CHECK(classify(400, R"({"error":{"code":"model_max_prompt_tokens_exceeded","message":"x"}})").code() ==
        errc::context_length);
}

TEST_CASE("an empty account, moderation and a bad key are known under any status that they travel under") {
  const Row rows[] = {
      {429, R"({"error":{"code":"1113","message":"余额不足"}})", errc::quota, false},
      {429, R"({"code":"Some resource has been exhausted","error":"Your team has used all available credits"})",
       errc::quota, false},
      {403, R"({"code":"The caller does not have permission","error":"Your team doesn't have any credits yet."})",
       errc::quota, false},
      {400, R"({"error":{"code":"Arrearage","message":"Access denied","type":"Arrearage"}})", errc::quota, false},
      {403, R"({"error":{"code":"AllocationQuota.FreeTierOnly","message":"x"}})", errc::quota, false},
      {403, R"({"error":{"code":403,"message":"Key limit exceeded, monthly"}})", errc::quota, false},
      {400,
       R"({"error":{"message":"Your credit balance is too low to access the API.","type":"invalid_request_error"}})",
       errc::quota, false},
      {429, R"({"error":{"code":429,"message":"You exceeded your current quota","status":"RESOURCE_EXHAUSTED"}})",
       errc::rate_limited, true},
      {400, R"({"error":{"code":"data_inspection_failed","message":"x"}})", errc::content_filter, false},
      {400, R"({"error":{"code":"DataInspectionFailed","message":"x"}})", errc::content_filter, false},
      {400, R"({"error":{"code":"1301","message":"敏感内容"}})", errc::content_filter, false},
      {403, R"({"error":{"code":403,"message":"openai/gpt-4o requires moderation. Your input was flagged"}})",
       errc::content_filter, false},
      {400, R"({"code":"Client specified an invalid argument","error":"Incorrect API key provided: sk***9."})",
       errc::authentication, false},
      {400, R"([{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}])",
       errc::authentication, false},
  };
  for (const Row& row : rows) {
    INFO(row.status << ' ' << row.body);
    CHECK(to_string(classify(row.status, row.body).code()) == to_string(row.code));
    CHECK(classify(row.status, row.body).retryable() == row.retryable);
  }
}

TEST_CASE("what a message quotes does not decide") {
  for (const std::string_view words :
       {"invalid value: 'insufficient balance of the test account'", "the tool said: credit balance is too low",
        "Invalid value for messages[3].content: 'my context window is open'"}) {
    INFO(words);
    const std::string body =
        json::serialize(json::object{{"error", json::object{{"message", words}, {"type", "invalid_request_error"}}}});
    CHECK(classify(400, body).code() == errc::bad_request);
  }
}

TEST_CASE("an error in the body of a 200 is told by its code or type, however it is written") {
  const Row rows[] = {
      {200, R"({"error":{"message":"x","type":null,"code":"401"}})", errc::authentication, false},
      {200, R"({"error":{"message":"x","code":"503"}})", errc::overloaded, true},
      {200, R"({"error":{"message":"bad","type":"BadRequestError"}})", errc::bad_request, false},
      {200, R"({"error":{"message":"no model","type":"NotFoundError"}})", errc::bad_request, false},
      {200, R"({"error":{"message":"x","type":"RateLimitError"}})", errc::rate_limited, true},
      {200, R"({"error":{"message":"x","type":"unauthorized"}})", errc::authentication, false},
      {200, R"({"error":"invalid api key"})", errc::authentication, false},
      {200, R"({"error":"Unexpected endpoint or method. (POST /chat/completions). Returning 200 anyway"})",
       errc::bad_request, false},
  };
  for (const Row& row : rows) {
    INFO(row.body);
    CHECK(to_string(classify(row.status, row.body).code()) == to_string(row.code));
    CHECK(classify(row.status, row.body).retryable() == row.retryable);
  }
}

TEST_CASE("a message says who, what, the provider's words and what to do") {
  CHECK(classify(401, R"({"error":{"message":"Incorrect key"}})").message() ==
        "Acme: the key was not accepted (HTTP 401): Incorrect key; check the key in ACME_API_KEY");
  CHECK(classify(502, "\n<!doctype html><html><head><title>\n Bad gateway </title>…").message() ==
        "Acme: the provider failed (HTTP 502): an HTML page: Bad gateway");
  const Error error = classify(429, R"({"error":{"message":"slow","type":"tokens"}})");
  CHECK(error.status() == 429);
  CHECK(error.provider_type() == "tokens");
  CHECK(error.provider_message() == "slow");
}

TEST_CASE("a message that begins with < is no page") {
  constexpr std::string_view kWords = "<400> InternalError.Algo.InvalidParameter: bad";
  CHECK(summarise_words(kWords, 100) == kWords);
  CHECK(classify(400, R"({"error":{"message":"<400> InternalError: bad"}})").provider_message() ==
        "<400> InternalError: bad");
}

TEST_CASE("what the server behind a gateway said is read and shown") {
  const Error json = classify(
      400,
      R"({"error":{"code":400,"message":"Provider returned error","metadata":{"raw":"{\"error\":{\"message\":\"too long\",\"code\":\"context_length_exceeded\"}}","provider_name":"X"}}})");
  CHECK(json.code() == errc::context_length);
  CHECK(json.message().find("Provider returned error: too long") != std::string::npos);
  const Error words = classify(
      429,
      R"({"error":{"code":429,"message":"Provider returned error","metadata":{"raw":"x is rate-limited upstream"}}})");
  CHECK(words.code() == errc::rate_limited);
  CHECK(words.provider_message() == "Provider returned error: x is rate-limited upstream");
  const json::value document =
      *parse_json(R"({"error":{"message":"Provider returned error","metadata":{"raw":{"detail":"no"}}}})");
  const ProviderError said = read_provider_error(&document, 400, {});
  CHECK(said.message == "Provider returned error");
  CHECK(said.upstream == R"({"detail":"no"})");
}

TEST_CASE("long words are cut at a character, white space is folded") {
  CHECK(summarise_words("  a\n\n b\t", 100) == "a b");
  CHECK(summarise_words("ääääää", 5) == "äää…");
  CHECK(summarise_words("<html><p>hello</p>", 100) == "an HTML page");
  CHECK(summarise_words(" <!-- note --><TITLE>hello</TITLE>", 100) == "an HTML page: hello");
  CHECK(summarise_words("", 100).empty());
}

TEST_CASE("waiting times are read in every form that servers use") {
  const WallTime now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23) + 8h + 49min + 30s;
  const auto after = [now](std::string_view ms, std::string_view text) {
    return read_retry_advice(ms, text, "", now).after;
  };
  CHECK(after("", "7") == 7000ms);
  CHECK(after("", "0.25") == 250ms);
  CHECK(after("1500", "7") == 1500ms);
  CHECK(after("", "Mon, 23 Nov 2026 08:49:37 GMT") == 7000ms);
  CHECK(after("", "Monday, 23-Nov-26 08:49:37 GMT") == 7000ms);
  CHECK(after("", "Mon Nov 23 08:49:37 2026") == 7000ms);
  CHECK(after("", "Mon, 23 Nov 2026 08:00:00 GMT") == 0ms);
  CHECK(after("", "99999999999") == kMaxRetryAfter);
  CHECK(after("", "Fri, 31 Dec 9999 23:59:59 GMT") == kMaxRetryAfter);
  CHECK_FALSE(after("", ""));
  CHECK_FALSE(after("", "-3"));
  CHECK_FALSE(after("", "soon"));
  CHECK_FALSE(after("nan", "inf!"));
  CHECK_FALSE(after("", "Mon, 31 Feb 2026 08:00:00 GMT"));
}

TEST_CASE("x-should-retry decides, but not against an empty account") {
  RetryAdvice yes;
  yes.should_retry = true;
  yes.after = 3s;
  RetryAdvice no;
  no.should_retry = false;
  CHECK(classify(400, "{}", yes).retryable());
  CHECK(classify(400, "{}", yes).retry_after() == 3000ms);
  CHECK_FALSE(classify(500, "{}", no).retryable());
  CHECK_FALSE(classify(402, "{}", yes).retryable());
  CHECK_FALSE(classify(429, R"({"error":{"code":"insufficient_quota"}})", yes).retryable());
}

TEST_CASE("what a body says about waiting and about a frozen account counts as well") {
  const Error later = classify(429, R"({"error":{"code":429,"message":"x","status":"RESOURCE_EXHAUSTED","details":[
      {"@type":"type.googleapis.com/google.rpc.QuotaFailure"},
      {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"37.5s"}]}})");
  CHECK(later.code() == errc::rate_limited);
  CHECK(later.retry_after() == 37'500ms);
  RetryAdvice header;
  header.after = 2s;
  CHECK(classify(429, R"({"error":{"details":[{"retryDelay":"37s"}]}})", header).retry_after() == 2000ms);
  CHECK_FALSE(classify(429, R"({"error":{"details":[{"retryDelay":"soon"},7,{}]}})").retry_after());
  const Error frozen = classify(429, R"({"type":"error","error":{"type":"rate_limit_error","message":"x",
      "details":{"error_code":"enforced_spend_limit_reached"}}})");
  CHECK(frozen.code() == errc::quota);
  CHECK_FALSE(frozen.retryable());
}

}  // namespace
}  // namespace sennit::testing
