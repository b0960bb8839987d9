// Private: What painters are asked and what they answer, and what makes bytes a picture. Pure.
#pragma once

#include <sennit/agent/io/error.hpp>
#include <sennit/tools/images.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sennit::images {

/// One picture of an answer: its bytes, or where they can be fetched.
struct Picture {
  std::string bytes;
  std::string url;
  std::string revised;  ///< what the painter made of the prompt; empty: nothing
};

/// What the first bytes of a file say.
struct Kind {
  std::string_view media_type;
  std::string_view extension;  ///< with its dot
  std::string pixels;          ///< "1024x1024"; empty: not looked for
};
/// Throws Error(errc::protocol) for what is neither PNG nor JPEG nor WebP.
[[nodiscard]] Kind kind_of(std::string_view bytes);

struct Body {
  std::string url;
  std::string content_type;
  std::string bytes;
};
/// `base`: the server's address, resolved.
[[nodiscard]] Body request_body(const ImagesSettings& settings, std::string_view base, std::string_view prompt);

/// The pictures of a good answer, at most `settings.n`. Throws Error: protocol, truncated, too_large, content_filter.
[[nodiscard]] std::vector<Picture> read_answer(const ImagesSettings& settings, std::string_view body);

/// What an answer with another status amounts to. `retry_after`: the header, in seconds.
[[nodiscard]] Error refusal(const ImagesSettings& settings, int status, std::string_view body,
                            std::string_view retry_after);

/// A file's name without its ending, made of what somebody wrote: "a-red-fox-in-snow".
[[nodiscard]] std::string file_stem(std::string_view words);

}  // namespace sennit::images
