// The tool `images`: a model describes a picture, somebody else paints it, and it becomes a file.
//
//   tools:
//     - images: { model: openai/gpt-image-1, size: 1024x1024, quality: low }
//     - images: { style: janus, base_url: "http://127.0.0.1:8000" }      # Janus-Pro behind the demo server of its
//     makers
//
// The file's name is made of the description and never one that is there: nothing is overwritten. Pictures land below
// one folder, under the rules of the tool `files`. The address is the agent's, not the model's; where an answer names
// another one to fetch a picture from, no key goes there.
#pragma once

#include <sennit/agent/registry.hpp>
#include <sennit/tools/files_root.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sennit {

inline constexpr std::size_t kMaxPictures = 4;                 ///< of one call
inline constexpr std::size_t kMaxPictureBytes = 32ULL << 20U;  ///< of all pictures of one call
inline constexpr std::uint32_t kMaxPictureAttempts = 3;        ///< where the server is busy or fails
inline constexpr milliseconds kLongestPictureRetry{30'000};    ///< a longer Retry-After is not waited for

enum class ImageStyle : std::uint8_t {
  openai,  ///< POST /images/generations: https://developers.openai.com/api/reference/resources/images
  janus,   ///< POST /generate_images/: https://github.com/deepseek-ai/Janus/blob/main/demo/fastapi_app.py
};

/// Where a provider paints.
struct ImageProvider {
  std::string title;         ///< for people
  std::string base_url;      ///< empty: the agent file must name it
  std::string key_variable;  ///< environment variable with the key
  bool key_required = false;
};

/// By the name before the slash of a model; nothing if there is none. The catalogue of providers is on a floor that
/// tools do not see, so whoever registers the tool brings it.
using ImageProviders = std::function<std::optional<ImageProvider>(std::string_view name)>;

struct ImagesSettings {
  ImageStyle style = ImageStyle::openai;
  ImageProvider server;                ///< its `base_url` may hold `${env:NAME}`
  std::string model;                   ///< without the provider; empty: the server has one
  std::string api_key;                 ///< `${env:NAME}`; empty: the provider's variable, for its own address
  bool own_address = true;             ///< the provider's, not one from the agent file
  std::string size;                    ///< as the server takes it: "1024x1024"; empty: its choice
  std::string quality;                 ///< "low", "hd" …; empty: its choice
  std::size_t n = 1;                   ///< pictures a call
  std::optional<double> guidance{};    ///< Janus: how closely it follows the words
  std::optional<std::int64_t> seed{};  ///< Janus: the same seed and words give the same picture
  std::filesystem::path root;          ///< what cannot be left
  std::filesystem::path folder;        ///< below it, for the pictures; made where it is missing
  files::Protected forbidden;
  std::string ca_file;              ///< certificate authorities instead of the system's
  milliseconds timeout{180'000};    ///< of a whole call
  milliseconds retry_delay{1'000};  ///< before the second attempt; it doubles from there
};

/// Throws Error(errc::config) if the folder cannot be used.
[[nodiscard]] std::vector<std::shared_ptr<Tool>> make_images(ImagesSettings settings);

/// The factory. Options: model, base_url, api_key, style, size, quality, n, folder, guidance, seed, ca_file, timeout.
[[nodiscard]] ToolFactory images_tools(ImageProviders providers);

}  // namespace sennit
