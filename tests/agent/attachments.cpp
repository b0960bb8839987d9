// Files that go with the input, and tags: the model sees them, and the run has them again when it goes on.
#include "support/recorded_runs.hpp"
#include "support/store_runs.hpp"
#include "support/world.hpp"
#include <sennit/agent/run_record.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

using namespace sennit;
using namespace sennit::testing;

namespace {

const Blob kPicture{"image/png", "AAAA", ""};

std::vector<Blob> files_in(const CompletionRequest& request) {
  std::vector<Blob> files;
  for (const Message& message : request.messages) {
    for (const Part& part : message.parts) {
      if (const auto* file = std::get_if<Blob>(&part)) files.push_back(*file);
    }
  }
  return files;
}

}  // namespace

TEST_CASE("a model sees what is attached to the input, in this run and in the next of the session") {
  const TempDir folder;
  std::vector<std::vector<Blob>> seen;
  World world(
      [&](const CompletionRequest& request) {
        seen.push_back(files_in(request));
        return Turn{{TextDelta{"red"}}};
      },
      {.state = folder.path()});
  const Agent agent = world.agent();
  Run run = agent.session("s").start("what is it?", {.attachments = {kPicture}, .tags = {"hard"}});
  const auto events = elsewhere(read_all(run));
  Run next = agent.session("s").start("and now?");
  elsewhere(next.wait());
  CHECK(seen == std::vector<std::vector<Blob>>{{kPicture}, {kPicture}});
  const RecordedRun kept = recorded(world, run.id());
  CHECK(kept.record.attachments == std::vector<Blob>{kPicture});
  CHECK(kept.record.tags == std::vector<std::string>{"hard"});
  Run again = agent.replay(kept);
  CHECK(difference(events, elsewhere(read_all(again))) == "");
}

TEST_CASE("a run that goes on has its files and its tags again") {
  const TempDir folder;
  std::string id;
  {
    World world([](const CompletionRequest&) { return Turn{.events = {}, .stalls = true}; }, {.state = folder.path()});
    Run run = world.agent().session().start("what is it?", {.attachments = {kPicture}, .tags = {"hard"}});
    id = run.id();
    world.wait_for_stall();
    run.suspend();
    CHECK(elsewhere(run.wait()).ending == Ending::suspended);
  }
  std::vector<Blob> seen;
  World world(says("unused"), {.state = folder.path()});
  world.plays["world/hard"] = [&](const CompletionRequest& request) {
    seen = files_in(request);
    return Turn{{TextDelta{"red"}}};
  };
  Definition definition;
  definition.model.route.rules = {{.model = "world/hard", .tag = "hard"}};
  Run run = world.agent(definition).resume(id, {.migrate = true});
  CHECK(elsewhere(run.wait()).text == "red");
  CHECK(seen == std::vector<Blob>{kPicture});
}

TEST_CASE("what was handed to a run is written and read back") {
  RunRecord record;
  record.inputs = {{"topic", "tea"}};
  record.attachments = {kPicture, {"application/pdf", "", "https://example.org/a.pdf"}};
  record.tags = {"a", "b"};
  RunRecord back;
  take_given(back, describe_given(record));
  CHECK(back.inputs == record.inputs);
  CHECK(back.attachments == record.attachments);
  CHECK(back.tags == record.tags);
  for (const char* wrong : {R"({"+tags":1})", R"({"+tags":[1]})", R"({"+attachments":1})",
                            R"({"+attachments":[{"type":"text","text":"x"}]})"}) {
    INFO(wrong);
    CHECK_THROWS_AS(take_given(back, parse_json(wrong)->as_object()), Error);
  }
}

TEST_CASE("an attachment without bytes and without a URL is refused") {
  World world(says("hi"));
  CHECK_THROWS_AS(world.agent().session().start("x", {.attachments = {Blob{"image/png", "", ""}}}), Error);
}
