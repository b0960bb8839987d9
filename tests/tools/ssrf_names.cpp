#include "tools/ssrf_names.hpp"

#include <dlfcn.h>
#include <netdb.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

namespace sennit::testing {
namespace {

struct Known {
  std::vector<Answer> answers;
  std::size_t asked = 0;
};

struct Names {
  std::mutex mutex;
  std::map<std::string, Known, std::less<>> known;
};

Names& names() {
  static auto* const all = new Names;  // resolver threads may outlive main()
  return *all;
}

using Resolve = int (*)(const char*, const char*, const addrinfo*, addrinfo**);

int resolve_by_system(const char* node, const char* service, const addrinfo* hints, addrinfo** result) {
  static const auto real = reinterpret_cast<Resolve>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  return real(node, service, hints, result);
}

/// One list of several.
int resolve_all(const Answer& answer, const char* service, const addrinfo* hints, addrinfo** result) {
  addrinfo numeric = hints != nullptr ? *hints : addrinfo{};
  numeric.ai_flags = (numeric.ai_flags | AI_NUMERICHOST) & ~(AI_ADDRCONFIG | AI_CANONNAME);
  addrinfo** end = result;
  *result = nullptr;
  for (const std::string& address : answer) {
    addrinfo* one = nullptr;
    if (resolve_by_system(address.c_str(), service, &numeric, &one) != 0) continue;
    *end = one;
    while (*end != nullptr) end = &(*end)->ai_next;
  }
  return *result == nullptr ? EAI_NONAME : 0;
}

}  // namespace

FakeName::FakeName(std::string name, std::vector<Answer> answers) : name_(std::move(name)) {
  const std::lock_guard lock(names().mutex);
  names().known[name_] = {std::move(answers), 0};
}

FakeName::~FakeName() {
  const std::lock_guard lock(names().mutex);
  names().known.erase(name_);
}

std::size_t FakeName::asked() const {
  const std::lock_guard lock(names().mutex);
  return names().known.at(name_).asked;
}

}  // namespace sennit::testing

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** result) {
  using namespace sennit::testing;
  const std::string_view name = node == nullptr ? "" : node;
  if (node == nullptr || name == "localhost") return resolve_by_system(node, service, hints, result);
  Answer answer;
  {
    const std::lock_guard lock(names().mutex);
    const auto found = names().known.find(name);
    if (found != names().known.end()) {
      Known& known = found->second;
      answer = known.answers[std::min(known.asked++, known.answers.size() - 1)];
    }
  }
  if (!answer.empty()) return resolve_all(answer, service, hints, result);
  addrinfo numeric = hints != nullptr ? *hints : addrinfo{};
  numeric.ai_flags |= AI_NUMERICHOST;
  return resolve_by_system(node, service, &numeric, result);
}
