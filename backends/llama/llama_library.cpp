#include <sennit/agent/io/error.hpp>
#include <sennit/backends/llama/llama_library.hpp>

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>

namespace sennit {
namespace {

constexpr const char* kFile = "sennit_llama.so";
constexpr const char* kVariable = "SENNIT_LLAMA_MODULE";

/// The folder of the object that this code is in: the program's, or that of libsennit.so.
std::filesystem::path own_folder() {
  Dl_info info{};
  std::error_code failure;
  if (::dladdr(reinterpret_cast<const void*>(&llama_module_places), &info) == 0 || info.dli_fname == nullptr) return {};
  return std::filesystem::absolute(info.dli_fname, failure).parent_path();
}

std::string dl_error() {
  const char* const words = ::dlerror();
  return words == nullptr ? "no reason was given" : words;
}

Error not_installed(const std::vector<std::filesystem::path>& places) {
  std::string tried;
  for (const auto& place : places) tried += fmt::format("{}{}", tried.empty() ? "" : ", ", place.string());
  return Error(
      errc::not_found,
      fmt::format("llama.cpp is not installed: this Sennit has no component to run a model in its own process. "
                  "Install libllama, build Sennit with -DSENNIT_LLAMA=ON, or name the component in ${} "
                  "(docs/local-models.md); or run llama-server and use `model: llama-server/…`. Looked for {}",
                  kVariable, tried));
}

const sennit_llama_api& open() {
  const std::vector<std::filesystem::path> places = llama_module_places();
  std::error_code failure;
  const auto found = std::find_if(places.begin(), places.end(), [&failure](const std::filesystem::path& place) {
    return std::filesystem::exists(place, failure);
  });
  if (found == places.end()) throw not_installed(places);
  // Never closed: libllama's own libraries keep threads.
  void* const handle = ::dlopen(found->c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    throw Error(errc::io, fmt::format("the component for llama.cpp does not load: {}", dl_error())).at(found->string());
  }
  void* const symbol = ::dlsym(handle, SENNIT_LLAMA_ENTRY);
  const auto entry = reinterpret_cast<sennit_llama_open_function>(symbol);
  const sennit_llama_api* const api = entry == nullptr ? nullptr : entry(SENNIT_LLAMA_ABI);
  if (api == nullptr || api->abi != SENNIT_LLAMA_ABI) {
    throw Error(errc::io, fmt::format("the component for llama.cpp is not one of this Sennit's (interface {}); build "
                                      "both from the same source",
                                      SENNIT_LLAMA_ABI))
        .at(found->string());
  }
  return *api;
}

}  // namespace

std::vector<std::filesystem::path> llama_module_places() {
  if (const char* named = std::getenv(kVariable); named != nullptr && *named != '\0') return {named};
  std::error_code failure;
  std::vector<std::filesystem::path> places;
  for (const auto& folder : {own_folder(), std::filesystem::read_symlink("/proc/self/exe", failure).parent_path()}) {
    if (folder.empty()) continue;
    for (const char* way : {".", "..", "sennit", "../lib/sennit"}) {
      std::filesystem::path place = (folder / way / kFile).lexically_normal();
      if (std::find(places.begin(), places.end(), place) == places.end()) places.push_back(std::move(place));
    }
  }
  return places;
}

const sennit_llama_api& llama_library() {
  static std::mutex mutex;
  static const sennit_llama_api* loaded = nullptr;
  const std::lock_guard lock(mutex);
  if (loaded == nullptr) loaded = &open();
  return *loaded;
}

}  // namespace sennit
