#include <sennit/tools/readable_main.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

namespace sennit::readable {
namespace {

constexpr std::size_t kMinParagraph = 25;  // bytes; shorter ones are labels and buttons
constexpr std::size_t kMinMainPart = 250;  // bytes; less is no article
constexpr double kEnoughOfPage = 0.35;     // of all paragraphs' text

/// What is below an element.
struct Amount {
  std::size_t text = 0;        ///< bytes without white space
  std::size_t links = 0;       ///< of them in links
  std::size_t paragraphs = 0;  ///< of them in paragraphs that are text rather than links
  double score = 0;            ///< points of the paragraphs directly in it, and half of those one level below
};

bool has_word(const std::string& text, const auto& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

/// What the names of an element say about it.
double weight(const Node& node) {
  static constexpr std::array<std::string_view, 9> kGood{"article", "body",  "content", "entry", "main",
                                                         "post",    "story", "text",    "prose"};
  static constexpr std::array<std::string_view, 18> kBad{
      "advert", "banner", "breadcrumb", "comment", "cookie",  "footer", "masthead", "menu",      "modal",
      "nav",    "popup",  "promo",      "related", "sidebar", "share",  "social",   "subscribe", "widget"};
  double points = 0;
  for (const char* name : {"class", "id"}) {
    std::string value(attribute(node, name).substr(0, 200));
    std::transform(value.begin(), value.end(), value.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (has_word(value, kGood)) points += 25;
    if (has_word(value, kBad)) points -= 25;
  }
  return points;
}

bool is_beside(const Node& node) {
  const GumboTag tag = tag_of(node);
  const std::string_view role = attribute(node, "role");
  return tag == GUMBO_TAG_NAV || tag == GUMBO_TAG_ASIDE || tag == GUMBO_TAG_FOOTER || role == "navigation" ||
         role == "complementary" || role == "contentinfo" || role == "dialog" || role == "search";
}

class Survey {
 public:
  explicit Survey(const Node& body) : body_(body) { measure(body, false, 0); }

  [[nodiscard]] const Node& best() {
    const Amount& all = amounts_[&body_];
    if (all.paragraphs < kMinMainPart) return body_;
    if (const Node* said = said_by_page(all)) return *said;
    const Node* best = &body_;
    double most = 0;
    for (const Node* node : blocks_) {
      const Amount& amount = amounts_[node];
      const double points = this->points(*node, amount);
      if (points > most || (points == most && amount.text > amounts_[best].text)) best = node, most = points;
    }
    best = &widened(*best);
    const Amount& chosen = amounts_[best];
    const bool enough = static_cast<double>(chosen.paragraphs) >= kEnoughOfPage * static_cast<double>(all.paragraphs);
    return enough && chosen.paragraphs >= kMinMainPart ? *best : body_;
  }

 private:
  /// A page with one <main> or <article> says itself what matters.
  [[nodiscard]] const Node* said_by_page(const Amount& all) {
    for (const auto* list : {&mains_, &articles_}) {
      if (list->size() != 1) continue;
      const Amount& amount = amounts_[list->front()];
      const bool enough = static_cast<double>(amount.paragraphs) >= kEnoughOfPage * static_cast<double>(all.paragraphs);
      if (enough && amount.paragraphs >= kMinMainPart) return list->front();
    }
    return nullptr;
  }

  [[nodiscard]] double points(const Node& node, const Amount& amount) const {
    if (amount.score <= 0 || amount.text == 0) return 0;
    const double links = static_cast<double>(amount.links) / static_cast<double>(amount.text);
    return (amount.score + weight(node)) * (1 - links);
  }

  /// An article in several boxes: the box around them, as long as what it adds is text and not links.
  [[nodiscard]] const Node& widened(const Node& from) {
    const Node* best = &from;
    for (const Node* outer = from.parent; outer != nullptr && amounts_.count(outer) != 0; outer = outer->parent) {
      const Amount& inside = amounts_[best];
      const Amount& around = amounts_[outer];
      const double added = static_cast<double>(around.paragraphs - inside.paragraphs);
      const double noise = static_cast<double>(around.text - inside.text) - added;
      if (added > 0.2 * static_cast<double>(inside.paragraphs) && noise < added) best = outer;
    }
    return *best;
  }

  Amount measure(const Node& node, bool in_link, std::size_t depth) {
    if (depth > kMaxTreeDepth) return {};
    const GumboTag tag = tag_of(node);
    const bool link = in_link || tag == GUMBO_TAG_BDI;
    Amount amount;
    for_each_child(node, [&](const Node& child) {
      if (is_text(child)) {
        const std::string_view text = text_of(child);
        const auto seen = static_cast<std::size_t>(
            std::count_if(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) > ' '; }));
        amount.text += seen;
        if (link) amount.links += seen;
        commas_ += static_cast<std::size_t>(std::count(text.begin(), text.end(), ','));
        return;
      }
      if (is_beside(child)) return;
      const std::size_t commas = commas_;
      const Amount below = measure(child, link, depth + 1);
      amount.text += below.text;
      amount.links += below.links;
      amount.paragraphs += below.paragraphs;
      amount.score += below.score > 0 && !is_inline(tag_of(child)) ? given_up(child, below, commas_ - commas) : 0;
    });
    if (is_paragraph(tag) && amount.paragraphs == 0 && amount.text >= kMinParagraph && 2 * amount.links < amount.text) {
      amount.paragraphs = amount.text;
      amount.score = 1;
    }
    if (!is_inline(tag)) {
      blocks_.push_back(&node);
      amounts_[&node] = amount;
    }
    if (tag == GUMBO_TAG_MAIN || attribute(node, "role") == "main") mains_.push_back(&node);
    if (tag == GUMBO_TAG_ARTICLE) articles_.push_back(&node);
    return amount;
  }

  static bool is_paragraph(GumboTag tag) {
    return tag == GUMBO_TAG_P || tag == GUMBO_TAG_PRE || tag == GUMBO_TAG_BLOCKQUOTE || tag == GUMBO_TAG_TD ||
           tag == GUMBO_TAG_LI || tag == GUMBO_TAG_DD;
  }

  /// The points that a child gives to what it stands in.
  [[nodiscard]] static double given_up(const Node& child, const Amount& below, std::size_t commas) {
    constexpr double kMostForLength = 3;
    if (!is_paragraph(tag_of(child))) return below.score / 2;
    return 1 + static_cast<double>(std::min<std::size_t>(commas, 10)) +
           std::min(static_cast<double>(below.text) / 100, kMostForLength);
  }

  const Node& body_;
  std::unordered_map<const Node*, Amount> amounts_;
  std::vector<const Node*> blocks_;  // in the order of the page: the same page gives the same part
  std::vector<const Node*> mains_;
  std::vector<const Node*> articles_;
  std::size_t commas_ = 0;
};

}  // namespace

const Node* main_part(const Node* root) {
  const Node* body = nullptr;
  for_each_child(*root, [&](const Node& child) {
    if (tag_of(child) == GUMBO_TAG_BODY) body = &child;
  });
  if (body == nullptr) return root;
  return &Survey(*body).best();
}

}  // namespace sennit::readable
