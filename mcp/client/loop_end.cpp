#include <sennit/mcp/client/loop_end.hpp>

#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>

#include <map>
#include <mutex>
#include <utility>

namespace sennit::mcp {
namespace {

struct Wishes {
  std::mutex mutex;
  std::map<std::uint64_t, std::function<void()>> all;  // guarded
  std::uint64_t next = 0;                              // guarded
};

class LoopEndService final : public asio::execution_context::service {
 public:
  static inline asio::execution_context::id id;
  explicit LoopEndService(asio::execution_context& context) : service(context) {}

  const std::shared_ptr<Wishes> wishes = std::make_shared<Wishes>();

 private:
  void shutdown() override {
    std::map<std::uint64_t, std::function<void()>> left;
    {
      const std::lock_guard lock(wishes->mutex);
      left.swap(wishes->all);
    }
    // The last first: what was made later may need what was made before it.
    for (auto wish = left.rbegin(); wish != left.rend(); ++wish) wish->second();
  }
};

class Entry final : public LoopEndEntry {
 public:
  Entry(std::shared_ptr<Wishes> wishes, std::function<void()> then) : wishes_(std::move(wishes)) {
    const std::lock_guard lock(wishes_->mutex);
    number_ = wishes_->next++;
    wishes_->all.emplace(number_, std::move(then));
  }
  ~Entry() override {
    const std::lock_guard lock(wishes_->mutex);
    wishes_->all.erase(number_);
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

 private:
  std::shared_ptr<Wishes> wishes_;
  std::uint64_t number_ = 0;
};

}  // namespace

std::unique_ptr<LoopEndEntry> at_loop_end(const asio::any_io_executor& executor, std::function<void()> then) {
  asio::execution_context& context = asio::query(executor, asio::execution::context);
  return std::make_unique<Entry>(asio::use_service<LoopEndService>(context).wishes, std::move(then));
}

}  // namespace sennit::mcp
