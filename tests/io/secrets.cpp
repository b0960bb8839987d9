// Secret values in text: found in every form that is promised, wherever a stream is cut, and nothing else.
#include "support/forgetting.hpp"
#include <sennit/agent/io/base64.hpp>
#include <sennit/agent/io/secret_forms.hpp>
#include <sennit/agent/io/secrets.hpp>
#include <sennit/agent/io/word_matcher.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace sennit;
using namespace sennit::testing;

/// Every place where one of the words stands, found the slow way, as spans that touch or overlap made one.
std::string redacted_slowly(std::string_view text, const std::vector<std::string>& words) {
  std::vector<bool> hidden(text.size(), false);
  std::vector<bool> joined(text.size() + 1, false);
  for (const std::string& word : words) {
    for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
      std::fill(hidden.begin() + static_cast<std::ptrdiff_t>(at),
                hidden.begin() + static_cast<std::ptrdiff_t>(at + word.size()), true);
    }
  }
  std::string clean;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!hidden[i]) clean += text[i];
    if (hidden[i] && (i == 0 || !hidden[i - 1])) clean += "***";
  }
  return clean;
}

std::string streamed(std::string_view text, const std::vector<std::size_t>& cuts) {
  secrets::Stream stream;
  std::string shown;
  std::size_t at = 0;
  for (const std::size_t cut : cuts) {
    shown += stream.push(text.substr(at, cut - at));
    at = cut;
  }
  shown += stream.push(text.substr(at));
  return shown + stream.finish();
}

std::string percent(std::string_view value, bool large) {
  std::string text;
  for (const unsigned char c : value) {
    constexpr std::string_view kLarge = "0123456789ABCDEF";
    constexpr std::string_view kSmall = "0123456789abcdef";
    const std::string_view digits = large ? kLarge : kSmall;
    if (std::isalnum(c) != 0) {
      text += static_cast<char>(c);
    } else {
      text += '%';
      text += digits[c >> 4U];
      text += digits[c & 15U];
    }
  }
  return text;
}

}  // namespace

TEST_CASE("nothing is blotted out of text without secrets, and short values are none") {
  const Forgetting forgetting;
  secrets::add("12345");
  CHECK(secrets::redact("the number 12345") == "the number 12345");
  secrets::add_unless_word("lm-studio");
  secrets::add_unless_word("EMPTY");
  CHECK(secrets::redact("lm-studio is EMPTY") == "lm-studio is EMPTY");
}

