// What a call meets on its way: a redirect is judged like a call of its own.
#include "support/http_server.hpp"
#include "support/recorded_runs.hpp"
#include <sennit/tools/http_tool.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace sennit;
using namespace sennit::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

struct Got {
  std::string content;
  std::size_t questions = 0;
  std::vector<std::string> paths;  // that the server was asked for
};

/// One http_get of /public/a, which redirects to `to`, under this policy; a person agrees to everything.
Got get(const std::string& to, PolicySettings policy) {
  const HttpServer server([&](const HttpRequest& request) {
    if (request.target != "/public/a") return Reply::text("found");
    return Reply::text("").status(302).header("Location", to);
  });
  const std::string address = "http://127.0.0.1:" + std::to_string(server.port());
  for (auto* rules : {&policy.allow, &policy.ask, &policy.deny}) {
    for (PolicyRule& rule : *rules) {
      for (auto& [facet, patterns] : rule.when) {
        for (std::string& pattern : patterns) pattern = address + pattern;
      }
    }
  }
  Definition definition = with_tools({"http_get"});
  definition.model.name = "world/model";
  definition.policy = std::move(policy);
  World world(plays({calling({calls(0, "a", "http_get", R"({"url":")" + address + R"(/public/a"})")}), text({"end"})}),
              {}, [](Registry& registry) {
                HttpSettings settings;
                settings.allow_private = true;
                registry.add_tool(make_http(settings).front());
              });
  Run run = world.agent(definition).session().start("go");
  Got got;
  elsewhere(read_all(run, [&](const Event& event) {
    if (const auto* finished = std::get_if<ToolFinished>(&event.data)) got.content = finished->result.content;
    const auto* asked = std::get_if<ApprovalRequested>(&event.data);
    if (asked == nullptr) return;
    ++got.questions;
    run.approve(asked->id, Approval::once);
  }));
  for (const HttpRequest& request : server.requests()) got.paths.push_back(request.target);
  return got;
}

const PolicySettings kPublicOnly{.allow = {{"http_get", {{"url", {"/public/**"}}}}}, .fallback = Verdict::ask};

}  // namespace

TEST_CASE("a redirect is followed where the policy would allow it as a call") {
  const Got got = get("/public/b", kPublicOnly);
  CHECK_THAT(got.content, ContainsSubstring("found"));
  CHECK(got.paths == std::vector<std::string>{"/public/a", "/public/b"});
}

TEST_CASE(
    "a redirect to what the policy would ask about, or deny, is not followed, and the model is told where it is") {
  PolicySettings denied{.deny = {{"http_get", {{"url", {"/private/**"}}}}}, .fallback = Verdict::allow};
  for (const PolicySettings& policy : {kPublicOnly, denied}) {
    const Got got = get("/private/x", policy);
    CHECK_THAT(got.content, ContainsSubstring("the policy does not let it go on to http://127.0.0.1:") &&
                                ContainsSubstring("/private/x by itself") && !ContainsSubstring("found"));
    CHECK(got.paths == std::vector<std::string>{"/public/a"});
  }
}

TEST_CASE("a person who agreed to a call for one reason is not asked again for the same one") {
  const PolicySettings asking{.ask = {"http_get"}};
  const Got got = get("/private/x", asking);
  CHECK_THAT(got.content, ContainsSubstring("found"));
  CHECK(got.questions == 1);
  const PolicySettings two{.ask = {{"http_get", {{"url", {"/public/**"}}}}, {"http_get", {{"url", {"/private/**"}}}}}};
  CHECK(get("/private/x", two).paths == std::vector<std::string>{"/public/a"});
}
