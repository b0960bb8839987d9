#include <sennit/agent/io/error.hpp>
#include <sennit/agent/registry.hpp>
#include <sennit/tools/expression.hpp>
#include <sennit/tools/expression_parser.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace sennit::expression {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); }));
}

/// The line around `position` with a caret under it; long expressions are cut on both sides.
std::string pointer(std::string_view text, std::size_t position) {
  constexpr std::size_t kAround = 40;
  std::size_t begin = position > kAround ? position - kAround : 0;
  while (begin > 0 && is_continuation(text[begin])) --begin;
  std::size_t end = std::min(position + kAround, text.size());
  while (end < text.size() && is_continuation(text[end])) ++end;
  std::string line = begin > 0 ? "…" : "";
  const std::size_t caret = columns(line) + columns(text.substr(begin, position - begin));
  line += std::string(text.substr(begin, end - begin)) + (end < text.size() ? "…" : "");
  std::replace_if(line.begin(), line.end(), [](char c) { return c == '\n' || c == '\t' || c == '\r'; }, ' ');
  return fmt::format("\n  {}\n  {}^", line, std::string(caret, ' '));
}

}  // namespace

class Parser::Level {
 public:
  explicit Level(Parser& parser) : parser_(parser) {
    if (++parser_.nesting_ > kMaxNesting) {
      --parser_.nesting_;
      parser_.fail(parser_.at_, fmt::format("nested deeper than {}", kMaxNesting));
    }
  }
  ~Level() { --parser_.nesting_; }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;

 private:
  Parser& parser_;
};

void Parser::fail(std::size_t position, std::string_view message) const {
  throw Error(errc::invalid_argument, fmt::format("column {}: {}{}", columns(text_.substr(0, position)) + 1, message,
                                                  pointer(text_, position)));
}

Value Parser::run() {
  skip_space();
  if (rest().empty()) refuse("column 1: the expression is empty");
  Value value = additive().value;
  if (rest().empty()) return value;
  if (peek() == ')') fail(at_, "this ')' has no '('");
  if (peek() == ',') {
    fail(at_,
         "a ',' separates the arguments of a function; a decimal point is '.', thousands are groups of three digits");
  }
  if (peek() == '=' && rest().find_first_not_of("= \t\r\n?") == std::string_view::npos) return value;  // "2 + 2 ="
  if (peek() == '=') fail(at_, "'=' is not an operator: give the expression alone");
  fail(at_, fmt::format("expected an operator, found {}", found()));
}

void Parser::skip_space() {
  while (at_ < text_.size()) {
    const std::string_view here = rest();
    if (is_space(here[0])) {
      ++at_;
    } else if (here.starts_with("\u00a0") || here.starts_with("\u202f")) {  // no-break spaces
      at_ += here[0] == '\xc2' ? 2 : 3;
    } else {
      return;
    }
  }
}

bool Parser::take(std::initializer_list<std::string_view> spellings) {
  for (const std::string_view spelling : spellings) {
    if (!rest().starts_with(spelling)) continue;
    at_ += spelling.size();
    after_ = spelling;
    skip_space();
    return true;
  }
  return false;
}

std::string_view Parser::name_here() const {
  const std::string_view here = rest();
  if (here.starts_with("π")) return here.substr(0, 2);
  if (here.empty() || !is_letter(here[0])) return {};
  const auto end = std::find_if(here.begin(), here.end(), [](char c) { return !is_letter(c) && !is_digit(c); });
  return here.substr(0, static_cast<std::size_t>(end - here.begin()));
}

bool Parser::at_word(std::string_view word) const {
  return name_here() == word;
}

bool Parser::at_operand() const {
  const std::string_view here = rest();
  if (here.empty() || at_word("of") || at_word("mod") || at_word("x")) return false;
  return is_digit(here[0]) || here[0] == '.' || here[0] == '(' || here.starts_with("√") || !name_here().empty();
}