TEST_CASE("a secret is found in every form that it may turn up in") {
  const Forgetting forgetting;
  const std::string secret = "kq7/+ \"Zß\\9~x=&€😀w";
  secrets::add(secret);
  CHECK(secrets::redact("key: " + secret + "!") == "key: ***!");
  SECTION("in JSON, whoever wrote it") {
    for (const std::string& text :
         {json::serialize(json::value(secret)), std::string(R"("kq7/+ \"Z\u00df\\9~x=&\u20ac\ud83d\ude00w")"),
          std::string(R"("kq7\/+ \"Zß\\9~x=&€😀w")"), std::string(R"("kq7\/+ \"Z\u00df\\9~x=&\u20ac\ud83d\ude00w")")}) {
      CHECK(secrets::redact(text) == "\"***\"");
    }
  }
  SECTION("in URLs") {
    CHECK(secrets::redact("?k=" + percent(secret, true)) == "?k=***");
    CHECK(secrets::redact("?k=" + percent(secret, false)) == "?k=***");
    CHECK(secrets::redact("?k=kq7%2F%2B+%22Z%C3%9F%5C9~x%3D%26%E2%82%AC%F0%9F%98%80w") == "?k=***");
  }
  SECTION("in hexadecimal digits") {
    std::string small;
    for (const unsigned char c : secret) {
      small += "0123456789abcdef"[c >> 4U];
      small += "0123456789abcdef"[c & 15U];
    }
    std::string large = small;
    std::transform(large.begin(), large.end(), large.begin(), [](unsigned char c) { return std::toupper(c); });
    CHECK(secrets::redact(small + ":" + large) == "***:***");
  }
  SECTION("in Base64 of any text around it") {
    for (std::size_t before = 0; before < 7; ++before) {
      for (std::size_t behind = 0; behind < 4; ++behind) {
        std::string encoded = encode_base64(std::string(before, 'b') + secret + std::string(behind, 'a'));
        const auto is_clean = [&](const std::string& text) {
          const std::string clean = secrets::redact(text);
          // What is left are the digits that others share with it.
          return clean.find("***") != std::string::npos && clean.size() <= 4 * ((before + 2) / 3 + 2 + behind);
        };
        CHECK(is_clean(encoded));
        std::string for_urls = encoded;
        std::replace(for_urls.begin(), for_urls.end(), '+', '-');
        std::replace(for_urls.begin(), for_urls.end(), '/', '_');
        for_urls.erase(std::min(for_urls.find('='), for_urls.size()));
        CHECK(is_clean(for_urls));
      }
    }
  }
}

TEST_CASE("digits that are broken into lines hide no secret, and lists of numbers are none") {
  const Forgetting forgetting;
  const std::string value = "sk-wrapped-0123456789-abcdefghijklmnopqrstuvwxyz-9876543210";
  secrets::add(value);
  secrets::add("123456");
  secrets::add("first-line-of-it\nsecond-line-of-it");
  const auto wrapped = [](const std::string& text, std::size_t width, const std::string& end) {
    std::string lines;
    for (std::size_t at = 0; at < text.size(); at += width) lines += text.substr(at, width) + end;
    return lines;
  };
  for (std::size_t before = 0; before < 60; ++before) {
    const std::string text = std::string(before, '.') + value + std::string(30, '.');
    const std::string digits = encode_base64(text);
    std::string hex;
    for (const unsigned char c : text) {
      hex += "0123456789abcdef"[c >> 4U];
      hex += "0123456789abcdef"[c & 15U];
    }
    for (const std::string& whole : {wrapped(digits, 76, "\n"), wrapped(digits, 64, "\r\n"), wrapped(hex, 60, "\n")}) {
      const std::string clean = secrets::redact("x\n" + whole + "y\n");
      INFO(whole);
      CHECK(clean.find("***") != std::string::npos);
      CHECK(clean.size() + value.size() < whole.size() + 4);
      CHECK(streamed("x\n" + whole + "y\n", {17, 90, 91}) == clean);
    }
  }
  const std::string line(60, 'z');
  for (const std::string text : {"1\n2\n3\n4\n5\n6\n", "12\n3456", "12\r\n\r\n3456"})
    CHECK(secrets::redact(text) == text);
  CHECK(secrets::redact(line + "12\n\n3456") == line + "12\n\n3456");
  CHECK(secrets::redact(line + "12\r\n3456") == line + "***");
  CHECK(secrets::redact(line + "first-line-of-it\nsecond-line-of-it") == line + "***");
}

TEST_CASE("Base64 that loses a secret is Base64 still") {
  const Forgetting forgetting;
  secrets::add("the-file's-own-secret-1");
  const std::string text = "before the-file's-own-secret-1 behind";
  const std::string blotted = secrets::redact_base64(encode_base64(text));
  REQUIRE(blotted.size() == encode_base64(text).size());
  const std::optional<std::string> bytes = decode_base64(blotted);
  REQUIRE(bytes);
  CHECK(bytes->size() == text.size());
  CHECK(bytes->find("own-secret") == std::string::npos);
  CHECK(bytes->starts_with("before"));
}

TEST_CASE("a stream shows what its whole text shows, wherever it is cut") {
  const Forgetting forgetting;
  secrets::add("sk-abcabcabd-123456");
  secrets::add("abcabc-99");
  secrets::add("123456sk-abc-tail");
  for (const std::string text :
       {"sk-abcabcabd-123456", "sk-abcabcabcabd-123456", "x sk-abcabcabd-123456sk-abcabcabd-123456 y",
        "sk-abcabcabd-123456sk-abc-tail", "sk-abcabc-99", "abcabcabc-99 abc", "sk-abcabcabd-12345", "sk-",
        "no secret in here at all"}) {
    const std::string whole = secrets::redact(text);
    INFO(text);
    for (std::size_t first = 0; first <= text.size(); ++first) {
      CHECK(streamed(text, {first}) == whole);
      for (std::size_t second = first; second <= text.size(); ++second) CHECK(streamed(text, {first, second}) == whole);
    }
    std::vector<std::size_t> each(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) each[i] = i;
    CHECK(streamed(text, each) == whole);
  }
}

TEST_CASE("a stream holds back what may be the beginning of a secret, and no more") {
  const Forgetting forgetting;
  secrets::add("qzj-hold-1234!");
  secrets::Stream stream;
  CHECK(stream.push("nothing here.") == "nothing here.");
  CHECK(stream.push("qzj-ho").empty());
  CHECK(stream.push("nest!") == "qzj-honest!");
  CHECK(stream.push("qzj-hold-123").empty());
  CHECK(stream.push("4!") == "***");
  CHECK(stream.masked());
  CHECK(stream.push("qzj-").empty());
  CHECK(stream.finish() == "qzj-");
  CHECK(stream.push("hold-1234!") == "hold-1234!");  // the stream began anew
}

TEST_CASE("many random secrets in random texts: as the slow way has it") {
  const Forgetting forgetting;
  std::mt19937 random(7);  // NOLINT: the same in every run
  const auto word = [&](std::size_t least, std::size_t most) {
    std::string text(std::uniform_int_distribution<std::size_t>(least, most)(random), ' ');
    for (char& c : text) c = "abc"[std::uniform_int_distribution<int>(0, 2)(random)];
    return text;
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> words;
    for (int i = 0; i < 12; ++i) words.push_back(word(2, 9));
    const WordMatcher matcher(words);
    const std::string text = word(0, 60);
    std::vector<bool> hidden(text.size(), false);
    WordMatcher::State state = WordMatcher::kNothing;
    for (std::size_t i = 0; i < text.size(); ++i) {
      state = matcher.next(state, text[i]);
      for (std::size_t k = 0; k < matcher.found(state); ++k) hidden[i - k] = true;
    }
    std::string clean;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (!hidden[i]) clean += text[i];
      if (hidden[i] && (i == 0 || !hidden[i - 1])) clean += "***";
    }
    REQUIRE(clean == redacted_slowly(text, words));
  }
}

