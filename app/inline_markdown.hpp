// The inside of a Markdown line, character by character: emphasis, code, links, entities.
//
// A marker counts only if its partner is found on the same line. Until then the text behind it is held back (bounded),
// so nothing that a model writes is lost: a lone marker is shown as it is.
#pragma once

#include <sennit/app/page.hpp>
#include <sennit/app/style.hpp>

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

namespace sennit::app {

class InlineMarkdown {
 public:
  explicit InlineMarkdown(Page& page, int depth = 0) : page_(page), depth_(depth) {}

  /// Starts a line whose plain text looks like `base`.
  void begin(const Style& base);
  void feed(char byte);
  /// Ends the line: what is held back comes out.
  void finish();

 private:
  struct Span {
    std::size_t end = 0;  // bytes of held_ that the span takes; 0: not complete yet
    bool never = false;   // it cannot become one
  };
  void step(char byte);
  void emit(std::string_view text, const Style& style);
  void emit(char byte) { emit(std::string_view(&byte, 1), base_); }
  void settle(bool at_end);
  void give_up();
  void render(const Span& span);
  void render_link();
  [[nodiscard]] std::string opener() const;
  [[nodiscard]] bool opens() const;
  [[nodiscard]] Span judge(bool at_end) const;
  [[nodiscard]] Span judge_code(bool at_end) const;
  [[nodiscard]] Span judge_emphasis(bool at_end) const;
  [[nodiscard]] Span judge_link() const;
  [[nodiscard]] Span judge_address() const;
  [[nodiscard]] Span judge_entity() const;
  void nested(std::string_view text, const Style& style);

  Page& page_;
  int depth_;
  Style base_;
  std::string held_;              // from an opening marker on
  std::string again_;             // to be fed once more after a marker turned out to be plain text
  std::set<std::string> barren_;  // markers that have no partner on this line
  char before_ = ' ';             // last byte that was written
};

}  // namespace sennit::app
