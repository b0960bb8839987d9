#include <sennit/tools/images_files.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace sennit::images {
namespace {

namespace fs = std::filesystem;

/// Files of one name in one folder; more is a model that goes round in circles.
constexpr std::size_t kMaxSameName = 1'000;

/// Gives `from` the name `to` in one step, unless something has it.
bool take_name(const files::Descriptor& folder, const std::string& from, const std::string& to) {
  const int number = folder.get();
  if (::renameat2(number, from.c_str(), number, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno == EINVAL || errno == ENOSYS) {  // some file systems cannot; a link never replaces either
    if (::linkat(number, from.c_str(), number, to.c_str(), 0) == 0) return ::unlinkat(number, from.c_str(), 0) == 0;
  }
  if (errno == EEXIST) return false;
  throw Error(errc::io, fmt::format("'{}' cannot be written: {}", to, std::strerror(errno)));
}

/// A file under a name that nobody looks at, until it gets its own.
class Unnamed {
 public:
  Unnamed(const ImagesSettings& settings, const files::Root& root, std::string_view bytes, std::uint64_t random)
      : name_(fmt::format(".sennit-{:016x}.part", random)) {
    // Makes the folder, keeps inside of the root and away from what is protected, and is whole or not there at all.
    root.write_file((settings.folder / name_).string(), bytes, settings.forbidden);
    folder_ = root.open_directory(settings.folder.string());
  }
  Unnamed(const Unnamed&) = delete;
  Unnamed& operator=(const Unnamed&) = delete;
  ~Unnamed() {
    if (!name_.empty()) ::unlinkat(folder_.get(), name_.c_str(), 0);
  }

  /// `STEM.png`, `STEM-2.png` …: the first that is free.
  [[nodiscard]] std::string become(const std::string& stem, std::string_view extension) {
    for (std::size_t i = 1; i <= kMaxSameName; ++i) {
      std::string name = i == 1 ? fmt::format("{}{}", stem, extension) : fmt::format("{}-{}{}", stem, i, extension);
      if (!take_name(folder_, name_, name)) continue;
      name_.clear();
      return name;
    }
    throw Error(errc::limit,
                fmt::format("there are {} pictures named {} already: use another name", kMaxSameName, stem));
  }

 private:
  std::string name_;
  files::Descriptor folder_;
};

}  // namespace

std::string keep(const ImagesSettings& settings, const files::Roots& roots, const std::vector<Picture>& pictures,
                 const std::string& stem, std::uint64_t random) {
  std::vector<Kind> kinds;
  std::size_t bytes = 0;
  for (const Picture& picture : pictures) {
    kinds.push_back(kind_of(picture.bytes));
    bytes += picture.bytes.size();
  }
  if (bytes > kMaxPictureBytes) {
    throw Error(errc::too_large, fmt::format("the pictures are larger than {} MiB", kMaxPictureBytes >> 20U));
  }
  const files::Root& root = roots.all().front();
  // As `files` names it to the model: relative to the agent's folder, or in full.
  const fs::path shown = settings.folder == "." ? root.folder() : settings.folder;
  std::string text;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    Unnamed file(settings, root, pictures[i].bytes, random + i);
    const std::string name = file.become(stem, kinds[i].extension);
    text +=
        fmt::format("{}{} ({}{}{}, {} bytes)", text.empty() ? "" : "\n", (shown / name).string(), kinds[i].media_type,
                    kinds[i].pixels.empty() ? "" : ", ", kinds[i].pixels, pictures[i].bytes.size());
    if (!pictures[i].revised.empty()) text.append("\n").append(kRevised).append(pictures[i].revised);
  }
  return text;
}

}  // namespace sennit::images
