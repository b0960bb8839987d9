// Pages as Markdown: structure, what is left out, hidden text, hostile input.
#include "support/fixtures.hpp"
#include <sennit/tools/readable.hpp>
#include <sennit/tools/readable_links.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

using namespace sennit;
using namespace sennit::readable;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string markdown(std::string_view html, bool whole = false) {
  return read_page(html, "https://example.com/docs/page.html", whole).markdown;
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

const std::string kParagraph =
    "<p>This is a paragraph of the article, long enough to count as one, with commas, and with a second half that says "
    "a "
    "little more about the matter at hand.</p>";

}  // namespace

TEST_CASE("headings, paragraphs, emphasis, links and pictures") {
  const Page page = read_page(
      "<!doctype html><html><head><title> The &amp; title\n</title></head><body>"
      "<h1>One</h1><p>Some <b>bold</b> and <em>soft</em> text, a <a href='../other?a=1&amp;b=2#x'>link</a>.<br>Next "
      "line"
      "<h2>Two <code>x`y</code></h2><p><img src=pic.png alt='A picture'><img src=track.gif></p><hr>",
      "https://example.com/docs/page.html");
  CHECK(page.title == "The & title");
  CHECK(page.markdown ==
        "# One\n\nSome **bold** and *soft* text, a [link](https://example.com/other?a=1&b=2#x).\nNext line\n\n"
        "## Two ``x`y``\n\n![A picture](https://example.com/docs/pic.png)\n\n---\n");
  CHECK_FALSE(page.cut);
}

TEST_CASE("lists keep their nesting and numbers") {
  CHECK(markdown("<ul><li>a<li>b<ol start=3><li>c</li><li><p>d</p><p>e</p></li></ol></li><li>f</ul><p>g") ==
        "- a\n- b\n  3. c\n  4. d\n\n     e\n- f\n\ng\n");
}

TEST_CASE("quotes, preformatted text and definition lists") {
  CHECK(markdown("<blockquote><p>a</p><p>b</p></blockquote>") == "> a\n>\n> b\n");
  CHECK(markdown("<pre><code class='x language-cpp'>int  main() {\n  return 0;\n}\n</code></pre>") ==
        "```cpp\nint  main() {\n  return 0;\n}\n```\n");
  CHECK(markdown("<pre>a\n```\nb</pre>") == "````\na\n```\nb\n````\n");
  CHECK(markdown("<dl><dt>term<dd>meaning</dl>") == "term\n: meaning\n");
}

TEST_CASE("a table of data is a table, one for layout is not") {
  CHECK(markdown("<table><caption>Sizes</caption><thead><tr><th>Name<th>Size</thead><tr><td>a|b<td>1<tr><td>c<td>2"
                 "</table>") == "Sizes\n\n| Name | Size |\n| --- | --- |\n| a\\|b | 1 |\n| c | 2 |\n");
  CHECK(markdown("<table><tr><td><p>left</p><td><p>right</p></table>") == "left\n\nright\n");
  CHECK_THAT(markdown("<table><tr><td><table><tr><td>a<td>b<tr><td>c<td>d</table><td>x</table>"),
             ContainsSubstring("| a | b |"));
}

TEST_CASE("only addresses that can be gone on with are links") {
  CHECK(markdown("<p><a href='javascript:alert(1)'>a</a> <a href='data:text/html,x'>b</a> <a href='#here'>c</a> "
                 "<a href='mailto:x@example.com'>d</a> <a>e</a> <a href='//cdn.example.org/f'>f</a>") ==
        "a b c [d](mailto:x@example.com) e [f](https://cdn.example.org/f)\n");
  CHECK(markdown("<base href='https://other.example/dir/'><p><a href='x y'>a</a>") ==
        "[a](https://other.example/dir/x%20y)\n");
  CHECK(absolute_url("https://example.com/", "https://example.com/(a)") == "https://example.com/%28a%29");
  CHECK(absolute_url("https://example.com/", "https://x/" + std::string(2000, 'a')).empty());
  CHECK(absolute_url("https://example.com/a/b", "../../../x") == "https://example.com/x");
  CHECK(absolute_url("not a base", "page").empty());
}

