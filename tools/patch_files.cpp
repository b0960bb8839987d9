#include <sennit/tools/files_look.hpp>
#include <sennit/tools/patch_apply.hpp>
#include <sennit/tools/patch_files.hpp>

#include <fmt/format.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <utility>

namespace sennit::patch {
namespace {

using Kind = Change::Kind;

/// One change, worked out.
struct Step {
  Kind kind;
  files::Place from;
  files::Place to;
  std::string before;
  std::string after;
  std::optional<files::FileIdentity> identity{};
  std::vector<std::string> remarks{};
  std::size_t hunks = 0;
};

[[noreturn]] void fail(const std::string& path, const Error& error) {
  throw Error(error.code(), fmt::format("{}: {}", path, error.message()));
}

class Plan {
 public:
  Plan(const files::Access& access, const files::StopFlag& stop) : access_(access), stop_(stop) {}

  std::vector<Step> make(const std::vector<Change>& changes) {
    std::vector<Step> steps;
    for (const Change& change : changes) {
      const std::string& path = change.from.empty() ? change.to : change.from;
      try {
        steps.push_back(step(change));
      } catch (const Error& error) {
        fail(files::printable(path), error);
      }
    }
    return steps;
  }

 private:
  Step step(const Change& change) {
    if (files::is_set(stop_)) throw Error(errc::cancelled, "patching was cancelled");
    Step step{change.kind, {}, {}, {}, {}};
    step.hunks = change.hunks.size();
    if (!change.from.empty()) read(change, step);
    if (!change.to.empty()) step.to = access_.roots.place(change.to);
    if (change.kind == Kind::create || change.kind == Kind::rename) check_new(step.to);
    if (change.kind == Kind::rename && step.from.root != step.to.root) {
      throw Error(errc::invalid_argument, "a file cannot be renamed from one root into another");
    }
    std::vector<Hunk> hunks = change.hunks;
    if (change.kind == Kind::create) {
      for (Hunk& hunk : hunks) hunk.line = 0;  // in an empty file there is one place only
    }
    Applied applied = apply(step.before, hunks, [this] { return files::is_set(stop_); });
    if (change.kind == Kind::remove && !change.hunks.empty() && !applied.text.empty()) {
      throw Error(errc::invalid_argument, "the patch removes the file, but not all of its lines. Nothing was changed.");
    }
    if (applied.text.size() > files::kMaxWrite) {
      throw Error(errc::too_large, fmt::format("it would become larger than {} bytes", files::kMaxWrite));
    }
    step.after = std::move(applied.text);
    step.remarks = std::move(applied.remarks);
    if (!change.mode.empty() && change.mode != "100644") {
      step.remarks.push_back(fmt::format("the mode {} was not set", files::printable(change.mode)));
    }
    return step;
  }

  void read(const Change& change, Step& step) {
    step.from = access_.roots.place(change.from);
    const files::OpenFile file = step.from.root->open_file(step.from.path);
    step.identity = file.identity;
    if (!known_.insert({file.identity.device, file.identity.inode}).second) {
      throw Error(errc::invalid_argument, "the patch changes this file twice, by two names");
    }
    step.before = files::read_whole(file, files::kMaxWrite, step.from.shown);
    if (files::looks_binary(step.before)) throw Error(errc::invalid_argument, "it is a binary file, not text");
  }

  void check_new(const files::Place& place) {
    const std::filesystem::path path = (place.root->folder() / place.path).lexically_normal();
    if (!new_.insert(path).second) throw Error(errc::invalid_argument, "the patch makes this file twice, by two names");
    try {
      (void)place.root->open_file(place.path);
    } catch (const Error& error) {
      if (error.code() == errc::not_found) return;
      throw;
    }
    throw Error(errc::invalid_argument, fmt::format("the file '{}' exists already", place.shown));
  }

