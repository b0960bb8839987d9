// The text of PDFs, by the real program in the real sandbox.
#include "tools/http_tool_call.hpp"
#include <sennit/agent/io/sandbox.hpp>
#include <sennit/tools/pdf.hpp>
#include <sennit/tools/web.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;

namespace {

/// A PDF with a line of text on each page.
std::string pdf_of(const std::vector<std::string>& pages) {
  std::vector<std::string> objects{"<< /Type /Catalog /Pages 2 0 R >>", ""};
  std::string kids;
  objects.push_back("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
  for (const std::string& text : pages) {
    const std::string content = "BT /F1 12 Tf 72 700 Td (" + text + ") Tj ET";
    objects.push_back(fmt::format("<< /Length {} >>\nstream\n{}\nendstream", content.size(), content));
    objects.push_back(
        fmt::format("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R "
                    "/Resources << /Font << /F1 3 0 R >> >> >>",
                    objects.size()));
    kids += fmt::format("{} 0 R ", objects.size());
  }
  objects[1] = fmt::format("<< /Type /Pages /Kids [{}] /Count {} >>", kids, pages.size());
  std::string file = "%PDF-1.4\n";
  std::string table = fmt::format("xref\n0 {}\n0000000000 65535 f \n", objects.size() + 1);
  for (std::size_t i = 0; i < objects.size(); ++i) {
    table += fmt::format("{:010} 00000 n \n", file.size());
    file += fmt::format("{} 0 obj\n{}\nendobj\n", i + 1, objects[i]);
  }
  return file + table +
         fmt::format("trailer << /Size {} /Root 1 0 R >>\nstartxref\n{}\n%%EOF\n", objects.size() + 1, file.size());
}

void need_program() {
  if (::access("/usr/bin/pdftotext", X_OK) != 0) SKIP("pdftotext (poppler-utils) is not installed");
  if (!sandbox::support().possible) SKIP("no sandbox is possible here: " + sandbox::support().obstacle);
}

Tools tools_for(const TempDir& folder, pdf::Setup setup = {}) {
  return make_pdf({.roots = files::Roots({folder.path()})}, std::move(setup));
}

}  // namespace

TEST_CASE("which pages are meant") {
  CHECK(pdf::pages_of("").first == 1);
  CHECK_FALSE(pdf::pages_of("").last);
  CHECK(pdf::pages_of("3").last == 3);
  CHECK(pdf::pages_of("3-7").last == 7);
  CHECK(pdf::pages_of("3-").first == 3);
  CHECK_FALSE(pdf::pages_of("3-").last);
  for (const char* wrong : {"0", "-", "-3", "a", "3-2", "3--4", "3-4-5", "1 ", "99999999999999999999", "--help"}) {
    INFO(wrong);
    CHECK_THROWS_AS(pdf::pages_of(wrong), Error);
  }
}

TEST_CASE("the text of a PDF comes page by page") {
  need_program();
  TestEnvironment env;
  const TempDir folder;
  folder.write("a.pdf", pdf_of({"First page", "Second page", "Third page"}));
  const Tools tools = tools_for(folder);
  CHECK(call(env, tools, "pdf_text", {{"file", "a.pdf"}}) ==
        "[page 1]\nFirst page\n\n[page 2]\nSecond page\n\n[page 3]\nThird page\n");
  CHECK(call(env, tools, "pdf_text", {{"file", "a.pdf"}, {"pages", "2"}}) == "[page 2]\nSecond page\n");
  CHECK(call(env, tools, "pdf_text", {{"file", "a.pdf"}, {"pages", "2-"}}) ==
        "[page 2]\nSecond page\n\n[page 3]\nThird page\n");
  CHECK(call_error(env, tools, "pdf_text", {{"file", "a.pdf"}, {"pages", "9"}}).code() == errc::invalid_argument);
}

TEST_CASE("a long PDF is given in parts") {
  need_program();
  TestEnvironment env;
  const TempDir folder;
  folder.write("a.pdf", pdf_of(std::vector<std::string>(1500, "The same line of text on every page")));
  const std::string text = call(env, tools_for(folder), "pdf_text", {{"file", "a.pdf"}});
  CHECK(text.size() < 32U << 10U);
  CHECK_THAT(text, ContainsSubstring("go on with start = "));
}

TEST_CASE("what is no PDF, broken, or outside of the roots is refused") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("text.pdf", "hello");
  folder.write("empty.pdf", "");
  std::filesystem::create_symlink("/etc/passwd", folder / "link.pdf");
  const Tools tools = tools_for(folder);
  for (const char* file : {"text.pdf", "empty.pdf", "."}) {
    CHECK(call_error(env, tools, "pdf_text", {{"file", file}}).code() == errc::invalid_argument);
  }
  CHECK(call_error(env, tools, "pdf_text", {{"file", "link.pdf"}}).code() == errc::denied);
  CHECK(call_error(env, tools, "pdf_text", {{"file", "../x.pdf"}}).code() == errc::denied);
  CHECK(call_error(env, tools, "pdf_text", {{"file", "none.pdf"}}).code() == errc::not_found);
  need_program();
  const std::string whole = pdf_of({"text"});
  folder.write("cut.pdf", whole.substr(0, 60));
  CHECK(call_error(env, tools, "pdf_text", {{"file", "cut.pdf"}}).code() == errc::invalid_argument);
}

