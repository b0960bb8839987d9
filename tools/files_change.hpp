// Private: Changing files: a whole file, or one exact place in it. Blocking; belongs on a pool thread.
#pragma once

#include <sennit/agent/schema/described.hpp>
#include <sennit/tools/files_root.hpp>

#include <string>

namespace sennit::files {

struct WriteArguments {
  std::string path;
  std::string content;
};
SENNIT_DESCRIBE(WriteArguments, (path, "file to create or replace; missing folders are made"),
                (content, "the whole new text"))

[[nodiscard]] std::string write(const Roots& roots, const Protected& forbidden, const WriteArguments& arguments);

struct EditArguments {
  std::string path;
  std::string old_text;
  std::string new_text;
  bool all = false;
};
SENNIT_DESCRIBE(EditArguments, (path, "file to change"),
                (old_text,
                 "the text to replace, exactly as it stands in the file, white space included; it must occur "
                 "once, so take enough lines around it",
                 {.min_length = 1}),
                (new_text, "what takes its place; empty deletes it"),
                (all, "replace every occurrence instead", {.required = false}))

[[nodiscard]] std::string edit(const Roots& roots, const Protected& forbidden, const EditArguments& arguments);

/// The edit itself, pure. Text with LF line ends also finds its place in a file with CRLF line ends.
struct Edited {
  std::string text;
  std::size_t replaced = 0;
  std::size_t line = 0;  ///< of the first one, from 1
};
/// Throws Error(errc::invalid_argument) that says what to do: where near misses are, or where all occurrences are.
[[nodiscard]] Edited replace_text(const std::string& content, const EditArguments& arguments);

}  // namespace sennit::files
