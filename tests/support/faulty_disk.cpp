#include "support/faulty_disk.hpp"

#include <sqlite3.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace sennit::testing {
namespace {

std::atomic<int> armed{-1};  // a Fault, or none
std::atomic<int> left{0};
std::atomic<bool> lasts{false};
std::atomic<bool> did_fire{false};

bool fails(Fault fault) {
  if (armed.load() != static_cast<int>(fault)) return false;
  const int now = --left;
  if (now > 0 || (now < 0 && !lasts)) return false;
  did_fire = true;
  return true;
}

// ---- files ----

struct File {
  sqlite3_file base;
  sqlite3_file* real;  // behind this in memory
};

sqlite3_vfs* real_vfs = nullptr;

sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<File*>(file)->real;
}
template <class... Parameters, class... Arguments>
int call(int (*sqlite3_io_methods::*method)(sqlite3_file*, Parameters...), sqlite3_file* file, Arguments... arguments) {
  return (real(file)->pMethods->*method)(real(file), arguments...);
}

using Methods = sqlite3_io_methods;

int close_file(sqlite3_file* file) {
  return call(&Methods::xClose, file);
}
int read_file(sqlite3_file* file, void* to, int size, sqlite3_int64 at) {
  return fails(Fault::read) ? SQLITE_IOERR_READ : call(&Methods::xRead, file, to, size, at);
}
int write_file(sqlite3_file* file, const void* from, int size, sqlite3_int64 at) {
  if (fails(Fault::full)) return SQLITE_FULL;
  if (!fails(Fault::write)) return call(&Methods::xWrite, file, from, size, at);
  // As a disk that fails in the middle.
  (void)call(&Methods::xWrite, file, from, size / 2, at);
  return SQLITE_IOERR_WRITE;
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  return fails(Fault::truncate) ? SQLITE_IOERR_TRUNCATE : call(&Methods::xTruncate, file, size);
}
/// Nothing is brought to a real disk: no test has a power cut, and hundreds of short lives would wait for it.
int sync_file(sqlite3_file* /*file*/, int /*flags*/) {
  return fails(Fault::sync) ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return call(&Methods::xFileSize, file, size);
}
int lock_file(sqlite3_file* file, int kind) {
  return fails(Fault::lock) ? SQLITE_IOERR_LOCK : call(&Methods::xLock, file, kind);
}
int unlock_file(sqlite3_file* file, int kind) {
  return call(&Methods::xUnlock, file, kind);
}
int check_lock(sqlite3_file* file, int* result) {
  return call(&Methods::xCheckReservedLock, file, result);
}
int control(sqlite3_file* file, int operation, void* argument) {
  return call(&Methods::xFileControl, file, operation, argument);
}
int sector_size(sqlite3_file* file) {
  return call(&Methods::xSectorSize, file);
}
int characteristics(sqlite3_file* file) {
  return call(&Methods::xDeviceCharacteristics, file);
}
int map_shared(sqlite3_file* file, int page, int size, int extend, void volatile** to) {
  return fails(Fault::map) ? SQLITE_IOERR_SHMMAP : call(&Methods::xShmMap, file, page, size, extend, to);
}
int lock_shared(sqlite3_file* file, int offset, int count, int flags) {
  const bool locks = (flags & SQLITE_SHM_LOCK) != 0;
  return locks && fails(Fault::lock) ? SQLITE_IOERR_SHMLOCK : call(&Methods::xShmLock, file, offset, count, flags);
}
void barrier(sqlite3_file* file) {
  real(file)->pMethods->xShmBarrier(real(file));
}
int unmap_shared(sqlite3_file* file, int remove) {
  return call(&Methods::xShmUnmap, file, remove);
}

constexpr Methods kMethods{2,         close_file,   read_file,       write_file,  truncate_file,
                           sync_file, file_size,    lock_file,       unlock_file, check_lock,
                           control,   sector_size,  characteristics, map_shared,  lock_shared,
                           barrier,   unmap_shared, nullptr,         nullptr};

int open_file(sqlite3_vfs* /*vfs*/, sqlite3_filename name, sqlite3_file* file, int flags, int* out_flags) {
  auto* ours = new (file) File{};
  ours->real = reinterpret_cast<sqlite3_file*>(ours + 1);
  const int code = real_vfs->xOpen(real_vfs, name, ours->real, flags, out_flags);
  ours->base.pMethods = ours->real->pMethods == nullptr ? nullptr : &kMethods;
  return code;
}

// ---- memory ----

sqlite3_mem_methods real_memory{};

void* allocate(int size) {
  return fails(Fault::memory) ? nullptr : real_memory.xMalloc(size);
}
void* reallocate(void* memory, int size) {
  return fails(Fault::memory) ? nullptr : real_memory.xRealloc(memory, size);
}

/// SQLite takes another allocator only before its first use: before main().
struct Installed {
  Installed() {
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory);
    sqlite3_mem_methods memory = real_memory;
    memory.xMalloc = allocate;
    memory.xRealloc = reallocate;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &memory) != SQLITE_OK) std::abort();
    real_vfs = sqlite3_vfs_find(nullptr);
    vfs = *real_vfs;
    vfs.zName = "faulty";
    vfs.szOsFile = static_cast<int>(sizeof(File)) + real_vfs->szOsFile;
    vfs.xOpen = open_file;
    if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK) std::abort();
  }
  sqlite3_vfs vfs{};
} const installed;

}  // namespace

std::string_view to_string(Fault fault) noexcept {
  constexpr std::string_view kNames[] = {"read", "write", "full", "sync", "truncate", "lock", "map", "memory"};
  return kNames[static_cast<int>(fault)];
}

FaultyDisk::FaultyDisk(Fault fault, int n, bool lasting) {
  did_fire = false;
  lasts = lasting;
  left = n;
  armed = static_cast<int>(fault);
}

FaultyDisk::~FaultyDisk() {
  armed = -1;
}

bool FaultyDisk::fired() const {
  return did_fire;
}

}  // namespace sennit::testing
