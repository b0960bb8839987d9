#include <sennit/tools/files_change.hpp>
#include <sennit/tools/files_look.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace sennit::files {
namespace {

constexpr std::size_t kShownPlaces = 10;  // occurrences named in a message

std::size_t line_of(std::string_view text, std::size_t position) {
  return 1 +
         static_cast<std::size_t>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(position), '\n'));
}

std::vector<std::size_t> occurrences(std::string_view text, std::string_view wanted) {
  std::vector<std::size_t> found;
  for (std::size_t at = text.find(wanted); at != std::string_view::npos; at = text.find(wanted, at + wanted.size())) {
    found.push_back(at);
  }
  return found;
}

std::string with_crlf(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\n' && !result.ends_with('\r')) result += '\r';
    result += c;
  }
  return result;
}

std::string without_space(std::string_view line) {
  std::string result;
  for (const char c : line) {
    if (c != ' ' && c != '\t' && c != '\r') result += c;
  }
  return result;
}

/// The first line of `wanted` that says something.
std::string_view telling_line(std::string_view wanted) {
  while (!wanted.empty()) {
    const std::size_t end = wanted.find('\n');
    const std::string_view line = wanted.substr(0, end);
    if (!without_space(line).empty()) return line;
    wanted.remove_prefix(end == std::string_view::npos ? wanted.size() : end + 1);
  }
  return {};
}

/// Where the first telling line of the wanted text stands apart from white space; empty if nowhere.
std::string near_miss(std::string_view content, std::string_view wanted) {
  const std::string key = without_space(telling_line(wanted));
  if (key.empty()) return {};
  for (std::size_t number = 1; !content.empty(); ++number) {
    const std::size_t end = content.find('\n');
    const std::string_view line = content.substr(0, end);
    if (without_space(line).find(key) != std::string::npos) {
      constexpr std::size_t kShown = 200;
      return fmt::format("; line {} is similar, but white space or the lines after it differ: `{}`", number,
                         printable(line.substr(0, kShown)));
    }
    content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
  }
  return {};
}

[[noreturn]] void refuse_absent(const std::string& content, const EditArguments& arguments) {
  throw Error(errc::invalid_argument,
              fmt::format("'{}' does not hold old_text{}. Read the file and copy the text exactly", arguments.path,
                          near_miss(content, arguments.old_text)));
}

[[noreturn]] void refuse_ambiguous(const std::string& content, const EditArguments& arguments,
                                   const std::vector<std::size_t>& found) {
  std::string lines;
  for (std::size_t i = 0; i < std::min(found.size(), kShownPlaces); ++i) {
    lines += fmt::format("{}{}", i == 0 ? "" : ", ", line_of(content, found[i]));
  }
  if (found.size() > kShownPlaces) lines += " …";
  throw Error(
      errc::invalid_argument,
      fmt::format("old_text occurs {} times in '{}' (lines {}): take more lines around the one you mean, or set "
                  "all to true",
                  found.size(), arguments.path, lines));
}

}  // namespace

Edited replace_text(const std::string& content, const EditArguments& arguments) {
  std::string wanted = arguments.old_text;
  std::string replacement = arguments.new_text;
  if (wanted.empty()) throw Error(errc::invalid_argument, "old_text is empty: give the text to replace");
  if (wanted == replacement) throw Error(errc::invalid_argument, "old_text and new_text are the same: nothing to do");
  std::vector<std::size_t> found = occurrences(content, wanted);
  if (found.empty() && content.find("\r\n") != std::string::npos) {
    wanted = with_crlf(wanted);
    replacement = with_crlf(replacement);
    found = occurrences(content, wanted);
  }
  if (found.empty()) refuse_absent(content, arguments);
  if (found.size() > 1 && !arguments.all) refuse_ambiguous(content, arguments, found);
  if (content.size() + found.size() * replacement.size() > kMaxWrite + found.size() * wanted.size()) {
    throw Error(errc::too_large, fmt::format("'{}' would become larger than {} bytes", arguments.path, kMaxWrite));
  }
  Edited edited{{}, found.size(), line_of(content, found.front())};
  std::size_t from = 0;
  for (const std::size_t at : found) {
    edited.text.append(content, from, at - from).append(replacement);
    from = at + wanted.size();
  }
  edited.text.append(content, from);
  return edited;
}

std::string write(const Roots& roots, const Protected& forbidden, const WriteArguments& arguments) {
  if (arguments.content.size() > kMaxWrite) {
    throw Error(errc::too_large,
                fmt::format("the content has {} bytes; {} is the most", arguments.content.size(), kMaxWrite));
  }
  const Place place = roots.place(arguments.path);
  const Written written = place.root->write_file(place.path, arguments.content, forbidden);
  if (written.created) return fmt::format("created {} ({} bytes)", place.shown, arguments.content.size());
  return fmt::format("replaced {} ({} bytes, {} before)", place.shown, arguments.content.size(), written.previous_size);
}

std::string edit(const Roots& roots, const Protected& forbidden, const EditArguments& arguments) {
  const Place place = roots.place(arguments.path);
  const OpenFile file = place.root->open_file(place.path);
  const std::string content = read_whole(file, kMaxWrite, place.shown);
  if (looks_binary(content)) {
    throw Error(errc::invalid_argument, fmt::format("'{}' is a binary file, not text", place.shown));
  }
  const Edited edited = replace_text(content, arguments);
  place.root->write_file(place.path, edited.text, forbidden, &file.identity);
  if (edited.replaced > 1)
    return fmt::format("{}: {} places changed, the first in line {}", place.shown, edited.replaced, edited.line);
  return fmt::format("{}: changed line {}", place.shown, edited.line);
}

}  // namespace sennit::files