/// What stands here, for a message.
std::string Parser::found() const {
  const std::string_view here = rest();
  if (here.empty()) return "the end";
  if (const std::string_view name = name_here(); !name.empty()) return fmt::format("'{}'", name.substr(0, 40));
  if (is_digit(here[0])) return "a number";
  if (static_cast<unsigned char>(here[0]) < ' ') return "a control character";
  std::size_t length = 1;
  while (length < here.size() && is_continuation(here[length])) ++length;
  return fmt::format("'{}'", here.substr(0, length));
}

Parser::Term Parser::additive() {
  const Level level(*this);
  Term left = multiplicative();
  while (true) {
    const std::size_t begin = at_;
    const bool plus = take({"+"});
    if (!plus && !take({"-", "−", "–"})) return left;
    const Term right = multiplicative();
    // 240 + 15% means 15% of the 240; between two percentages it is plain addition.
    const bool relative = right.percent && !left.percent;
    left.value = compute(begin, [&] {
      const Value amount = relative ? left.value * right.value : right.value;
      return plus ? left.value + amount : left.value - amount;
    });
    left.percent = left.percent && right.percent;
  }
}

Parser::Term Parser::multiplicative() {
  Term left = signed_term();
  while (true) {
    const std::size_t begin = at_;
    Value (*combine)(const Value&, const Value&) = nullptr;
    if (take({"*", "×", "·", "⋅"}) || (at_word("x") && take({"x"}))) {
      combine = [](const Value& a, const Value& b) { return a * b; };
    } else if (take({"//"})) {
      combine = [](const Value& a, const Value& b) { return floor(a / b); };
    } else if (take({"/", "÷", ":"})) {
      combine = [](const Value& a, const Value& b) { return a / b; };
    } else if (at_word("of") && take({"of"})) {
      combine = [](const Value& a, const Value& b) { return a * b; };
    } else if (take({"%"}) || (at_word("mod") && take({"mod"}))) {
      combine = remainder;
    } else if (at_operand()) {
      if (is_digit(peek()) || peek() == '.') fail(at_, "expected an operator, found a number");
      combine = [](const Value& a, const Value& b) { return a * b; };
    } else {
      return left;
    }
    const Term right = signed_term();
    left.value = compute(begin, [&] { return combine(left.value, right.value); });
    left.percent = false;
  }
}

Parser::Term Parser::signed_term() {
  if (take({"-", "−", "–"})) {
    const Level level(*this);
    Term term = signed_term();
    term.value = -term.value;
    return term;
  }
  if (take({"+"})) {
    const Level level(*this);
    return signed_term();
  }
  return powered();
}

Parser::Term Parser::powered() {
  Term base = postfixed();
  const std::size_t begin = at_;
  if (!take({"^", "**"})) return base;
  const Level level(*this);
  const Term exponent = signed_term();
  base.value = compute(begin, [&] { return power(base.value, exponent.value); });
  base.percent = false;
  return base;
}

Parser::Term Parser::postfixed() {
  Term term;
  if (const std::size_t begin = at_; take({"√"})) {
    const Level level(*this);
    const Term inner = postfixed();
    term.value = compute(begin, [&] { return root(inner.value, 2); });
    return term;
  }
  term.value = primary();
  skip_space();
  apply_postfix(term);
  return term;
}

void Parser::apply_postfix(Term& term) {
  while (true) {
    const std::size_t begin = at_;
    if (rest().starts_with("!!"))
      fail(begin, "'!!' can be read in two ways: write (n!)! for the factorial of a factorial");
    if (take({"!"})) {
      term = {compute(begin, [&] { return factorial(term.value); }), false};
    } else if (take({"²"})) {
      term = {compute(begin, [&] { return term.value * term.value; }), false};
    } else if (take({"³"})) {
      term = {compute(begin, [&] { return term.value * term.value * term.value; }), false};
    } else if (take({"°"})) {
      term = {compute(begin, [&] { return to_radians(term.value); }), false};
    } else if (take({"%"})) {
      if (at_operand()) return void(at_ = begin);  // a number follows: the remainder
      refuse_ambiguous_percent(begin);
      term = {compute(begin, [&] { return term.value / Value(100); }), true};
    } else {
      return;
    }
  }
}

