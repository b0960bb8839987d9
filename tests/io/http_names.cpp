// A name whose look-up takes long. The look-up is this program's own: libcurl finds it here before the C library's.
#include "http_fetch.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <dlfcn.h>
#include <netdb.h>

#include <condition_variable>
#include <mutex>
#include <string_view>

using namespace sennit;
using namespace sennit::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr const char* kSlowUrl = "http://slow.test/";
constexpr std::chrono::seconds kSlowest{20};  // where something waits for the look-up, the test still ends

/// The look-ups of the slow name: each waits until it is let go.
class SlowNames {
 public:
  void look_up() {
    std::unique_lock lock(mutex_);
    ++asked_;
    changed_.wait_for(lock, kSlowest, [this] { return let_go_; });
    ++answered_;
    changed_.notify_all();
  }
  void reset() {
    const std::lock_guard lock(mutex_);
    let_go_ = false;
    asked_ = answered_ = 0;
  }
  [[nodiscard]] int asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  [[nodiscard]] int answered() {
    const std::lock_guard lock(mutex_);
    return answered_;
  }
  void let_go() {
    std::unique_lock lock(mutex_);
    let_go_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, kPatience, [this] { return answered_ == asked_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool let_go_ = false;
  int asked_ = 0;
  int answered_ = 0;
};

SlowNames& slow_names() {
  static SlowNames names;
  return names;
}

}  // namespace

extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found) {
  if (name != nullptr && std::string_view(name) == "slow.test") {
    slow_names().look_up();
    return EAI_AGAIN;
  }
  static const auto real = reinterpret_cast<decltype(&getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  return real(name, service, hints, found);
}

TEST_CASE("nothing waits for a slow name look-up but the request that needs it", "[http]") {
  TestEnvironment env;
  slow_names().reset();
  http::Request request = get(kSlowUrl);
  SECTION("when the request is cancelled") {
    auto task = start(env, fetch(env, request));
    until(env, [] { return slow_names().asked() == 1; });
    task.cancel();
    CHECK(task.error().code() == errc::cancelled);
  }
  SECTION("when its deadline for connecting passes") {
    request.deadlines.connect = 50ms;
    const Error error = run_error(env, fetch(env, request));
    CHECK(error.code() == errc::timeout);
    CHECK_THAT(error.message(), ContainsSubstring("connect deadline"));
  }
  SECTION("when the client is destroyed") {
    auto client = http::make_client(env.executor());
    env.set_http(std::move(client));
    auto task = start(env, fetch(env, request));
    until(env, [] { return slow_names().asked() == 1; });
    env.set_http(nullptr);
    CHECK(task.error().code() == errc::cancelled);
  }
  CHECK(slow_names().asked() == 1);
  CHECK(slow_names().answered() == 0);
  slow_names().let_go();
}