TEST_CASE("of a value of several lines each line is a secret, and a long one is found in pieces") {
  const Forgetting forgetting;
  std::string key = "-----BEGIN PRIVATE KEY-----\n";
  for (int line = 0; line < 40; ++line)
    key += std::string(60, static_cast<char>('a' + line % 26)) + std::to_string(line) + "\n";
  key += "-----END PRIVATE KEY-----";
  secrets::add(key);
  CHECK(secrets::redact("see " + std::string(60, 'c') + "2 there") == "see *** there");
  CHECK(secrets::redact(">" + key + "<") == ">***<");
  std::string huge;
  for (int i = 0; i < 9'000; ++i) huge += std::to_string(i * 7919);
  secrets::add(huge.substr(0, 20'000));
  CHECK(secrets::redact(">" + huge.substr(0, 20'000) + "<") == ">***<");
}

TEST_CASE("secrets are blotted out of texts and keys of JSON") {
  const Forgetting forgetting;
  secrets::add("json-secret-77");
  json::value value = json::parse(R"({"a":["x json-secret-77",1,null],"json-secret-77":{"b":"fine"}})");
  CHECK(secrets::redact_in(value));
  CHECK(json::serialize(value) == R"({"a":["x ***",1,null],"***":{"b":"fine"}})");
  CHECK_FALSE(secrets::redact_in(value));
}

TEST_CASE("log records lose their secrets on the way to the sink") {
  const Forgetting forgetting;
  secrets::add("logged-secret-5");
  std::vector<std::string> lines;
  const LogSink sink = secrets::redacting([&](const LogRecord& record) { lines.push_back(record.message); });
  sink({LogLevel::debug, "http", "GET https://x/?key=logged-secret-5 failed"});
  CHECK(lines == std::vector<std::string>{"GET https://x/?key=*** failed"});
  CHECK_FALSE(secrets::redacting({}));
}

TEST_CASE("threads that read while secrets are added see each secret that was there before") {
  const Forgetting forgetting;
  std::vector<std::thread> threads;
  std::atomic<int> known{0};
  std::atomic<int> wrong{0};
  std::atomic<bool> over{false};
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      while (!over) {
        const int last = known.load();
        if (last > 0 && secrets::redact("threads-secret-" + std::to_string(last) + "-") != "***") ++wrong;
      }
    });
  }
  for (int i = 1; i <= 100; ++i) {
    secrets::add("threads-secret-" + std::to_string(i) + "-");
    known = i;
  }
  over = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}