/// Here a '%' was read. `17 % -5` may be a remainder, `10% - 3` is a percentage: it stands at its number and the sign
/// does not, or the next number is one too (`10%-3%`).
void Parser::refuse_ambiguous_percent(std::size_t percent) const {
  const std::string_view after = rest();
  std::size_t sign = 0;
  for (const std::string_view spelling : {"+", "-", "−", "–"}) {
    if (after.starts_with(spelling)) sign = spelling.size();
  }
  if (sign == 0) return;
  const bool at_its_number = !is_space(text_[percent - 1]);
  Parser ahead = *this;
  ahead.at_ += sign;
  const bool apart = is_space(ahead.peek());
  ahead.at_ = std::min(text_.find_first_not_of("0123456789.,_ ", ahead.at_), text_.size());
  const bool percentage = ahead.take({"%"}) && !ahead.at_operand();
  if ((at_its_number && apart) || percentage) return;
  fail(percent, "'%' before a sign can be read in two ways: write a % (-b) for the remainder, a% - b for a percentage");
}

Value Parser::parenthesised() {
  const std::size_t begin = at_;
  take({"("});
  Value value = additive().value;
  if (!take({")"})) {
    if (rest().empty()) fail(begin, "this '(' is never closed");
    fail(at_, fmt::format("expected ')' or an operator, found {}", found()));
  }
  return value;
}

Value Parser::named() {
  const std::size_t begin = at_;
  const std::string_view name = name_here();
  at_ += name.size();
  after_ = name;
  skip_space();
  if (peek() == '(') {
    if (const Function* function = find_function(name)) return call(*function, begin);
  }
  if (const auto constant = find_constant(name)) return *constant;
  if (find_function(name)) fail(begin, fmt::format("{0} is a function: write {0}(…)", name));
  const std::vector<std::string> names = known_names();
  const std::string_view near = name.size() < 2 ? std::string_view() : nearest(name, names);
  fail(begin, fmt::format("unknown name '{}'{}", name.substr(0, 40),
                          near.empty() ? std::string() : fmt::format("; did you mean {}?", near)));
}

Value Parser::call(const Function& function, std::size_t begin) {
  const std::size_t open = at_;
  std::vector<Value> arguments;
  take({"("});
  ++call_depth_;
  if (!take({")"})) {
    do {
      const bool zeros = rest().starts_with("00");
      if (zeros && !arguments.empty()) fail(at_, "in a call a ',' separates arguments: write thousands without it");
      arguments.push_back(additive().value);
    } while (take({",", ";"}));
    if (rest().empty()) fail(open, "this '(' is never closed");
    if (!take({")"})) fail(at_, fmt::format("expected ',' or ')' in the call of {}, found {}", function.name, found()));
  }
  --call_depth_;
  const auto count = static_cast<int>(arguments.size());
  if (count < function.least || (function.most >= 0 && count > function.most)) {
    const std::string range = function.most < 0 ? fmt::format("at least {}", function.least)
                              : function.most == function.least
                                  ? fmt::format("{}", function.least)
                                  : fmt::format("{} or {}", function.least, function.most);
    const bool one = function.least == 1 && function.most <= 1;
    fail(begin, fmt::format("{} takes {} argument{}, not {}", function.name, range, one ? "" : "s", count));
  }
  return compute(begin, [&] { return function.compute(arguments); });
}

Value Parser::primary() {
  const char c = peek();
  if (is_digit(c) || c == '.') return number();
  if (c == '(') return parenthesised();
  if (!name_here().empty() && !at_word("of")) return named();
  fail(at_, after_.empty()   ? fmt::format("expected a number, found {}", found())
            : rest().empty() ? fmt::format("expected a number after '{}'", after_)
                             : fmt::format("expected a number after '{}', found {}", after_, found()));
}

std::string evaluate(std::string_view text, int digits) {
  if (text.size() > kMaxLength) {
    refuse(fmt::format("the expression has {} bytes; at most {} are computed", text.size(), kMaxLength));
  }
  begin_work();
  return format(Parser(text).run(), digits);
}

}  // namespace sennit::expression
