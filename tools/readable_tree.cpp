#include <sennit/agent/io/error.hpp>
#include <sennit/tools/readable_scan.hpp>
#include <sennit/tools/readable_tree.hpp>

namespace sennit::readable {

static_assert(kMaxTreeDepth > 4 * kMaxDepth);  // a table brings two more elements with each of its cells

void Tree::Destroy::operator()(GumboOutput* output) const noexcept {
  gumbo_destroy_output(&kGumboDefaultOptions, output);
}

Tree::Tree(const std::string& html) {
  GumboOptions options = kGumboDefaultOptions;
  options.max_errors = 0;
  output_.reset(gumbo_parse_with_options(&options, html.data(), html.size()));
  if (!output_ || output_->root == nullptr) throw Error(errc::too_large, "the page cannot be read");
}

std::string_view attribute(const Node& node, const char* name) {
  const GumboAttribute* found = gumbo_get_attribute(&node.v.element.attributes, name);
  return found == nullptr ? std::string_view{} : std::string_view(found->value);
}

bool is_hidden(const Node& node) {
  return gumbo_get_attribute(&node.v.element.attributes, "hidden") != nullptr;
}

bool is_inline(GumboTag tag) {
  switch (tag) {
    case GUMBO_TAG_BDI:
    case GUMBO_TAG_DFN:
    case GUMBO_TAG_VAR:
    case GUMBO_TAG_SAMP:
    case GUMBO_TAG_Q:
    case GUMBO_TAG_SUB:
    case GUMBO_TAG_SUP:
    case GUMBO_TAG_SPAN:
    case GUMBO_TAG_BR:
    case GUMBO_TAG_WBR:
    case GUMBO_TAG_IMG:
      return true;
    default:
      return false;
  }
}

}  // namespace sennit::readable
