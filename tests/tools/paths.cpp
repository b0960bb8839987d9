// A model tries to reach files outside of its folders: by paths, by links, and while somebody swaps folders for links
// under its hands. What is outside must be as it was, and unknown.
#include "tools/tool_call.hpp"
#include <sennit/tools/files.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace sennit;
using namespace sennit::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace fs = std::filesystem;

namespace {

constexpr const char* kSecret = "SECRET-OUTSIDE";

/// root/ is the tool's; everything beside it is not.
struct Place {
  Place() {
    folder.write("root/inside.txt", "inside");
    folder.write("root/sub/deep/file.txt", "deep");
    folder.write("root/agent.yaml", "rules");
    folder.write("root/state/sennit.db", "journal");
    folder.write("root/.git/config", "git");
    folder.write("root2/near.txt", kSecret);
    folder.write("secret.txt", kSecret);
    folder.write("other/secret.txt", kSecret);
    fs::create_symlink("../secret.txt", root() / "link.txt");
    fs::create_symlink(folder / "secret.txt", root() / "absolute.txt");
    fs::create_directory_symlink("..", root() / "up");
    fs::create_directory_symlink(folder / "other", root() / "other");
    fs::create_directory_symlink("/", root() / "slash");
    fs::create_directory_symlink("/proc/self/root", root() / "magic");
    fs::create_symlink("up/secret.txt", root() / "chain.txt");
    fs::create_symlink("loop", root() / "loop");
    fs::create_symlink("../other/new.txt", root() / "dangling.txt");
    fs::create_symlink("agent.yaml", root() / "alias.yaml");
    ::mkfifo((root() / "pipe").c_str(), 0666);
    FilesSettings settings;
    settings.roots = {root()};
    settings.write = true;
    settings.forbidden.files = {root() / "agent.yaml", root() / "later.yaml"};
    settings.forbidden.folders = {root() / "state"};
    tools = make_files(settings);
    before = look();
  }

  [[nodiscard]] fs::path root() const { return folder / "root"; }
  /// What must not change: everything but the free files of the root.
  [[nodiscard]] std::map<std::string, std::string> look() const {
    std::map<std::string, std::string> found;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder.path())) {
      const std::string name = entry.path().lexically_relative(folder.path()).string();
      const bool guarded = !name.starts_with("root/") || name.starts_with("root/state") ||
                           name.starts_with("root/.git") || name.ends_with(".yaml");
      if (guarded) found[name] = entry.is_regular_file() && !entry.is_symlink() ? read_file(entry.path()) : "";
    }
    return found;
  }

  TempDir folder;
  Tools tools;
  std::map<std::string, std::string> before;
};

/// Paths that lead out of `place`, or to what is protected.
std::vector<std::string> bad_paths(const Place& place) {
  const std::string out = place.folder.path().string();
  const std::string root = place.root().string();
  std::vector<std::string> paths;
  const auto add = [&](std::string path) { paths.push_back(std::move(path)); };
  for (const std::string& target :
       {std::string("secret.txt"), std::string("other/secret.txt"), std::string("root2/near.txt"),
        std::string("other/new.txt"), std::string("new.txt")}) {
    for (const char* up :
         {"../", "./../", "sub/../../", "sub/deep/../../../", "./sub/.././../", "sub//..//..//", "no-such/../../",
          "../root/../", ".././", "sub/./../../", "up/", "up/root/up/", "slash/../..", "../../", "magic/",
          "inside.txt/../../", "link.txt/../../", "..//", "sub/deep/..//.././../"}) {
      add(up + target);
    }
    for (const std::string& base :
         {out + "/", root + "/../", root + "/sub/../../", root + "/up/", root + "/slash" + out + "/",
          root + "/magic" + out + "/", "/proc/self/root" + out + "/", "/proc/self/cwd/" + out + "/",
          "/../../.." + out + "/", "//" + out.substr(1) + "/", root + "2/../"}) {
      add(base + target);
    }
    add("slash" + out + "/" + target);
    add("magic" + out + "/" + target);
    add("up/" + target + "/.");
    add("file://" + out + "/" + target);
    add("~/" + target);
    add(std::string("inside.txt\0/../../", 18) + target);
    add("..\\" + target);
    add("%2e%2e/" + target);
    add("..%2f" + target);
    add("..;/" + target);
    add("\xE2\x80\xA5/" + target);
    add("．．/" + target);
    add("\xC0\xAE\xC0\xAE/" + target);
  }
  for (const char* path : {"..",
                           "../",
                           "/",
                           "/etc/passwd",
                           "/etc/shadow",
                           "../../../../../../../../etc/passwd",
                           "slash/etc/passwd",
                           "magic/etc/passwd",
                           "/proc/self/environ",
                           "/proc/1/environ",
                           "/proc/self/mem",
                           "/proc/self/fd/0",
                           "/proc/self/fd/3",
                           "/dev/stdin",
                           "/dev/mem",
                           "/dev/zero",
                           "link.txt",
                           "absolute.txt",
                           "chain.txt",
                           "other/secret.txt",
                           "loop",
                           "loop/x",
                           "dangling.txt",
                           "pipe",
                           "up",
                           "slash",
                           "magic",
                           "link.txt/",
                           "chain.txt/..",
                           "absolute.txt/x",
                           "other/../../secret.txt",
                           "agent.yaml",
                           "./agent.yaml",
                           "sub/../agent.yaml",
                           "alias.yaml",
                           "later.yaml",
                           "sub/../later.yaml",
                           "state/sennit.db",
                           "state/new",
                           "state/a/b",
                           "sub/../state/x",
                           ".git/config",
                           ".git/hooks/pre-commit",
                           "sub/.git/config",
                           "sub/../.git/config",
                           ".git/new",
                           "sub/deep/.git/hooks/x",
                           "state",
                           ".git"}) {
    add(path);
  }
  add(std::string(5000, 'a'));
  add("sub/" + std::string(300, 'b'));
  std::string up;
  for (int i = 0; i < 500; ++i) up += "../";
  add(up + out.substr(1) + "/secret.txt");
  return paths;
}

