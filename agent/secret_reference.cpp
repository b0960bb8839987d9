#include <sennit/agent/io/error.hpp>
#include <sennit/agent/secret_reference.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace sennit::secret {
namespace {

struct Kind {
  std::string_view open;
  Source source;
};
constexpr std::array<Kind, 3> kKinds{{{"${env:", Source::env}, {"${file:", Source::file}, {"${cmd:", Source::cmd}}};

constexpr std::string_view kFile = "${file:";
constexpr std::string_view kFromHere = "/./";  // what stands before it is the folder that a path is relative to

/// Where the reference ends whose inside begins at `at`; npos: nowhere.
std::size_t end_of(std::string_view text, std::size_t at, Source source) {
  if (source != Source::cmd) return text.find('}', at);
  char quote = '\0';
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\\' && quote != '\'') {
      ++at;
    } else if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '}') {
      return at;
    }
  }
  return std::string_view::npos;
}

bool is_variable(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string wrong_inside(const Reference& reference) {
  switch (reference.source) {
    case Source::env:
      if (is_variable(reference.what)) return {};
      return fmt::format("`${{env:{}}}` refers to nothing; write `${{env:{}}}`", reference.what.substr(0, 60), "NAME");
    case Source::file:
      return reference.what.empty() ? "`${file:}` names no file; write `${file:PATH}`" : std::string();
    case Source::cmd:
      break;
  }
  try {
    (void)split_words(reference.what);
  } catch (const Error& error) {
    return error.message();
  }
  return {};
}

/// What is no reference of ours, from its `${` on.
std::string wrong_name(std::string_view text) {
  if (text.starts_with("${cmd:")) return "a `${cmd:` is not closed by a `}` outside of quotes";
  const std::size_t end = text.find('}');
  if (end == std::string_view::npos) return "a `${` is not closed by `}`";
  const std::string_view inside = text.substr(2, end - 2);
  const std::string_view name = inside.substr(std::min(inside.size(), inside.find_last_of(":.") + 1));
  return fmt::format("`${{{}}}` refers to nothing; write `${{env:{}}}`", inside.substr(0, 60),
                     is_variable(name) ? name : "NAME");
}

template <class Change>
std::string with_paths(std::string_view text, Change change) {
  std::string changed;
  for_each_piece(
      text, [&](std::string_view literal) { changed += literal; },
      [&](const Reference& reference) {
        if (reference.source == Source::file) {
          changed += fmt::format("{}{}}}", kFile, change(reference.what));
        } else {
          changed += text.substr(reference.begin, reference.end - reference.begin);
        }
      });
  return changed;
}

}  // namespace

std::optional<Reference> find_reference(std::string_view text, std::size_t from) {
  for (std::size_t at = text.find("${", from); at != std::string_view::npos; at = text.find("${", at + 2)) {
    for (const Kind& kind : kKinds) {
      if (!text.substr(at).starts_with(kind.open)) continue;
      const std::size_t begin = at + kind.open.size();
      const std::size_t end = end_of(text, begin, kind.source);
      if (end == std::string_view::npos) return std::nullopt;
      return Reference{kind.source, text.substr(begin, end - begin), at, end + 1};
    }
  }
  return std::nullopt;
}

std::string wrong_reference(std::string_view text) {
  for (std::size_t at = text.find("${"); at != std::string_view::npos; at = text.find("${", at)) {
    const std::optional<Reference> reference = find_reference(text, at);
    if (!reference || reference->begin != at) return wrong_name(text.substr(at));
    if (std::string wrong = wrong_inside(*reference); !wrong.empty()) return wrong;
    at = reference->end;
  }
  return {};
}

std::string bound(std::string_view text, const std::filesystem::path& directory) {
  if (text.find(kFile) == std::string_view::npos) return std::string(text);
  std::string folder = std::filesystem::absolute(directory).lexically_normal().string();
  if (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  return with_paths(text, [&](std::string_view path) {
    const bool is_placed = path.empty() || path.starts_with('/') || path.starts_with("~/");
    return is_placed ? std::string(path) : fmt::format("{}{}{}", folder, kFromHere, path);
  });
}

std::string unbound(std::string_view text) {
  if (text.find(kFile) == std::string_view::npos) return std::string(text);
  return with_paths(text, [](std::string_view path) {
    const std::size_t from = path.find(kFromHere);
    return std::string(from == std::string_view::npos ? path : path.substr(from + kFromHere.size()));
  });
}

std::vector<std::string> split_words(std::string_view line) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = '\0';
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool is_space = c == ' ' || c == '\t' || c == '\n';
    if (quote == '\0' && is_space) {
      in_word = false;
      continue;
    }
    if (quote == '\0' && std::string_view("|&;<>`()").find(c) != std::string_view::npos) {
      throw Error(errc::config, fmt::format("`${{cmd:…}}` runs a program without a shell, and `{}` is for shells: put "
                                            "it in quotes, or write `sh -c '…'`",
                                            c));
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (c == '\\' && quote != '\'' && i + 1 < line.size()) {
      words.back() += line[++i];
    } else if (quote == '\0' && (c == '\'' || c == '"')) {
      quote = c;
    } else if (quote != '\0' && c == quote) {
      quote = '\0';
    } else {
      words.back() += c;
    }
  }
  if (quote != '\0') throw Error(errc::config, fmt::format("a quote ({}) in `${{cmd:…}}` is not closed", quote));
  if (words.empty()) throw Error(errc::config, "`${cmd:}` names no program; write `${cmd:PROGRAM ARGUMENTS}`");
  return words;
}

}  // namespace sennit::secret
