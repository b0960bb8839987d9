// Private: Which part of a page is what its readers came for.
#pragma once

#include <sennit/tools/readable_tree.hpp>

namespace sennit::readable {

/// The element with the main part of `root`; the whole body where nothing stands out. Follows the idea of Arc90's
/// Readability: paragraphs give points to what they stand in, links and telling names (`sidebar`, `comments`) take some
/// away.
[[nodiscard]] const Node* main_part(const Node* root);

}  // namespace sennit::readable