TEST_CASE("text that nobody sees is left out, however it is hidden") {
  for (const char* hidden : {"<!-- EVIL -->",
                             "<script>EVIL</script>",
                             "<style>EVIL</style>",
                             "<noscript>EVIL</noscript>",
                             "<template><p>EVIL</p></template>",
                             "<p hidden>EVIL</p>",
                             "<p style='display:none'>EVIL</p>",
                             "<p STYLE='Display : None !important'>EVIL</p>",
                             "<p style='visibility: hidden'>EVIL</p>",
                             "<p style='opacity:0'>EVIL</p>",
                             "<p style='opacity: 0.01'>EVIL</p>",
                             "<p style='font-size:0'>EVIL</p>",
                             "<p style='color:red;font-size: 1px'>EVIL</p>",
                             "<p style='position:absolute;left:-9999px'>EVIL</p>",
                             "<p style='text-indent:-5000px'>EVIL</p>",
                             "<p aria-hidden=true>EVIL</p>",
                             "<p aria-hidden='TRUE'>EVIL</p>",
                             "<p class='sr-only'>EVIL</p>",
                             "<p class='x Visually-Hidden y'>EVIL</p>",
                             "<svg><text>EVIL</text></svg>",
                             "<iframe>EVIL</iframe>",
                             "<object>EVIL</object>",
                             "<select><option>EVIL</option></select>",
                             "<textarea>EVIL</textarea>",
                             "<div hidden><section><p>EVIL</p></section></div>",
                             "<!EVIL>",
                             "<?EVIL?>",
                             "<b style='display:none'>EVIL</b>",
                             "<![CDATA[EVIL]]>",
                             "<input value=EVIL>",
                             "<meta content=EVIL>",
                             "<p data-x=EVIL title=EVIL>seen</p>",
                             "<math><annotation>EVIL</annotation></math>",
                             "<canvas>EVIL</canvas>",
                             "<video>EVIL</video>",
                             "<script><!-- <script> EVIL </script>",
                             "<p style=\"clip-path: inset(50%)\">EVIL</p>",
                             "<span style='max-height:0;overflow:hidden'>EVIL</span>"}) {
    INFO(hidden);
    for (const bool whole : {false, true}) {
      const std::string text = markdown("<p>before</p>" + std::string(hidden) + "<p>after</p>", whole);
      CHECK_THAT(text, !ContainsSubstring("EVIL"));
      CHECK_THAT(text, ContainsSubstring("before") && ContainsSubstring("after"));
    }
  }
}

TEST_CASE("visible things are not taken for hidden ones") {
  for (const char* shown :
       {"<p style='font-size: 12px'>SEEN</p>", "<p style='opacity:.9'>SEEN</p>",
        "<p style='margin-left:-10px'>SEEN</p>", "<p style='display:block'>SEEN</p>", "<p aria-hidden=false>SEEN</p>",
        "<p class='not-hidden'>SEEN</p>", "<my-element>SEEN</my-element>", "<font color=red>SEEN</font>",
        "<p><u><s>SEEN</s></u></p>", "<details><summary>x</summary>SEEN</details>", "<p style=''>SEEN</p>"}) {
    INFO(shown);
    CHECK_THAT(markdown(shown), ContainsSubstring("SEEN"));
  }
}

TEST_CASE("characters that show nothing or turn the writing are taken out") {
  // "evil" in tag characters, which spell ASCII that nobody sees
  const std::string tags = "\xF3\xA0\x81\xA5\xF3\xA0\x81\xB6\xF3\xA0\x81\xA9\xF3\xA0\x81\xAC";
  CHECK(markdown("<p>a" + tags + "b") == "ab\n");
  CHECK(markdown("<p>a\xE2\x80\x8B"
                 "b\xE2\x80\xAE"
                 "c\xE2\x81\xA6"
                 "d\xEF\xBB\xBF&#8203;&#x202E;e") == "abcde\n");
  CHECK(without_invisible("می\xE2\x80\x8Cخواهم 👩\xE2\x80\x8D🔬 é\tx\n") ==
        "می\xE2\x80\x8Cخواهم 👩\xE2\x80\x8D🔬 é\tx\n");
  CHECK(without_invisible("a\x01\x1B[31mb\xFF") == "a[31mb\xEF\xBF\xBD");
}

TEST_CASE("the main part is found among navigation, sidebars and comments") {
  const std::string article = repeat(kParagraph, 5);
  const std::string links = repeat("<li><a href=/x>Another page of this site</a>", 20);
  for (const std::string& page :
       {"<nav><ul>" + links + "</ul></nav><main><h1>Head</h1>" + article + "</main><footer>FOOT</footer>",
        "<div id=top><ul>" + links + "</ul></div><article><h1>Head</h1>" + article + "</article><aside>FOOT</aside>",
        "<div class=menu><ul>" + links + "</ul></div><div class=content><h1>Head</h1>" + article +
            "</div><div class=sidebar><ul>" + links + "</ul><p>FOOT</div>",
        "<table><tr><td><ul>" + links + "</ul><td><h1>Head</h1>" + article + "</table>",
        "<div><div><h1>Head</h1>" + repeat(kParagraph, 3) + "</div><div>" + repeat(kParagraph, 3) + "</div></div><ul>" +
            links + "</ul>"}) {
    INFO(page);
    const Page found = read_page(page, "https://example.com/");
    CHECK(found.main_part);
    CHECK_THAT(found.markdown, ContainsSubstring("This is a paragraph") && ContainsSubstring("# Head"));
    CHECK_THAT(found.markdown, !ContainsSubstring("Another page") && !ContainsSubstring("FOOT"));
    const Page all = read_page(page, "https://example.com/", true);
    CHECK_FALSE(all.main_part);
    CHECK_THAT(all.markdown, ContainsSubstring("Another page"));
  }
}