std::string outcome(TestEnvironment& env, const Tools& tools, const std::string& tool, const json::object& arguments) {
  CallContext context(env);
  try {
    return run(env, call_checked(tool_named(tools, tool), arguments, context)).content;
  } catch (const Error& error) {
    return error.describe();
  }
}

/// Swaps what `a` and `b` are, at once and for ever.
void exchange(const fs::path& a, const fs::path& b) {
  constexpr unsigned kExchange = 2;
  ::syscall(SYS_renameat2, AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), kExchange);
}

/// Somebody who swaps as fast as he can.
class Swapper {
 public:
  Swapper(fs::path a, fs::path b)
      : thread_([this, a = std::move(a), b = std::move(b)] {
          while (!stop_) {
            exchange(a, b);
            ++swaps_;
          }
        }) {}
  ~Swapper() {
    stop_ = true;
    thread_.join();
  }
  [[nodiscard]] long swaps() const { return swaps_; }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<long> swaps_{0};
  std::thread thread_;
};

}  // namespace

TEST_CASE("there are at least two hundred different paths that must not be followed") {
  const Place place;
  const std::vector<std::string> paths = bad_paths(place);
  CHECK(std::set<std::string>(paths.begin(), paths.end()).size() >= 200);
}

TEST_CASE("no path reads, lists or searches what is outside") {
  TestEnvironment env;
  const Place place;
  for (const std::string& path : bad_paths(place)) {
    INFO(path);
    for (const auto& [tool, arguments] : std::vector<std::pair<std::string, json::object>>{
             {"files_read", {{"path", path}}},
             {"files_list", {{"path", path}}},
             {"files_search", {{"path", path}, {"pattern", "SECRET|root:"}}},
         }) {
      const std::string got = outcome(env, place.tools, tool, arguments);
      CHECK_THAT(got, !ContainsSubstring(kSecret) && !ContainsSubstring("root:x:") && !ContainsSubstring("near.txt\n"));
    }
  }
  CHECK(place.look() == place.before);
  CHECK_THAT(outcome(env, place.tools, "files_read", {{"path", "sub/../inside.txt"}}), ContainsSubstring("inside"));
}

TEST_CASE("no path writes or edits what is outside or protected") {
  TestEnvironment env;
  const Place place;
  for (const std::string& path : bad_paths(place)) {
    INFO(path);
    (void)outcome(env, place.tools, "files_write", {{"path", path}, {"content", "evil"}});
    for (const char* text : {kSecret, "rules", "journal", "git"}) {
      (void)outcome(env, place.tools, "files_edit", {{"path", path}, {"old_text", text}, {"new_text", "evil"}});
    }
  }
  CHECK(place.look() == place.before);
  CHECK_THAT(outcome(env, place.tools, "files_write", {{"path", "sub/new.txt"}, {"content", "fine"}}),
             ContainsSubstring("sub/new.txt"));
  CHECK(read_file(place.root() / "sub/new.txt") == "fine");
}

