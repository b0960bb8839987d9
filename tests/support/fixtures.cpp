#include "support/fixtures.hpp"

#include <sennit/agent/io/http.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

namespace sennit::testing {

// ---- files ----

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "sennit-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TempDir::write(std::string_view name, std::string_view content) const {
  const std::filesystem::path file = path_ / name;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary);
  out << content;
  if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
  return file;
}

std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  std::ostringstream content;
  content << in.rdbuf();
  return content.str();
}

// ---- environments ----

TestEnvironment::TestEnvironment(std::size_t pool_threads)
    : pool_(pool_threads),
      real_(loop_.get_executor(), pool_, [this](const LogRecord& record) { records_.push_back(record); }) {}

TestEnvironment::~TestEnvironment() = default;

void TestEnvironment::set_http(std::unique_ptr<http::Client> client) {
  http_ = std::move(client);
}

void TestEnvironment::turn() {
  loop_.run_one_for(std::chrono::milliseconds(10));
}

WallTime VirtualEnvironment::wall_now() const {
  constexpr WallTime kStart{std::chrono::seconds(1'767'225'600)};  // 2026-01-01T00:00:00Z
  return kStart + std::chrono::duration_cast<WallTime::duration>(elapsed_);
}

// SplitMix64: well mixed, and the whole state is a counter.
std::uint64_t VirtualEnvironment::random() {
  std::uint64_t z = (random_ += 0x9E3779B97F4A7C15U);
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

std::unique_ptr<Alarm> VirtualEnvironment::call_at(SteadyTime when, std::function<void()> then) {
  struct Entry final : Alarm {
    Entry(Calls& of, Calls::iterator at) : calls(of), place(at) {}
    ~Entry() override { calls.erase(place); }
    Calls& calls;
    Calls::iterator place;
  };
  return std::make_unique<Entry>(calls_, calls_.emplace(when, std::move(then)));
}

http::Client& VirtualEnvironment::http() {
  if (!http_) throw std::logic_error("no network in virtual time: use set_http() or a TestEnvironment");
  return *http_;
}

void VirtualEnvironment::turn() {
  if (loop_.poll() > 0) return;
  const auto open = [](const auto& call) { return call.second != nullptr; };
  const auto next = std::find_if(calls_.begin(), calls_.end(), open);
  if (pool_.waiting() > 0 || next == calls_.end()) {
    loop_.run_one_for(std::chrono::milliseconds(10));
    return;
  }
  elapsed_ = std::max(elapsed_, next->first - SteadyTime(std::chrono::hours(1)));
  const auto call = std::exchange(next->second, nullptr);  // what it does may take its entry away
  call();
}

void until(TestEnvironment& environment, const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) throw std::runtime_error("nothing happened within the test's patience");
    environment.turn();
  }
}

}  // namespace sennit::testing
