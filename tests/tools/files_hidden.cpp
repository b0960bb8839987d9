// A policy keeps files from calls that look through folders, not only from those that name a file.
#include "tools/tool_call.hpp"
#include <sennit/tools/files.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <filesystem>
#include <string>
#include <utility>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

struct Folder {
  Folder() {
    folder.write("agent.yaml", "sennit: 1\n");
    folder.write("notes/a.txt", "needle in notes");
    folder.write("notes/b.key", "needle of a key");
    folder.write("secrets/deep/k.txt", "needle of a secret");
    folder.write("secrets/public/p.txt", "needle for all");
  }

  [[nodiscard]] Tools tools(PolicySettings policy, const PolicySettings* deployment = nullptr,
                            json::object options = {}, std::vector<fs::path> above = {}) const {
    Definition definition;
    definition.file = folder / "agent.yaml";
    definition.policy = std::move(policy);
    const Registry registry;
    PartContext context{definition, registry, {}};
    context.deployment = deployment;
    context.above = std::move(above);
    return make_files_tools(options, context);
  }

  TempDir folder;
};

PolicySettings denying(std::vector<std::string> patterns) {
  return {.deny = {{"files_*", {{"path", std::move(patterns)}}}}};
}

}  // namespace

TEST_CASE("a search passes over what a rule denies, and says so") {
  TestEnvironment env;
  const Folder place;
  const json::object needle{{"pattern", "needle"}};
  CHECK_THAT(call(env, place.tools({}), "files_search", needle), ContainsSubstring("a secret"));
  const std::string absolute = (place.folder / "secrets/**").string();
  for (const PolicySettings& policy :
       {denying({"secrets/**"}), denying({absolute}), PolicySettings{.ask = denying({"secrets/"}).deny}}) {
    const std::string text = call(env, place.tools(policy), "files_search", needle);
    CHECK_THAT(text, !ContainsSubstring("secret:") && !ContainsSubstring("a secret") && !ContainsSubstring("for all") &&
                         ContainsSubstring("in notes") && ContainsSubstring("[2 left out"));
    const PolicySettings none;
    CHECK(call(env, place.tools(none, &policy), "files_search", needle) == text);
  }
}

TEST_CASE("exceptions count: of what is denied, and of what is allowed") {
  TestEnvironment env;
  const Folder place;
  const json::object needle{{"pattern", "needle"}};
  const std::string but = call(env, place.tools(denying({"secrets/**", "!secrets/public/**"})), "files_search", needle);
  CHECK_THAT(but, ContainsSubstring("for all") && !ContainsSubstring("a secret") && ContainsSubstring("[1 left out"));
  PolicySettings policy{.allow = {{"files_search", {{"path", {"**", "!*.key"}}}}}};
  const std::string keys = call(env, place.tools(policy), "files_search", needle);
  CHECK_THAT(keys, !ContainsSubstring("of a key") && ContainsSubstring("a secret") && ContainsSubstring("[1 left out"));
  policy.allow.emplace_back("files_*");
  CHECK_THAT(call(env, place.tools(policy), "files_search", needle), ContainsSubstring("of a key"));
}

TEST_CASE("a listing leaves out what a rule denies to it, and to it alone") {
  TestEnvironment env;
  const Folder place;
  const json::object all{{"glob", "**"}};
  const std::string text = call(env, place.tools(denying({"secrets/**"})), "files_list", all);
  CHECK_THAT(text, ContainsSubstring("notes/a.txt") && !ContainsSubstring("secrets") && ContainsSubstring("left out"));
  const PolicySettings searches{.deny = {{"files_search", {{"path", {"secrets/**"}}}}}};
  CHECK_THAT(call(env, place.tools(searches), "files_list", all), ContainsSubstring("secrets/deep/k.txt"));
  const PolicySettings other{.deny = {{"files_*", {{"path", {"secrets/**"}}, {"glob", {"x"}}}}}};
  CHECK_THAT(call(env, place.tools(other), "files_list", all), ContainsSubstring("secrets/deep/k.txt"));
}

TEST_CASE("it is the same by a link, from a root beyond the agent's folder, and for an agent below") {
  TestEnvironment env;
  const Folder place;
  fs::create_directory_symlink("secrets", place.folder / "alias");
  const PolicySettings policy = denying({"secrets/deep/**"});
  const json::object through{{"pattern", "needle"}, {"path", "alias"}};
  CHECK_THAT(call(env, place.tools(policy), "files_search", through), !ContainsSubstring("a secret"));
  const json::object up{{"roots", json::array{".."}}};
  const json::object whole{{"pattern", "needle"}, {"path", place.folder.path().filename().string()}};
  CHECK_THAT(call(env, place.tools({}, nullptr, up), "files_search", whole), ContainsSubstring("a secret"));
  CHECK_THAT(call(env, place.tools(policy, nullptr, up), "files_search", whole), !ContainsSubstring("a secret"));
  place.folder.write("chief.yaml",
                     "sennit: 1\nname: chief\nmodel: auto\npolicy:\n  deny: [{files_*: {path: \"secrets/**\"}}]\n");
  const Tools below = place.tools({}, nullptr, {}, {place.folder / "chief.yaml"});
  CHECK_THAT(call(env, below, "files_search", {{"pattern", "needle"}}), !ContainsSubstring("a secret"));
}
