#include <sennit/agent/holder.hpp>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace sennit {
namespace {

constexpr const char* kLockFile = "holders.lock";
// The thread's own patience: it must hear soon that the store ends.
constexpr milliseconds kBusy{100};
constexpr milliseconds kPause{20};

/// An "open file description" lock: it belongs to the open file, where the older kind belongs to the whole process.
int lock_byte(int file, int command, std::int64_t byte, struct flock& lock) {
  lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  return fcntl(file, command, &lock);
}

Error failure(const std::filesystem::path& file, const char* what) {
  return Error(errc::storage, std::string(what) + ": " + std::strerror(errno)).at(file.string());
}

std::int64_t to_micros(milliseconds duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

}  // namespace

Holder::Holder(std::filesystem::path folder, milliseconds lease, LogSink log)
    : folder_(std::move(folder)), lease_(lease), log_(std::move(log)) {}

Holder::~Holder() {
  stop();
  if (lock_ >= 0) ::close(lock_);
  if (probe_ >= 0) ::close(probe_);
}

std::int64_t Holder::now() {
  // On Linux this clock stands still while the machine sleeps: who wakes up with it has not been silent.
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

bool Holder::is_due() const {
  return now() - renewed_ >= to_micros(lease_) / 3;
}

void Holder::prepare(Database& database) {
  if (id_ == 0) {
    make(database);
  } else if (is_due()) {
    renew(database);
  }
  if (!thread_.joinable()) start();
}

void Holder::make(Database& database) {
  const std::filesystem::path file = folder_ / kLockFile;
  if (lock_ < 0) lock_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) throw failure(file, "cannot open");
  // In one transaction: nobody sees a row whose byte is not locked yet, and takes it for a dead one's.
  Transaction transaction(database);
  remove_dead(database);
  const std::int64_t now = Holder::now();
  std::int64_t id = 0;
  while (id == 0) {
    database.prepare("INSERT INTO holders(process, expires) VALUES(?1, ?2)")
        .bind(1, std::int64_t{getpid()})
        .bind(2, now + to_micros(lease_))
        .run();
    id = database.last_insert_id();
    struct flock lock{};
    if (lock_byte(lock_, F_OFD_SETLK, id, lock) == 0) break;
    if (errno != EAGAIN && errno != EACCES) throw failure(file, "the state folder's file system cannot lock");
    // Somebody lives on who used a database that was here before.
    database.prepare("DELETE FROM holders WHERE id = ?").bind(1, id).run();
    id = 0;
  }
  transaction.commit();
  renewed_ = now;
  id_ = id;
}

void Holder::remove_dead(Database& database) {
  std::vector<std::int64_t> dead;
  Statement query = database.prepare("SELECT id FROM holders");
  while (query.step()) {
    // By the kernel's word alone: one that is only late may come again.
    const std::int64_t holder = query.integer(0);
    if (!lives(holder, now() + 1'000'000)) dead.push_back(holder);
  }
  Statement remove = database.prepare("DELETE FROM holders WHERE id = ?");
  for (const std::int64_t holder : dead) remove.bind(1, holder).run();
}

void Holder::renew(Database& database) {
  const std::int64_t now = Holder::now();
  database
      .prepare(
          "INSERT INTO holders(id, process, expires) VALUES(?1, ?2, ?3) "
          "ON CONFLICT(id) DO UPDATE SET expires = excluded.expires")
      .bind(1, id_)
      .bind(2, std::int64_t{getpid()})
      .bind(3, now + to_micros(lease_))
      .run();
  renewed_ = now;
}

bool Holder::lives(std::int64_t holder, std::int64_t expires) {
  if (holder == id_) return true;
  if (expires <= now()) return false;
  const std::filesystem::path file = folder_ / kLockFile;
  if (probe_ < 0) probe_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (probe_ < 0) throw failure(file, "cannot open");
  struct flock lock{};
  if (lock_byte(probe_, F_OFD_GETLK, holder, lock) != 0) {
    throw failure(file, "the state folder's file system cannot lock");
  }
  return lock.l_type != F_UNLCK;
}

void Holder::close(Database& database) noexcept {
  stop();
  if (id_ == 0) return;
  try {
    database.prepare("DELETE FROM holders WHERE id = ?").bind(1, id_).run();
  } catch (const Error&) {
    // The kernel tells as well, as the lock's file is closed.
  }
}

void Holder::began_lease() {
  const std::lock_guard lock(mutex_);
  if (leases_++ == 0) wake_.notify_all();
}

void Holder::ended_lease() {
  const std::lock_guard lock(mutex_);
  --leases_;
}

void Holder::give_back(std::string key, std::int64_t fence) {
  const std::lock_guard lock(mutex_);
  returned_.push_back({std::move(key), fence});
  wake_.notify_all();
}

void Holder::start() {
  // Signals belong to the host program's own threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::optional<Error> failure;
  try {
    thread_ = std::thread([this] { work(); });
  } catch (const std::system_error& error) {
    failure = Error(errc::storage, std::string("cannot start the thread that renews leases: ") + error.what()).retry();
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (failure) throw Error(std::move(*failure));
}

void Holder::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Holder::work() {
  std::optional<Database> database;  // its own connection: the store's thread may be busy for long
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (returned_.empty() && leases_ == 0) {
      wake_.wait(lock, [this] { return stopping_ || !returned_.empty() || leases_ > 0; });
    } else if (returned_.empty() && !is_due()) {
      const std::chrono::microseconds due(renewed_ + to_micros(lease_) / 3 - now());
      wake_.wait_for(lock, std::max(due, std::chrono::microseconds(1)),
                     [this] { return stopping_ || !returned_.empty(); });
    } else {
      const std::vector<Returned> returned = std::exchange(returned_, {});
      lock.unlock();
      const bool done = beat(database, returned);
      lock.lock();
      if (done) continue;
      returned_.insert(returned_.end(), returned.begin(), returned.end());
      wake_.wait_for(lock, kPause, [this] { return stopping_; });
    }
  }
}

bool Holder::beat(std::optional<Database>& database, const std::vector<Returned>& returned) {
  try {
    if (!database) database.emplace(folder_ / "sennit.db", DatabaseOptions{.busy_timeout = kBusy});
    Transaction transaction(*database);
    Statement give_back = database->prepare("UPDATE leases SET holder = NULL WHERE key = ?1 AND fence = ?2");
    for (const Returned& lease : returned) give_back.bind(1, lease.key).bind(2, lease.fence).run();
    renew(*database);
    transaction.commit();
    told_ = false;
    return true;
  } catch (...) {
    const Error error = current_error();
    if (!error.retryable() && !std::exchange(told_, true) && log_) {
      log_({LogLevel::warning, "store", "the leases cannot be renewed: " + error.describe()});
    }
    return false;
  }
}

}  // namespace sennit
