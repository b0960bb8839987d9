// Private: The grammar of an expression, computed while it is read. See expression.hpp for what it understands.
#pragma once

#include <sennit/agent/io/error.hpp>
#include <sennit/tools/expression_functions.hpp>
#include <sennit/tools/expression_value.hpp>

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

namespace sennit::expression {

/// Used once. `text` must live as long. Every failure is an Error(errc::invalid_argument) with the column.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}
  [[nodiscard]] Value run();

 private:
  /// A number, and whether it was written as a percentage that may still apply to what stands left of it.
  struct Term {
    Value value;
    bool percent = false;
  };
  /// Counts nesting for as long as it lives.
  class Level;

  Term additive();
  Term multiplicative();
  Term signed_term();
  Term powered();
  Term postfixed();
  void apply_postfix(Term& term);
  void refuse_ambiguous_percent(std::size_t percent) const;
  Value primary();
  Value number();
  Value decimal_number();
  Value based_number(unsigned bits, std::string_view digits);
  Value named();
  Value call(const Function& function, std::size_t begin);
  Value parenthesised();

  /// Runs a computation, adding `column` to what it throws.
  template <class Computation>
  Value compute(std::size_t begin, Computation computation) {
    try {
      return computation();
    } catch (const Error& error) {
      fail(begin, error.message());
    }
  }

  void skip_space();
  [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  /// Takes the first of `spellings` that stands here.
  bool take(std::initializer_list<std::string_view> spellings);
  [[nodiscard]] bool at_word(std::string_view word) const;
  /// Whether something that is a number could begin here.
  [[nodiscard]] bool at_operand() const;
  [[nodiscard]] std::string_view name_here() const;
  [[nodiscard]] std::string found() const;
  [[noreturn]] void fail(std::size_t position, std::string_view message) const;

  std::string_view text_;
  std::size_t at_ = 0;
  int nesting_ = 0;
  int call_depth_ = 0;  ///< inside a call a comma separates arguments, elsewhere thousands
  std::string after_;   ///< what was read last, for "expected a number after …"
};

}  // namespace sennit::expression
