// Labels by themselves: two sets of origins that only grow, and have a bound.
#include "support/fixtures.hpp"
#include <sennit/agent/labels.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>

using namespace sennit;
using namespace sennit::testing;

TEST_CASE("origins are sorted, and each is there once") {
  Labels labels;
  CHECK(labels.empty());
  for (const char* origin : {"web:b", "web:a", "web:b"}) labels.add_untrusted(origin);
  labels.add_confidential("files:x");
  CHECK(labels.untrusted == std::vector<std::string>{"web:a", "web:b"});
  CHECK(labels.confidential == std::vector<std::string>{"files:x"});
  Labels others;
  others.add_untrusted("mail");
  others.add(labels);
  CHECK(others.untrusted == std::vector<std::string>{"mail", "web:a", "web:b"});
  CHECK(others.confidential.size() == 1);
}

TEST_CASE("what is too much becomes one origin, and stays a label") {
  Labels labels;
  for (int i = 0; i < 100; ++i) labels.add_confidential("files:" + std::to_string(100 + i));
  CHECK(labels.confidential.size() == Labels::kMost + 1);
  CHECK(std::is_sorted(labels.confidential.begin(), labels.confidential.end()));
  CHECK(std::count(labels.confidential.begin(), labels.confidential.end(), Labels::kOthers) == 1);
  Labels again = labels;
  again.add(labels);
  CHECK(again == labels);
}

TEST_CASE("labels survive JSON, and what is none is refused") {
  Labels labels;
  labels.add_untrusted("web:\"x\"\n");
  labels.add_confidential("memory:assistant");
  CHECK(labels_from_json(json::parse(json::serialize(to_json(labels)))) == labels);
  CHECK(json::serialize(to_json(Labels{})) == "{}");
  CHECK(labels_from_json(nullptr).empty());
  CHECK(labels_from_json(json::object{}).empty());
  for (const char* wrong : {"5", "[]", R"({"untrusted":"web"})", R"({"confidential":[1]})"}) {
    CHECK(error_of([&] { (void)labels_from_json(json::parse(wrong)); }).code() == errc::invalid_argument);
  }
}

TEST_CASE("origins in words: all of them") {
  CHECK(describe_origins({}) == "");
  CHECK(describe_origins({"a"}) == "a");
  CHECK(describe_origins({"a", "b"}) == "a and b");
  CHECK(describe_origins({"a", "b", "c", "d", "e", "f"}) == "a, b, c, d, e and f");
}