TEST_CASE("a program that is missing is named with its package") {
  TestEnvironment env;
  const TempDir folder;
  folder.write("a.pdf", pdf_of({"x"}));
  const Error error =
      call_error(env, tools_for(folder, {.program = "no-such-pdftotext"}), "pdf_text", {{"file", "a.pdf"}});
  CHECK(error.code() == errc::config);
  CHECK_THAT(error.message(), ContainsSubstring("poppler-utils"));
}

TEST_CASE("a program that takes too long is ended, one that complains is quoted") {
  need_program();
  TestEnvironment env;
  const TempDir folder;
  folder.write("a.pdf", pdf_of(std::vector<std::string>(20'000, "text")));
  CHECK(call_error(env, tools_for(folder, {.timeout = milliseconds{1}}), "pdf_text", {{"file", "a.pdf"}}).code() ==
        errc::timeout);
  const Error error = call_error(env, tools_for(folder, {.program = "yes"}), "pdf_text", {{"file", "a.pdf"}});
  CHECK(error.code() == errc::invalid_argument);
  CHECK_THAT(error.message(), ContainsSubstring("cannot be read: ") && ContainsSubstring("invalid option"));
}

TEST_CASE("a cancelled reading ends") {
  need_program();
  TestEnvironment env;
  const TempDir folder;
  folder.write("a.pdf", pdf_of(std::vector<std::string>(20'000, "text")));
  const Tools tools = tools_for(folder);
  CallContext context(env);
  auto task = start(env, tool_named(tools, "pdf_text").call({{"file", "a.pdf"}}, context));
  int turns = 0;
  until(env, [&] { return ++turns > 20; });
  task.cancel();
  CHECK(task.error().code() == errc::cancelled);
}

TEST_CASE("a PDF on the web is read by web_fetch") {
  need_program();
  TestEnvironment env;
  const HttpServer server(Reply::text(pdf_of({"On the web", "Two"})).header("Content-Type", "application/pdf"));
  WebSettings settings;
  settings.http = local();
  const Tools tools = make_web(settings);
  const ToolOutput output = call_output(env, tools, "web_fetch", {{"url", server.url("/a.pdf")}, {"pages", "1"}});
  CHECK_THAT(output.content, EndsWith("/a.pdf\n[page 1]\nOn the web\n"));
  CHECK(output.labels.untrusted == std::vector<std::string>{"web:127.0.0.1"});
}

TEST_CASE("a file's labels and path") {
  const TempDir folder;
  folder.write("papers/a.pdf", "x");
  Definition definition;
  definition.file = folder / "agent.yaml";
  const Registry registry;
  const Tools tools =
      make_pdf_tools({{"roots", {"papers"}}, {"private", false}}, PartContext{definition, registry, {}});
  CHECK(tools.at(0)->spec().gives == Labels{{"files:papers"}, {}});
  CHECK(tools.at(0)->spec().touches == Touches{.read = true});
  CHECK(tools.at(0)->facets({{"file", "a.pdf"}}) ==
        std::vector<Facet>{{"path", "papers/a.pdf"}, {"absolute", (folder / "papers/a.pdf").string()}});
}
