// Base64 both ways, and what is none.
#include <sennit/agent/io/base64.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

using namespace sennit;
using namespace std::string_view_literals;

TEST_CASE("base64 is that of RFC 4648, both ways") {
  for (const auto& [bytes, text] :
       {std::pair{""sv, ""sv}, std::pair{"f"sv, "Zg=="sv}, std::pair{"fo"sv, "Zm8="sv}, std::pair{"foo"sv, "Zm9v"sv},
        std::pair{"foob"sv, "Zm9vYg=="sv}, std::pair{"\0\xFF\xFE\xFB\xEF\xBE"sv, "AP/+++++"sv}}) {
    INFO(text);
    CHECK(encode_base64(bytes) == text);
    CHECK(decode_base64(text) == bytes);
  }
}

TEST_CASE("base64 of any size comes back as it was") {
  for (const std::size_t size : {1U, 2U, 3U, 4U, (3U << 20U) - 1, 3U << 20U, (3U << 20U) + 1, (6U << 20U) + 2}) {
    INFO(size);
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
    const std::string text = encode_base64(bytes);
    CHECK(text.size() == (size + 2) / 3 * 4);
    CHECK((decode_base64(text) == bytes));
  }
}

TEST_CASE("what is not wholly base64 is none") {
  for (const std::string_view text : {"Z", "Zg", "Zg=", "Zm9", "=", "====", "Z===", "Zg==Zg==", "Z=9v", "Zm=v", "Zm9\n",
                                      "Zm9v\n\n\n\n", "    Zm9v", "Zm9v----", "Zm9_", "Zm9-", "Zm\xFFv", "%%%%"}) {
    INFO(text);
    CHECK_FALSE(decode_base64(text));
  }
  CHECK_FALSE(decode_base64("Zm\0v"sv));
}
