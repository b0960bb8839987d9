// Painting with servers on this machine, well-behaved and not, into real folders.
#include "support/http_server.hpp"
#include "tools/tool_call.hpp"
#include <sennit/tools/images.hpp>
#include <sennit/tools/images_wire.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <cstdlib>
#include <filesystem>

namespace sennit::testing {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

// A PNG of one pixel, and the same bytes as text.
constexpr std::string_view kPng64 =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

std::string chunk(std::string_view name, std::string_view data) {
  std::string out;
  for (const unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>(data.size() >> shift & 0xFFU);
  return out.append(name).append(data).append(4, '\0');
}

/// As much of a PNG as anybody here looks at; `mark` tells one from another.
std::string png(std::string_view mark) {
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", "\0\0\0\2\0\0\0\3\10\6\0\0\0"sv) + chunk("IDAT", mark) + chunk("IEND", "");
}

Reply answer(std::string entries) {
  return Reply::json(R"({"created":1,"data":[)" + std::move(entries) + "]}");
}

Reply pixel() {
  return answer(R"({"b64_json":")" + std::string(kPng64) + R"("})");
}

ImagesSettings settings_for(const HttpServer& server, const TempDir& folder) {
  ImagesSettings settings;
  settings.server = {"Painter", server.url("/v1"), "", false};
  settings.model = "gpt-image-1";
  settings.api_key = "key-of-the-test";
  settings.own_address = false;
  settings.root = folder.path();
  settings.folder = "images";
  settings.retry_delay = 1ms;
  return settings;
}

std::string paint(ImagesSettings settings, const json::object& arguments = {{"prompt", "A red fox, in snow!"}}) {
  TestEnvironment environment;
  return call(environment, make_images(std::move(settings)), "images", arguments);
}

Error failure(ImagesSettings settings) {
  TestEnvironment environment;
  return call_error(environment, make_images(std::move(settings)), "images", {{"prompt", "a fox"}});
}

std::size_t entries(const fs::path& folder) {
  std::size_t count = 0;
  if (!fs::exists(folder)) return count;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder)) ++count;
  return count;
}

TEST_CASE("a picture is asked for, and becomes a file named after its description") {
  const TempDir folder;
  const HttpServer server(
      answer(R"({"b64_json":")" + std::string(kPng64) + R"(","revised_prompt":"A red fox\nsits in snow"})"));
  ImagesSettings settings = settings_for(server, folder);
  settings.size = "1024x1024";
  settings.quality = "low";
  CHECK(paint(settings) ==
        "images/a-red-fox-in-snow.png (image/png, 1x1, 70 bytes)\n"
        "revised prompt: A red fox sits in snow");
  CHECK(read_file(folder / "images/a-red-fox-in-snow.png").substr(0, 4) == "\x89PNG");
  CHECK(entries(folder / "images") == 1);  // no temporary file stays
  const HttpRequest request = server.requests().at(0);
  CHECK(request.target == "/v1/images/generations");
  CHECK(request.header("authorization") == "Bearer key-of-the-test");
  CHECK(request.body ==
        R"({"model":"gpt-image-1","prompt":"A red fox, in snow!","n":1,"size":"1024x1024","quality":"low"})");
}

TEST_CASE("no file is replaced") {
  const TempDir folder;
  const HttpServer server(pixel());
  folder.write("images/fox.png", "mine");
  const json::object arguments{{"prompt", "a fox"}, {"name", "Fox.png/../.."}};
  CHECK(paint(settings_for(server, folder), {{"prompt", "a fox"}, {"name", "fox"}}).starts_with("images/fox-2.png"));
  CHECK(paint(settings_for(server, folder), {{"prompt", "a fox"}, {"name", "fox"}}).starts_with("images/fox-3.png"));
  CHECK(read_file(folder / "images/fox.png") == "mine");
  CHECK(paint(settings_for(server, folder), arguments).starts_with("images/fox-png.png"));
  CHECK(entries(folder / "images") == 4);
}

TEST_CASE("a picture behind a URL is fetched, without the key") {
  const TempDir folder;
  std::string address;
  const HttpServer server([&](const HttpRequest& request) {
    if (request.target == "/made/1?sig=x") return Reply::text(png("one"));
    return answer(R"({"url":")" + address + R"(/made/1?sig=x"})");
  });
  address = server.url("");
  CHECK(paint(settings_for(server, folder)) ==
        "images/a-red-fox-in-snow.png (image/png, 2x3, " + std::to_string(png("one").size()) + " bytes)");
  REQUIRE(server.requests().size() == 2);
  CHECK(server.requests().at(1).header("authorization").empty());
}