TEST_CASE("a page without an article is given whole, one of links alone too") {
  CHECK(markdown("<h1>Short</h1><p>Just this.</p>") == "# Short\n\nJust this.\n");
  CHECK(markdown("<nav><a href=/a>A</a> <a href=/b>B</a></nav>") ==
        "[A](https://example.com/a) [B](https://example.com/b)\n");
}

TEST_CASE("any bytes give a page") {
  for (const std::string& html : {std::string(),
                                  std::string("<"),
                                  std::string("</"),
                                  std::string("<!"),
                                  std::string("<!-"),
                                  std::string("<!--"),
                                  std::string("<!-->x"),
                                  std::string("<p"),
                                  std::string("<p a"),
                                  std::string("<p a="),
                                  std::string("<p a='"),
                                  std::string("<p a=\"x"),
                                  std::string("a < b > c"),
                                  std::string("<title>x"),
                                  std::string("<script>x"),
                                  std::string("\0<\0p\0>x", 8),
                                  std::string("\xFF\xFE\xC3"),
                                  std::string("</p></p></div></body>"),
                                  std::string("<table><tr><td></table></td></tr>"),
                                  std::string("<svg><svg><p>x"),
                                  std::string("&#0;&#xD800;&bogus;")}) {
    INFO(html);
    CHECK_NOTHROW(read_page(html, "https://example.com/"));
  }
  CHECK(markdown("a < b > c") == "a < b > c\n");
  CHECK(markdown("</div>a</p>b") == "ab\n");
  CHECK(markdown("<p>1 &lt; 2 &amp; 3 &#65;") == "1 < 2 & 3 A\n");
}

TEST_CASE("hostile pages are read in bounded time and space") {
  const auto timed = [](const std::string& name, const std::string& html) {
    INFO(name);
    const auto begin = std::chrono::steady_clock::now();
    const Page page = read_page(html, "https://example.com/");
    CHECK(page.markdown.size() <= kMaxMarkdown);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));  // sanitizers and loaded machines
    return page;
  };
  constexpr std::size_t kMany = 150'000;
  timed("deep", repeat("<div>", kMany) + std::string(1'000'000, 'x'));
  timed("deep and closed", repeat("<div>", kMany) + "x" + repeat("</div>", kMany));
  std::string formats;
  for (int i = 0; i < 2000; ++i) formats += "<b a=" + std::to_string(i) + ">";
  timed("formatting that is carried on", "<p>" + formats + "</p>" + repeat("<p>x", 20'000));
  timed("links in links", repeat("<a href=x>", kMany) + "x");
  timed("tables in tables", repeat("<table><tr><td>", 20'000) + "x");
  timed("cells closed by others", repeat("<div><table><td></div>", 30'000) + "x");
  timed("open svg", repeat("<svg>", kMany) + "x");
  timed("open comments", repeat("<!--", kMany));
  timed("open quotes", repeat("<p a=\"", kMany));
  timed("lists", repeat("<ul><li>", kMany) + "x");
  timed("attributes", "<p " + repeat("a=b ", 500'000) + ">x");
  timed("end tags", repeat("</b></p></td>", 200'000));
  const Page page = timed("huge", repeat("<p>word ", 1'000'000));
  CHECK(page.cut);
}

TEST_CASE("an excerpt becomes plain text") {
  CHECK(plain_text("A <strong>bold</strong> word &amp; <script>x</script>more\n lines") == "A bold word & more lines");
  CHECK(plain_text("") == "");
}

TEST_CASE("a long text is given in windows that fit together") {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "Line é " + std::to_string(i) + (i % 5 == 0 ? "\n\n" : "\n");
  std::string joined;
  std::size_t start = 0;
  for (int i = 0; i < 100 && start < text.size(); ++i) {
    const std::string piece = window(text, start, 1000);
    const std::size_t note = piece.rfind("[bytes ");
    REQUIRE(note != std::string::npos);
    joined += piece.substr(0, note);
    const std::size_t next = piece.find("start = ", note);
    start = next == std::string::npos ? text.size() : std::stoul(piece.substr(next + 8));
  }
  CHECK(joined == text);
  CHECK(window("short", 0, 1000) == "short");
  CHECK(window("", 0, 1000).empty());
  CHECK_THROWS_AS(window("short", 6, 1000), Error);
  CHECK(window("ééé", 1, 1000) == "ééé");  // never in the middle of a character
  CHECK_THAT(window(std::string(5000, 'x'), 0, 1000), ContainsSubstring("go on with start = 1000"));
}
