#include <sennit/agent/io/egress.hpp>
#include <sennit/agent/io/http.hpp>
#include <sennit/agent/typed_tool.hpp>
#include <sennit/tools/http_credentials.hpp>
#include <sennit/tools/http_rules.hpp>
#include <sennit/tools/images.hpp>
#include <sennit/tools/images_files.hpp>
#include <sennit/tools/images_wire.hpp>
#include <sennit/tools/options.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <optional>
#include <utility>

namespace sennit {
namespace {

constexpr milliseconds kConnect{10'000};      ///< at most, of a call's time, for name, connection and TLS
constexpr milliseconds kTimeToReport{5'000};  // the call ends by itself and says more than the run's own limit could
/// Base64 is a third longer, and something stands around it.
constexpr std::size_t kMaxAnswer = kMaxPictureBytes / 3 * 4 + (1U << 20U);
constexpr std::size_t kMaxPrompt = 32'000;  ///< characters that the longest-winded of OpenAI's models reads

struct ImagesArguments {
  std::string prompt;
  std::string name;
};
SENNIT_DESCRIBE(ImagesArguments,
                (prompt, "what the picture shows, in full: the painter knows nothing of this conversation",
                 {.min_length = 1, .max_length = kMaxPrompt}),
                (name, "a name for the file, without folder and ending", {.required = false}))

/// What the calls of one tool share. Owned by each job: one on the pool may outlive the agent.
struct Shared {
  ImagesSettings settings;
  files::Roots roots;
};
using SharedPointer = std::shared_ptr<const Shared>;

/// The key as a header; none where none is needed. Throws Error(errc::authentication) saying what to set.
http::Credentials credentials_of(const ImagesSettings& settings) {
  std::map<std::string, std::string> headers;
  const ImageProvider& server = settings.server;
  std::string key = settings.api_key;
  // The variable of a hosted provider is for that provider's own address.
  const bool may_default = settings.own_address || !server.key_required;
  if (key.empty() && may_default && !server.key_variable.empty()) {
    const char* const found = std::getenv(server.key_variable.c_str());
    if (found != nullptr && *found != '\0') key = fmt::format("${{env:{}}}", server.key_variable);
  }
  if (key.empty() && server.key_required && settings.own_address) {
    throw Error(errc::authentication, fmt::format("{} needs a key: set {} or the option api_key of `images`",
                                                  server.title, server.key_variable));
  }
  if (!key.empty()) headers["Authorization"] = "Bearer " + key;
  return http::Credentials(headers);
}

/// One call, from the words to the files.
class Painting {
 public:
  Painting(SharedPointer shared, const http::Credentials& credentials, ImagesArguments arguments,
           Environment& environment)
      : shared_(std::move(shared)),
        settings_(shared_->settings),
        credentials_(credentials),
        arguments_(std::move(arguments)),
        environment_(environment),
        base_(Secret(settings_.server.base_url).resolve_address()),
        deadline_(environment.now() + settings_.timeout) {}

  [[nodiscard]] asio::awaitable<std::string> run() {
    asio::awaitable<std::string> asking = ask_patiently();
    std::string answer = co_await std::move(asking);
    auto read = [shared = shared_, answer = std::move(answer)] {
      return images::read_answer(shared->settings, answer);
    };
    asio::awaitable<std::vector<images::Picture>> reading = environment_.pool().run(std::move(read));
    std::vector<images::Picture> pictures = co_await std::move(reading);
    for (images::Picture& picture : pictures) {
      if (picture.url.empty()) continue;
      asio::awaitable<std::string> fetching = fetch(picture.url);
      picture.bytes = co_await std::move(fetching);
    }
    auto keep = [shared = shared_, pictures = std::move(pictures), stem = stem(), random = environment_.random()] {
      return images::keep(shared->settings, shared->roots, pictures, stem, random);
    };
    asio::awaitable<std::string> keeping = environment_.pool().run(std::move(keep));
    std::string text = co_await std::move(keeping);
    co_return text;
  }

  /// The same failure in the terms of the tool, without secrets.
  [[nodiscard]] Error explained(const Error& error) const {
    Error result = error;
    if (error.code() == errc::timeout && environment_.now() >= deadline_) {
      result = Error(errc::timeout,
                     fmt::format("{} gave no picture within {} seconds (the option timeout of images)",
                                 settings_.server.title, std::chrono::duration<double>(settings_.timeout).count()));
    }
    return Error(result.code(), credentials_.mask(result.message())).at(credentials_.mask(result.where()));
  }

 private:
  [[nodiscard]] std::string stem() const {
    return images::file_stem(arguments_.name.empty() ? arguments_.prompt : arguments_.name);
  }

  [[nodiscard]] milliseconds left() const {
    const auto left = std::chrono::ceil<milliseconds>(deadline_ - environment_.now());
    if (left <= milliseconds{0}) throw Error(errc::timeout, "no time is left");
    return left;
  }

  [[nodiscard]] http::Request request(std::string url, std::size_t most) const {
    http::Request request;
    request.url = std::move(url);
    request.deadlines = {.connect = std::min(left(), kConnect), .first_byte = {}, .idle = {}, .total = left()};
    request.limits.body = most;
    request.ca_file = settings_.ca_file;
    request.headers = {{"User-Agent", "sennit"}};
    return request;
  }

  /// Busy and failing servers are asked again: they did not paint. After a timeout nobody knows, and it costs.
  [[nodiscard]] asio::awaitable<std::string> ask_patiently() {
    milliseconds delay = settings_.retry_delay;
    for (std::uint32_t attempt = 1;; ++attempt) {
      std::optional<Error> failure;
      try {
        asio::awaitable<std::string> asking = ask();
        std::string answer = co_await std::move(asking);
        co_return answer;
      } catch (...) {
        failure = current_error();
      }
      const milliseconds wait = failure->retry_after().value_or(delay);
      const bool painted = failure->status() == 0 && failure->code() != errc::connect_failed;
      if (painted || !failure->retryable() || attempt >= kMaxPictureAttempts || wait > kLongestPictureRetry ||
          environment_.now() + wait >= deadline_) {
        throw *failure;
      }
      asio::awaitable<void> waiting = environment_.sleep(wait);
      co_await std::move(waiting);
      delay *= 2;
    }
  }

  [[nodiscard]] asio::awaitable<std::string> ask() {
    images::Body body = images::request_body(settings_, base_, arguments_.prompt);
    http::Request asked = request(std::move(body.url), kMaxAnswer);
    asked.method = "POST";
    asked.body = std::move(body.bytes);
    asked.headers.push_back({"Content-Type", std::move(body.content_type)});
    for (const http::Header& header : credentials_.headers()) asked.headers.push_back(header);
    asio::awaitable<std::unique_ptr<http::Response>> sending = environment_.http().send(std::move(asked));
    const std::unique_ptr<http::Response> response = co_await std::move(sending);
    asio::awaitable<std::string> reading = http::read_all(*response);
    std::string answer = co_await std::move(reading);
    if (response->status() / 100 != 2) {
      throw images::refusal(settings_, response->status(), answer, response->header("retry-after")).at(origin(base_));
    }
    co_return answer;
  }

  /// The address is the server's word: public ones only, unless it is the server itself. No key goes there.
  [[nodiscard]] asio::awaitable<std::string> fetch(const std::string& url) {
    const http::Target target = http::check_url(url, {});
    http::Request asked = request(target.url, kMaxPictureBytes);
    if (target.origin != origin(base_)) asked.allow_address = is_public_address;
    asio::awaitable<std::unique_ptr<http::Response>> sending = environment_.http().send(std::move(asked));
    const std::unique_ptr<http::Response> response = co_await std::move(sending);
    if (response->status() / 100 != 2) {
      throw Error(errc::server, fmt::format("the picture could not be fetched (HTTP {})", response->status()))
          .at(target.origin);
    }
    asio::awaitable<std::string> reading = http::read_all(*response);
    std::string bytes = co_await std::move(reading);
    co_return bytes;
  }

  [[nodiscard]] static std::string origin(const std::string& url) { return http::check_url(url, {}).origin; }

  const SharedPointer shared_;
  const ImagesSettings& settings_;
  const http::Credentials& credentials_;
  const ImagesArguments arguments_;
  Environment& environment_;
  const std::string base_;
  const SteadyTime deadline_;
};

asio::awaitable<ToolOutput> paint(SharedPointer shared, ImagesArguments arguments, Environment& environment) {
  const http::Credentials credentials = credentials_of(shared->settings);
  const std::string origin = "images:" + shared->settings.server.title;
  Painting painting(std::move(shared), credentials, std::move(arguments), environment);
  std::optional<Error> failure;
  try {
    asio::awaitable<std::string> running = painting.run();
    std::string text = co_await std::move(running);
    ToolOutput output{credentials.mask(std::move(text))};
    if (output.content.find(images::kRevised) != std::string::npos) output.labels.add_untrusted(origin);
    co_return output;
  } catch (const Error& error) {
    failure = painting.explained(error);
  }
  throw *failure;
}

struct ImagesOptions {
  std::string model;
  std::string base_url;
  std::string api_key;
  std::string style = "openai";
  std::string size;
  std::string quality;
  std::int64_t n = 1;
  std::string folder = "images";
  std::optional<double> guidance;
  std::optional<std::int64_t> seed;
  std::string ca_file;
  json::value timeout = 180;
};
SENNIT_DESCRIBE(ImagesOptions, (model), (base_url), (api_key), (style), (size), (quality), (n), (folder), (guidance),
                (seed), (ca_file), (timeout))

[[noreturn]] void refuse(std::string what) {
  throw Error(errc::config, "images: " + std::move(what));
}

/// Who is asked for what.
void choose_server(const ImagesOptions& chosen, const ImageProviders& providers, ImagesSettings& settings) {
  const std::size_t slash = std::min(chosen.model.find('/'), chosen.model.size());
  const std::string provider = chosen.model.substr(0, slash);
  if (settings.style == ImageStyle::janus || chosen.model.empty()) {
    settings.server = {settings.style == ImageStyle::janus ? "Janus" : "the server", "", "", false};
  } else {
    const std::optional<ImageProvider> found = providers ? providers(provider) : std::nullopt;
    if (!found)
      refuse(fmt::format("there is no provider “{}” that paints (a model is named PROVIDER/MODEL)", provider));
    settings.server = *found;
    settings.model = chosen.model.substr(std::min(slash + 1, chosen.model.size()));
    if (settings.model.empty()) refuse(fmt::format("name the model: {}/MODEL", provider));
  }
  settings.own_address = chosen.base_url.empty();
  if (!settings.own_address) settings.server.base_url = chosen.base_url;
  const std::string& base = settings.server.base_url;
  if (base.empty()) refuse("needs `model: openai/gpt-image-1`, or the address of a server in `base_url`");
  if (!base.starts_with("http://") && !base.starts_with("https://") && !begins_with_reference(base)) {
    refuse(fmt::format("base_url must begin with http:// or https://: {}", base));
  }
}

/// Like the roots of `files`: relative to the agent file. What lies below its folder is made when it is needed.
void choose_folder(const std::filesystem::path& wanted, const PartContext& context, ImagesSettings& settings) {
  const std::filesystem::path base = context.definition.directory();
  const bool below = wanted.is_relative() && std::find(wanted.begin(), wanted.end(), "..") == wanted.end();
  settings.root = below ? base : base / wanted;
  settings.folder = below ? wanted : ".";
  if (!context.definition.file.empty()) settings.forbidden.files.push_back(context.definition.file);
  if (!context.state.empty()) settings.forbidden.folders.push_back(context.state);
}

ImagesSettings settings_of(const json::object& options, const PartContext& context, const ImageProviders& providers) {
  const auto chosen = read_options<ImagesOptions>(options, "images");
  ImagesSettings settings;
  if (chosen.style != "openai" && chosen.style != "janus") refuse("style is openai or janus");
  if (chosen.style == "janus") settings.style = ImageStyle::janus;
  choose_server(chosen, providers, settings);
  settings.api_key = chosen.api_key;
  settings.size = chosen.size;
  settings.quality = chosen.quality;
  if (chosen.n < 1 || chosen.n > static_cast<std::int64_t>(kMaxPictures)) {
    refuse(fmt::format("n is a number from 1 to {}", kMaxPictures));
  }
  settings.n = static_cast<std::size_t>(chosen.n);
  settings.guidance = chosen.guidance;
  settings.seed = chosen.seed;
  choose_folder(chosen.folder, context, settings);
  if (!chosen.ca_file.empty()) settings.ca_file = (context.definition.directory() / chosen.ca_file).string();
  settings.timeout = duration_option(chosen.timeout, "images");
  return settings;
}

}  // namespace

std::vector<std::shared_ptr<Tool>> make_images(ImagesSettings settings) {
  if (settings.n < 1 || settings.n > kMaxPictures) refuse(fmt::format("n is a number from 1 to {}", kMaxPictures));
  const bool paid = settings.style == ImageStyle::openai && (settings.own_address || !settings.api_key.empty());
  ToolTraits traits{.touches = {.write = true, .network = true, .money = paid},
                    .repeat = Repeat::never,
                    .timeout = settings.timeout + kTimeToReport,
                    .concurrency = 2};
  if (const std::string& base = settings.server.base_url; !has_reference(base)) {
    traits.facets["=" + http::check_url(base, {}).host] = "host";
  }
  files::Roots roots({settings.root});
  const auto shared = std::make_shared<const Shared>(Shared{std::move(settings), std::move(roots)});
  return {make_tool(
      "images", "Paints a picture from a description and writes it to a file; gives the file's path.",
      [shared](ImagesArguments arguments, ToolContext& context) {
        return paint(shared, std::move(arguments), context.environment());
      },
      traits)};
}

ToolFactory images_tools(ImageProviders providers) {
  return [providers = std::move(providers)](const json::object& options, const PartContext& context) {
    return make_images(settings_of(options, context, providers));
  };
}

}  // namespace sennit