  const files::Access& access_;
  const files::StopFlag& stop_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> known_;
  std::set<std::filesystem::path> new_;
};

/// Does the steps, and knows how to undo what was done.
class Commit {
 public:
  Commit(const files::Protected& forbidden, std::uint64_t random) : forbidden_(forbidden), random_(random) {}

  void run(const std::vector<Step>& steps) {
    for (const Step& step : steps) {
      try {
        one(step);
      } catch (const Error& error) {
        const std::string left = undo();
        fail(files::printable(step.from.root == nullptr ? step.to.shown : step.from.shown),
             Error(error.code(), error.message() + (left.empty() ? ". Nothing was changed" : left)));
      }
    }
    for (const auto& [root, path] : removed_) root->remove_file(path, forbidden_);
  }

 private:
  void one(const Step& step) {
    const files::Root& root = step.kind == Kind::remove ? *step.from.root : *step.to.root;
    switch (step.kind) {
      case Kind::create:
        root.write_file(step.to.path, step.after, forbidden_);
        undo_.emplace_back(step.to.shown, [this, &root, &step] { root.remove_file(step.to.path, forbidden_); });
        return;
      case Kind::remove:
        set_aside(step);
        return;
      case Kind::rename:
        root.move_file(step.from.path, step.to.path, forbidden_);
        undo_.emplace_back(step.to.shown,
                           [this, &root, &step] { root.move_file(step.to.path, step.from.path, forbidden_); });
        break;
      case Kind::modify:
        break;
    }
    if (step.after == step.before) return;
    root.write_file(step.to.path, step.after, forbidden_, &*step.identity);
    undo_.emplace_back(step.to.shown, [this, &root, &step] { root.write_file(step.to.path, step.before, forbidden_); });
  }

  /// Under another name beside it, until everything else is done.
  void set_aside(const Step& step) {
    const files::Root& root = *step.from.root;
    const std::string aside = (std::filesystem::path(step.from.path).parent_path() /
                               fmt::format(".sennit-{:016x}-{}.tmp", random_, removed_.size()))
                                  .string();
    root.move_file(step.from.path, aside, forbidden_);
    removed_.emplace_back(&root, aside);
    undo_.emplace_back(step.from.shown,
                       [this, &root, &step, aside] { root.move_file(aside, step.from.path, forbidden_); });
  }

  /// What could not be undone; empty: nothing.
  std::string undo() {
    std::string left;
    for (auto step = undo_.rbegin(); step != undo_.rend(); ++step) {
      try {
        step->second();
      } catch (const Error& error) {
        left += fmt::format(". {} was changed and could not be changed back: {}", files::printable(step->first),
                            error.message());
      }
    }
    return left;
  }

  const files::Protected& forbidden_;
  std::uint64_t random_;
  std::vector<std::pair<std::string, std::function<void()>>> undo_;
  std::vector<std::pair<const files::Root*, std::string>> removed_;
};

std::string report(const Step& step) {
  std::string text;
  switch (step.kind) {
    case Kind::create:
      text = fmt::format("created {} ({} bytes)", step.to.shown, step.after.size());
      break;
    case Kind::remove:
      text = "removed " + step.from.shown;
      break;
    case Kind::rename:
      text = fmt::format("renamed {} to {}", step.from.shown, step.to.shown);
      break;
    case Kind::modify:
      text = "changed " + step.to.shown;
      break;
  }
  if (step.kind == Kind::modify || (step.kind == Kind::rename && step.hunks > 0)) {
    text += fmt::format(", {} hunk{}", step.hunks, step.hunks == 1 ? "" : "s");
  }
  for (const std::string& remark : step.remarks) text += "\n  " + remark;
  return text + "\n";
}

}  // namespace

std::string apply_to_files(const files::Access& access, const std::vector<Change>& changes, std::uint64_t random,
                           const files::StopFlag& stop) {
  const std::vector<Step> steps = Plan(access, stop).make(changes);
  Commit(access.forbidden, random).run(steps);
  std::string text;
  for (const Step& step : steps) text += report(step);
  return text;
}

}  // namespace sennit::patch
