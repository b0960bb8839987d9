#include "app/drawing.hpp"
#include <sennit/app/unicode.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <random>

using namespace sennit::app;

namespace {

constexpr std::string_view kDocument = R"(# Title with `code`

Some **bold**, *italic*, ***both***, ~~gone~~ and `code with * inside`.
A [link](https://example.org/a_(b)) and <https://example.org>, 2 * 3 * 4, snake_case_name, *args and **kwargs.

- one
- two **with
  more** text
  1. nested
  2) again
- [ ] open
- [x] done

> quoted *text*
> goes on
>> deeper

```python
def f(x):
    return "```" + x  # not **bold**
```

| name | value |
|:----:|------:|
| `a`  | **1** |
| 名前 | two \| three |

---
中文也**可以**混排，标点。 Emoji 👍🏽 and é, A&amp;B &lt;tag&gt; &c; `&lt;`.
Trailing \*escape\*, \(x^2\), lone ` and ** and [brackets] and ![image](x.png)
)";

}  // namespace

TEST_CASE("markers become styles, and text between them stays") {
  const auto drawn = [](std::string_view text) { return readable(draw_markdown(text, {.colour = true})); };
  CHECK(drawn("a **b** c") == "a {1}b{} c\n");
  CHECK(drawn("*a* _b_ ***c***") == "{3}a{} {3}b{} {1;3}c{}\n");
  CHECK(drawn("`x * y`.") == "{36}x * y{}.\n");
  CHECK(drawn("~~no~~ yes") == "{9}no{} yes\n");
  CHECK(drawn("**a `b` *c***") == "{1}a {1;36}b{1} {1;3}c{}\n");
  CHECK(drawn("## Two") == "{1;35}Two{}\n");
  CHECK(drawn("中文**重点**内容") == "中文{1}重点{}内容\n");
  CHECK(drawn("[docs](https://a.example/x_(y)) end") == "{4}docs{2} (https://a.example/x_(y)){} end\n");
  CHECK(drawn("<https://a.example>") == "{4}https://a.example{}\n");
}

TEST_CASE("what is no Markdown is shown as it was written") {
  for (const std::string line : {"2 * 3 * 4", "*args and **kwargs", "snake_case_name and a__init__.py here", "a ` b",
                                 "[x] y", "5 < 6", "f(x)[0]", "#hashtag", "-5 degrees", "3.14 is pi", "`a``b",
                                 "\\(x^2\\)", "!important", "* ", "~tilde~", "1234567890123. big", "**", "<tag>"}) {
    INFO(line);
    CHECK(draw_markdown(line) == (line == "* " ? "• \n" : line + "\n"));
  }
}

TEST_CASE("blocks are drawn line by line") {
  CHECK(draw_markdown("- a\n  - b\n1. c\n") == "• a\n  • b\n1. c\n");
  CHECK(draw_markdown("- [ ] a\n- [x] b\n") == "☐ a\n☑ b\n");
  CHECK(draw_markdown("> a\n>> b\nc\n") == "│ a\n│ │ b\nc\n");
  CHECK(draw_markdown("```cpp\nint *x;\n  y;\n```\nafter\n") == "  cpp\n  int *x;\n    y;\nafter\n");
  CHECK(draw_markdown("```\nx = '```'\n````\nend") == "  x = '```'\nend\n");
  CHECK(draw_markdown("\n\na\n\n\n\n").substr(0, 2) == "a\n");
  CHECK(draw_markdown("a\n\nb\n\n") == "a\n\nb\n");
  CHECK(draw_markdown("a\n```cpp") == "a\n  cpp\n");
}

TEST_CASE("tables are aligned, wide characters included") {
  CHECK(draw_markdown("| n | value |\n|---|---|\n| 名前 | `x` |\n| a | b \\| c |\nend\n") ==
        "n    │ value\n─────┼──────\n名前 │ x\na    │ b | c\nend\n");
  CHECK(draw_markdown("| not | a table\nend\n") == "| not | a table\nend\n");
}