TEST_CASE("a server cannot send the tool to other machines of this network") {
  const TempDir folder;
  const HttpServer inside(Reply::text(png("secret")));
  const HttpServer server(answer(R"({"url":")" + inside.url("/x") + R"("})"));
  CHECK(failure(settings_for(server, folder)).code() == errc::denied);
  CHECK(inside.requests().empty());
  const HttpServer files(answer(R"({"url":"file:///etc/passwd"})"));
  CHECK(failure(settings_for(files, folder)).code() == errc::invalid_argument);
}

TEST_CASE("a picture that cannot be fetched is an error, and so is a redirect") {
  for (const int status : {404, 302}) {
    const TempDir folder;
    std::string address;
    const HttpServer server([&](const HttpRequest& request) {
      if (request.method == "GET") return Reply::text("gone").status(status).header("Location", "http://elsewhere/");
      return answer(R"({"url":")" + address + R"("})");
    });
    address = server.url("/x");
    CHECK_THAT(failure(settings_for(server, folder)).message(), ContainsSubstring(std::to_string(status)));
    CHECK(entries(folder.path()) == 0);
  }
}

TEST_CASE("no more pictures are kept than were asked for") {
  const TempDir folder;
  const std::string one = R"({"b64_json":")" + std::string(kPng64) + R"("})";
  const HttpServer server(answer(one + "," + one + "," + one));
  ImagesSettings settings = settings_for(server, folder);
  settings.n = 2;
  CHECK_THAT(paint(settings), ContainsSubstring("images/a-red-fox-in-snow.png (") &&
                                  ContainsSubstring("\nimages/a-red-fox-in-snow-2.png ("));
  CHECK(entries(folder / "images") == 2);
}

ImagesSettings janus(const HttpServer& server, const TempDir& folder) {
  ImagesSettings settings = settings_for(server, folder);
  settings.style = ImageStyle::janus;
  settings.server.base_url = server.url("/");
  settings.api_key.clear();
  return settings;
}

TEST_CASE("Janus: a form goes out, and PNG files come one after another") {
  const TempDir folder;
  const HttpServer server(Reply::text(png("one") + png("two") + png("three"))
                              .header("Content-Type", "multipart/related")
                              .chunked()
                              .cut_into(11));
  ImagesSettings settings = janus(server, folder);
  settings.n = 2;
  settings.seed = 42;
  settings.guidance = 4.5;
  CHECK_THAT(paint(settings, {{"prompt", "a fox & ü"}}), ContainsSubstring("images/a-fox-2.png (image/png, 2x3"));
  CHECK(read_file(folder / "images/a-fox.png") == png("one"));
  CHECK(read_file(folder / "images/a-fox-2.png") == png("two"));
  CHECK(entries(folder / "images") == 2);
  const HttpRequest request = server.requests().at(0);
  CHECK(request.target == "/generate_images/");
  CHECK(request.header("content-type") == "application/x-www-form-urlencoded");
  CHECK(request.header("authorization").empty());
  CHECK(request.body == "prompt=a%20fox%20%26%20%C3%BC&seed=42&guidance=4.5");
}

TEST_CASE("Janus: what is between the files is skipped, a file that is cut is an error, and so are words") {
  const TempDir folder;
  const HttpServer parted(Reply::text("--image--" + png("one") + "--image--"));
  CHECK(paint(janus(parted, folder)).starts_with("images/a-red-fox-in-snow.png"));
  const HttpServer cut(Reply::text(png("one") + png("two").substr(0, 30)));
  CHECK(failure(janus(cut, folder)).code() == errc::truncated);
  const HttpServer words(Reply::json(R"({"detail":"no"})"));
  CHECK(failure(janus(words, folder)).code() == errc::protocol);
  const HttpServer broken(Reply::json(R"({"detail":"Image generation failed: out of memory"})").status(500));
  CHECK_THAT(failure(janus(broken, folder)).message(), ContainsSubstring("out of memory"));
  CHECK(entries(folder / "images") == 1);
}

TEST_CASE("a refused key says where to look, and is not shown") {
  const TempDir folder;
  const HttpServer server(Reply::json(R"({"error":{"message":"bad key key-of-the-test"}})").status(401));
  const Error error = failure(settings_for(server, folder));
  CHECK(error.code() == errc::authentication);
  CHECK_THAT(error.message(), ContainsSubstring("did not take the key") && ContainsSubstring("api_key") &&
                                  !ContainsSubstring("key-of-the-test"));
  CHECK(server.requests().size() == 1);
}

TEST_CASE("a picture against the rules is refused in words that say so") {
  const TempDir folder;
  const HttpServer server(
      Reply::json(R"({"error":{"message":"rejected by our safety system","code":"moderation_blocked"}})").status(400));
  const Error error = failure(settings_for(server, folder));
  CHECK(error.code() == errc::content_filter);
  CHECK_THAT(error.message(), ContainsSubstring("content policy"));
  CHECK(server.requests().size() == 1);
}

TEST_CASE("a busy server is asked again when it says, a failing one three times") {
  const TempDir folder;
  const HttpServer busy({Reply::text("busy").status(429).header("Retry-After", "0"), pixel()});
  ImagesSettings patient = settings_for(busy, folder);
  patient.retry_delay = 25s;  // less than the longest wait, more than the test's patience is meant for
  CHECK(paint(patient).starts_with("images/"));
  CHECK(busy.requests().size() == 2);
  const HttpServer failing(Reply::text("oops").status(500));
  CHECK(failure(settings_for(failing, folder)).code() == errc::server);
  CHECK(failing.requests().size() == 3);
  const HttpServer later(Reply::text("busy").status(429).header("Retry-After", "3600"));
  CHECK(failure(settings_for(later, folder)).code() == errc::rate_limited);
  CHECK(later.requests().size() == 1);
  const HttpServer unpaid(Reply::json(R"({"error":{"message":"no","code":"insufficient_quota"}})").status(429));
  CHECK(failure(settings_for(unpaid, folder)).code() == errc::quota);
  CHECK(unpaid.requests().size() == 1);
}

TEST_CASE("what is no picture is an error that says so, and leaves nothing behind") {
  struct Wrong {
    std::string body;
    std::string_view says;
  };
  const std::vector<Wrong> bodies{
      {R"({"data":[{"b64_json":"iVBORw0KGgo)", "not JSON"},
      {"<html><title>Sign in</title></html>", "an HTML page"},
      {R"({"data":[]})", "no pictures"},
      {R"({"data":{}})", "no pictures"},
      {R"({"data":[{}]})", "neither b64_json nor url"},
      {R"({"data":[{"b64_json":"aGVsbG8="}]})", "no picture (PNG, JPEG or WebP) but 5 bytes that begin: hello"},
      {R"({"data":[{"b64_json":"####"}]})", "not base64"},
      {R"({"data":[{"b64_json":"abc"}]})", "not base64"},
  };
  const TempDir folder;
  for (const auto& [body, says] : bodies) {
    INFO(body);
    const HttpServer server(Reply::json(body));
    const Error error = failure(settings_for(server, folder));
    CHECK(error.code() == errc::protocol);
    CHECK_THAT(error.message(), ContainsSubstring(std::string(says)));
    CHECK(server.requests().size() == 1);
  }
  CHECK(entries(folder.path()) == 0);
}

TEST_CASE("an answer that ends too early is not asked for again: it may have been paid for") {
  const TempDir folder;
  const HttpServer server(pixel().cut_after(20));
  CHECK(failure(settings_for(server, folder)).code() == errc::truncated);
  CHECK(server.requests().size() == 1);
}

TEST_CASE("a silent server ends at the timeout of the tool") {
  const TempDir folder;
  const HttpServer server(pixel().stall());
  ImagesSettings settings = settings_for(server, folder);
  settings.timeout = 50ms;
  const Error error = failure(settings);
  CHECK(error.code() == errc::timeout);
  CHECK_THAT(error.message(), ContainsSubstring("within 0.05 seconds (the option timeout of images)"));
  CHECK(server.requests().size() == 1);
}

TEST_CASE("a cancelled call stops its request") {
  TestEnvironment environment;
  const TempDir folder;
  const HttpServer server(pixel().stall());
  const Tools tools = make_images(settings_for(server, folder));
  CallContext context(environment);
  auto task = start(environment, call_checked(tool_named(tools, "images"), {{"prompt", "a fox"}}, context));
  until(environment, [&] { return server.requests().size() == 1; });
  task.cancel();
  CHECK(task.error().code() == errc::cancelled);
  until(environment, [&] { return server.open_connections() == 0; });
}

TEST_CASE("an endless answer ends at the bound of bytes") {
  const TempDir folder;
  const HttpServer server(Reply::forever([](std::size_t) { return std::string(1U << 20U, 'x'); }));
  CHECK(failure(settings_for(server, folder)).code() == errc::too_large);
}

TEST_CASE("pictures stay inside the folder, and out of what is protected") {
  const TempDir folder;
  const TempDir elsewhere;
  const HttpServer server(pixel());
  fs::create_directory_symlink(elsewhere.path(), folder / "images");
  CHECK(failure(settings_for(server, folder)).code() == errc::denied);
  ImagesSettings state = settings_for(server, folder);
  state.folder = "state";
  state.forbidden.folders.push_back(folder / "state");
  CHECK(failure(state).code() == errc::denied);
  CHECK(entries(elsewhere.path()) == 0);
}

TEST_CASE("the first bytes tell the kind") {
  CHECK(images::kind_of("\xFF\xD8\xFF\xE0").extension == ".jpg");
  CHECK(images::kind_of("RIFF\x10\0\0\0WEBPVP8 "sv).extension == ".webp");
  CHECK(images::kind_of(png("x")).pixels == "2x3");
  CHECK(error_of([] { return images::kind_of("RIFF"); }).code() == errc::protocol);
  CHECK(error_of([] { return images::kind_of(""); }).code() == errc::protocol);
}

TEST_CASE("a name is made of letters and digits only, and is not too long") {
  CHECK(images::file_stem("../../etc/passwd") == "etc-passwd");
  CHECK(images::file_stem("狐") == "image");
  CHECK(images::file_stem(std::string(500, 'a')).size() == 48);
}

std::optional<ImageProvider> providers(std::string_view name) {
  if (name != "hosted") return std::nullopt;
  return ImageProvider{"Hosted", "https://hosted.example/v1", "SENNIT_TEST_IMAGE_KEY", true};
}

Tools from_file(const json::object& options, const fs::path& folder) {
  Definition definition;
  definition.file = folder / "agent.yaml";
  return images_tools(providers)(options, PartContext{definition, Registry{}, folder / "state"});
}

TEST_CASE("options of an agent file are checked") {
  const TempDir folder;
  const auto refused = [&](const json::object& options) {
    return error_of([&] { return from_file(options, folder.path()); }).message();
  };
  CHECK_THAT(refused({}), ContainsSubstring("openai/gpt-image-1"));
  CHECK_THAT(refused({{"model", "nobody/x"}}), ContainsSubstring("there is no provider “nobody”"));
  CHECK_THAT(refused({{"model", "hosted"}}), ContainsSubstring("name the model: hosted/MODEL"));
  CHECK_THAT(refused({{"model", "hosted/x"}, {"n", 5}}), ContainsSubstring("from 1 to 4"));
  CHECK_THAT(refused({{"model", "hosted/x"}, {"style", "cubist"}}), ContainsSubstring("openai or janus"));
  CHECK_THAT(refused({{"style", "janus"}}), ContainsSubstring("base_url"));
  CHECK_THAT(refused({{"base_url", "ftp://x"}}), ContainsSubstring("http://"));
  CHECK_THAT(refused({{"model", "hosted/x"}, {"timeout", 0}}), ContainsSubstring("timeout"));
  CHECK_THAT(refused({{"modle", "hosted/x"}}), ContainsSubstring("did you mean 'model'?"));
  CHECK_THAT(refused({{"model", "hosted/x"}, {"folder", "/nowhere/at/all"}}), ContainsSubstring("cannot be used"));
}

TEST_CASE("the tool says what it touches, and a missing key what to set") {
  const TempDir folder;
  const Tools tools = from_file({{"model", "hosted/x"}, {"timeout", "2m"}}, folder.path());
  const ToolSpec& spec = tool_named(tools, "images").spec();
  CHECK(spec.touches == Touches{.write = true, .network = true, .money = true});
  CHECK(spec.repeat == Repeat::never);
  CHECK(spec.timeout == 125s);
  TestEnvironment environment;
  ::unsetenv("SENNIT_TEST_IMAGE_KEY");
  const Error error = call_error(environment, tools, "images", {{"prompt", "a fox"}});
  CHECK(error.code() == errc::authentication);
  CHECK_THAT(error.message(), ContainsSubstring("set SENNIT_TEST_IMAGE_KEY"));
  CHECK_FALSE(tool_named(from_file({{"style", "janus"}, {"base_url", "http://127.0.0.1:1"}}, folder.path()), "images")
                  .spec()
                  .touches.money);
}

TEST_CASE("the variable of a hosted provider does not go to another address") {
  const TempDir folder;
  const HttpServer server(pixel());
  ::setenv("SENNIT_TEST_IMAGE_KEY", "key-of-the-provider", 1);
  TestEnvironment environment;
  const json::object other{{"model", "hosted/x"}, {"base_url", server.url("/v1")}};
  CHECK(call(environment, from_file(other, folder.path()), "images", {{"prompt", "a fox"}}).starts_with("images/"));
  CHECK(server.requests().at(0).header("authorization").empty());
  json::object named = other;
  named["api_key"] = "${env:SENNIT_TEST_IMAGE_KEY}";
  (void)call(environment, from_file(named, folder.path()), "images", {{"prompt", "a fox"}});
  CHECK(server.requests().at(1).header("authorization") == "Bearer key-of-the-provider");
  ::unsetenv("SENNIT_TEST_IMAGE_KEY");
}

}  // namespace
}  // namespace sennit::testing
