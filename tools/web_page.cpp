#include <sennit/agent/io/pool.hpp>
#include <sennit/tools/http_text.hpp>
#include <sennit/tools/readable.hpp>
#include <sennit/tools/web.hpp>
#include <sennit/tools/web_page.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sennit::web {
namespace {

enum class Kind { html, pdf, other };

std::string lowered(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

/// What the answer says it is; where it says nothing, what it begins like.
Kind kind_of(const http::Answer& answer) {
  const std::string type = lowered(answer.header("content-type"));
  if (answer.body.starts_with("%PDF-")) return Kind::pdf;
  if (type.starts_with("text/html") || type.starts_with("application/xhtml+xml")) return Kind::html;
  if (!type.empty() && !type.starts_with("application/octet-stream")) return Kind::other;
  constexpr std::size_t kHead = 512;
  const std::string head = lowered(std::string_view(answer.body).substr(0, kHead));
  return head.find("<!doctype html") != std::string::npos || head.find("<html") != std::string::npos ? Kind::html
                                                                                                     : Kind::other;
}

std::string html_text(const http::Answer& answer, const View& view) {
  std::string type(answer.header("content-type"));
  if (!lowered(type).starts_with("text/html"))
    type = "text/html";  // so that the page's own word for its charset counts
  const std::string html = http::body_text(answer.body, type);
  const readable::Page page = readable::read_page(html, answer.target.url, view.whole);
  std::string text = page.title.empty() ? std::string() : page.title + "\n\n";
  text += readable::window(page.markdown, view.start, kMaxWebOutput);
  if (page.markdown.empty()) text += "[the page shows no text; it may need a browser that runs its scripts]\n";
  if (page.cut || answer.cut) text += "[the page is larger than is read; its end is missing]\n";
  if (page.main_part) text += "[the main part of the page; whole = true gives all of it]\n";
  return text;
}

std::string other_text(const http::Answer& answer, const View& view) {
  const std::string text = readable::without_invisible(http::body_text(answer.body, answer.header("content-type")));
  return readable::window(text, view.start, kMaxWebOutput) +
         (answer.cut ? "\n[the answer is longer than is read]" : "");
}

std::string head_of(const http::Answer& answer) {
  std::string head = answer.target.url;
  if (answer.status / 100 != 2) head = fmt::format("HTTP {} from {}", answer.status, head);
  if (answer.redirects > 0)
    head += fmt::format(" (after {} redirect{})", answer.redirects, answer.redirects == 1 ? "" : "s");
  if (!answer.obstacle.empty()) {
    head += fmt::format("\n[it redirects to {}; not followed: {}]",
                        sanitize_utf8(answer.header("location").substr(0, 1000)), answer.obstacle);
  }
  return head + "\n";
}

}  // namespace

asio::awaitable<ToolOutput> show_page(http::Answer answer, View view, pdf::Setup pdf, Environment& environment) {
  const std::string head = head_of(answer);
  constexpr int kFirstError = 400;
  const bool failed = answer.status >= kFirstError;
  if (kind_of(answer) == Kind::pdf) {
    if (answer.cut) throw Error(errc::too_large, fmt::format("the PDF is larger than {} bytes", kMaxWebBody));
    const pdf::Pages pages = pdf::pages_of(view.pages);
    asio::awaitable<std::string> reading = pdf::to_text(environment, std::move(pdf), std::move(answer.body), pages);
    const std::string text = co_await std::move(reading);
    co_return ToolOutput{head + readable::window(readable::without_invisible(text), view.start, kMaxWebOutput), failed};
  }
  auto work = [answer = std::move(answer), view = std::move(view)] {
    return kind_of(answer) == Kind::html ? html_text(answer, view) : other_text(answer, view);
  };
  asio::awaitable<std::string> working = environment.pool().run(std::move(work));
  std::string text = co_await std::move(working);
  co_return ToolOutput{head + text, failed};
}

}  // namespace sennit::web