TEST_CASE("a table that is too wide has its cells wrapped, their styles included") {
  const std::string table = "| name | what |\n|---|---|\n| a | one **two three** four |\n| abcdefghijklmnop | x |\n";
  CHECK(draw_markdown(table, {.width = 20}) ==
        "name     │ what\n"
        "─────────┼──────────\n"
        "a        │ one two\n"
        "         │ three\n"
        "         │ four\n"
        "abcdefgh │ x\n"
        "ijklmnop │ \n");
  const std::string styled = "| n | what |\n|---|---|\n| a | one **two three** four |\n";
  CHECK(readable(draw_markdown(styled, {.width = 13, .colour = true})) ==
        "{1}n{}{2} │ {}{1}what{}\n"
        "{2}──┼──────────{}\n"
        "a{2} │ {}one {1}two{}\n"
        " {2} │ {}{1}three{}\n"
        " {2} │ {}{1}{}four\n");
  const std::string crowded = "| aaaaaaaa | bbbbbbbb |\n|---|---|\n";
  CHECK(draw_markdown(crowded, {.width = 12}) == crowded);
}

TEST_CASE("columns are aligned as the table says") {
  CHECK(draw_markdown("| left | right | mid |\n|:---|---:|:---:|\n| a | 1 | x |\n| b | 12.50 | yy |\n| | | |\n") ==
        "left │ right │ mid\n"
        "─────┼───────┼────\n"
        "a    │     1 │  x\n"
        "b    │ 12.50 │ yy\n"
        "     │       │ \n");
}

TEST_CASE("entities become characters outside of code") {
  CHECK(draw_markdown("a &lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;&nbsp;e") == "a <b> & \"c\" 'd'\u00A0e\n");
  CHECK(draw_markdown("**&amp;** `&amp;` &amp;lt; & &a &amp") == "& &amp; &lt; & &a &amp\n");
  CHECK(draw_markdown("```\n&amp;\n```") == "  &amp;\n");
}

TEST_CASE("any cut of the text gives the same page") {
  const bool colour = GENERATE(false, true);
  const std::size_t width = GENERATE(std::size_t{0}, std::size_t{40}, std::size_t{80});
  const std::string whole = draw_markdown(kDocument, {.width = width, .colour = colour});
  for (std::size_t piece = 1; piece < 40; ++piece) {
    REQUIRE(draw_markdown(kDocument, {.width = width, .colour = colour, .piece = piece}) == whole);
  }
}

TEST_CASE("a text that breaks off anywhere is drawn without loss of order") {
  for (std::size_t length = 0; length <= kDocument.size(); ++length) {
    const std::string drawn = draw_markdown(kDocument.substr(0, length), {.width = 60, .colour = true});
    if (length == 0)
      CHECK(drawn.empty());
    else if (!drawn.empty())
      CHECK(drawn.back() == '\n');
  }
}

TEST_CASE("hostile Markdown takes bounded time and harms nothing") {
  std::mt19937 random(7);
  const std::string alphabet = "*_`~[]()!<>\\#-+> \n|1. a\x1b\x9b\xc3\xa9";
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += alphabet[random() % alphabet.size()];
  const std::string drawn = draw_markdown(text, {.width = 80, .colour = false});
  CHECK(drawn.find('\x1b') == std::string::npos);
  CHECK(draw_markdown(std::string(100'000, '*')).size() >= 1);
  CHECK(draw_markdown(std::string(100'000, '[')).size() == 100'001);
  CHECK_FALSE(draw_markdown(std::string(20'000, '>')).empty());
}

TEST_CASE("words wrap at the width, hanging under their list item") {
  CHECK(draw_markdown("- aaa bbb ccc ddd", {.width = 10}) == "• aaa bbb\n  ccc ddd\n");
  CHECK(draw_markdown("> aaa bbb ccc", {.width = 10}) == "│ aaa bbb\n│ ccc\n");
  CHECK(draw_markdown("```\naaa bbb ccc ddd\n```", {.width = 10}) == "  aaa bbb ccc ddd\n");
  CHECK(draw_markdown("aaaaaaaaaaaaaaaa b", {.width = 10}) == "aaaaaaaaaaaaaaaa\nb\n");
  CHECK(draw_markdown("中文中文中文，中文", {.width = 12}) == "中文中文中\n文，中文\n");
}