TEST_CASE("globs and patterns stay inside") {
  TestEnvironment env;
  const Place place;
  for (const char* glob : {"**", "../**", "**/*.txt", "up/**", "slash/etc/*", "*/secret.txt", "{..,.}/secret.txt",
                           "other/**", "**/../**", "[.][.]/**", "magic/**"}) {
    INFO(glob);
    for (const auto& [tool, arguments] : std::vector<std::pair<std::string, json::object>>{
             {"files_list", {{"glob", glob}}},
             {"files_search", {{"pattern", "SECRET|root:x"}, {"glob", glob}}},
         }) {
      const std::string got = outcome(env, place.tools, tool, arguments);
      CHECK_THAT(got, !ContainsSubstring(std::string("1:") + kSecret) && !ContainsSubstring("near.txt") &&
                          !ContainsSubstring("root:x:"));
    }
  }
}

TEST_CASE("nothing outside is read or written while somebody swaps a folder for a link") {
  TestEnvironment env;
  const Place place;
  const fs::path swapped = place.root() / "swap";
  const fs::path link = place.root() / "swap-link";
  place.folder.write("root/swap/secret.txt", "inside");
  fs::create_directory_symlink(place.folder / "other", link);
  const auto other_before = read_file(place.folder / "other/secret.txt");
  std::size_t inside = 0;
  std::size_t refused = 0;
  {
    const Swapper swapper(swapped, link);
    const auto end = std::chrono::steady_clock::now() + 2s;
    for (std::size_t i = 0; std::chrono::steady_clock::now() < end; ++i) {
      const std::string path = i % 2 == 0 ? "swap/secret.txt" : "./swap/../swap/secret.txt";
      const std::string got = outcome(env, place.tools, "files_read", {{"path", path}});
      REQUIRE_THAT(got, !ContainsSubstring(kSecret));
      inside += got.find("inside") != std::string::npos ? 1 : 0;
      refused += got.find("outside of the folders") != std::string::npos ? 1 : 0;
      (void)outcome(env, place.tools, "files_write", {{"path", "swap/new.txt"}, {"content", "evil"}});
      (void)outcome(env, place.tools, "files_write", {{"path", "swap/made/new.txt"}, {"content", "evil"}});
      (void)outcome(env, place.tools, "files_edit", {{"path", path}, {"old_text", kSecret}, {"new_text", "evil"}});
      REQUIRE_THAT(outcome(env, place.tools, "files_search", {{"path", "swap"}, {"pattern", "SECRET"}}),
                   !ContainsSubstring(kSecret));
      REQUIRE_THAT(outcome(env, place.tools, "files_list", {{"path", "swap"}, {"glob", "**"}}),
                   !ContainsSubstring("only-outside"));
    }
    CHECK(swapper.swaps() > 1'000);
  }
  CHECK(read_file(place.folder / "other/secret.txt") == other_before);
  CHECK_FALSE(fs::exists(place.folder / "other/new.txt"));
  CHECK_FALSE(fs::exists(place.folder / "other/made"));
  // Both were met: the race was one.
  CHECK(inside > 0);
  CHECK(refused > 0);
}

TEST_CASE("nothing protected is written while somebody swaps a file for a link to it") {
  TestEnvironment env;
  const Place place;
  place.folder.write("root/swap.txt", "free");
  fs::create_symlink("../secret.txt", place.root() / "swap.link");
  place.folder.write("root/folder/agent.yaml", "free");
  fs::create_directory(place.root() / "hidden");
  fs::create_directory_symlink(".", place.root() / "folder-link");
  {
    const Swapper files(place.root() / "swap.txt", place.root() / "swap.link");
    const Swapper folders(place.root() / "folder", place.root() / "folder-link");
    const auto end = std::chrono::steady_clock::now() + 2s;
    while (std::chrono::steady_clock::now() < end) {
      (void)outcome(env, place.tools, "files_write", {{"path", "swap.txt"}, {"content", "evil"}});
      // `folder` is now a folder of its own, now the root, whose agent.yaml holds the rules.
      (void)outcome(env, place.tools, "files_write", {{"path", "folder/agent.yaml"}, {"content", "evil"}});
      (void)outcome(env, place.tools, "files_edit",
                    {{"path", "folder/agent.yaml"}, {"old_text", "rules"}, {"new_text", "evil"}});
      REQUIRE_THAT(outcome(env, place.tools, "files_read", {{"path", "swap.txt"}}), !ContainsSubstring(kSecret));
    }
    CHECK(files.swaps() > 1'000);
    CHECK(folders.swaps() > 1'000);
  }
  CHECK(read_file(place.folder / "secret.txt") == kSecret);
  CHECK(read_file(place.root() / "agent.yaml") == "rules");
}
