// A conversation as a file.
#include "support/fixtures.hpp"
#include <sennit/agent/io/error.hpp>
#include <sennit/app/transcript.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>

using namespace sennit;
using namespace sennit::app;
using namespace sennit::testing;

namespace {

std::string refusal(const std::filesystem::path& file, bool replace = false) {
  try {
    save_transcript(file, {user_message("new")}, replace);
  } catch (const Error& error) {
    return error.message();
  }
  return {};
}

}  // namespace

TEST_CASE("a conversation is saved to a new file, and replaces an old one only if told to") {
  const TempDir folder;
  const auto file = folder.write("notes.md", "mine");
  CHECK(refusal(file) == "this file is there already; `/save! FILE` replaces it");
  CHECK(read_file(file) == "mine");
  CHECK(refusal(file, true).empty());
  CHECK(read_file(file) == "## user\n\nnew\n");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("a conversation that cannot be saved says why") {
  const TempDir folder;
  CHECK(refusal(folder / "none/a.md") == "the file cannot be written: No such file or directory");
  std::filesystem::create_directory(folder / "a.md");
  CHECK(refusal(folder / "a.md", true) == "the file cannot be written: Is a directory");
  CHECK(refusal(folder / "a.txt") == "a conversation is saved as .md (to read) or .json (for programs)");
}
