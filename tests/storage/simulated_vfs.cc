#include "storage/simulated_vfs.h"

#include "base/file_system.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

namespace martlet::storage {

namespace {

// What all connections to one file share: locks, and the log's index.
struct Shared {
  int readers = 0;             // connections that hold SHARED or more
  const void* writer = nullptr;  // RESERVED or more
  bool pending = false;          // the writer waits for the readers to go
  int users = 0;                 // of the index
  std::vector<std::unique_ptr<std::string>> regions;
  std::array<int, SQLITE_SHM_NLOCK> shared_locks{};
  std::array<const void*, SQLITE_SHM_NLOCK> exclusive_locks{};
};

}  // namespace

struct SimulatedVfs::State {
  sqlite3_vfs vfs{};
  sqlite3_vfs* system = nullptr;
  std::mutex mutex;  // guards what follows and every Shared
  SimulatedDisk* disk = nullptr;
  VfsBug bug = VfsBug::None;
  std::map<std::pair<SimulatedDisk*, NodeId>, std::shared_ptr<Shared>> shared;
};

namespace {

using State = SimulatedVfs::State;

// The object that SQLite allocates for an open file.
struct Open {
  sqlite3_file base;
  State* state;
  SimulatedDisk* disk;
  NodeId node;
  std::string path;
  int kind;                       // SQLITE_OPEN_MAIN_DB, …_WAL, …
  bool name_is_unsafe;            // its directory has to be synced with its first sync
  bool remove_when_closed;
  std::shared_ptr<Shared> shared;
  std::unique_ptr<std::string> memory;  // of an unnamed temporary file, which isn't on the disk
  int lock;
  bool uses_index;
  std::uint32_t shared_mask;
  std::uint32_t exclusive_mask;
};

Open& of(sqlite3_file* file) { return *reinterpret_cast<Open*>(file); }

int close_file(sqlite3_file* file);

int read_file(sqlite3_file* file, void* target, int size, sqlite3_int64 offset) {
  Open& open = of(file);
  std::string found;
  const auto begin = static_cast<std::uint64_t>(offset);
  const auto wanted = static_cast<std::size_t>(size);
  if (open.memory != nullptr) {
    if (begin < open.memory->size()) found = open.memory->substr(begin, wanted);
  } else {
    auto read = open.disk->read(open.node, begin, wanted, __builtin_return_address(0));
    if (!read.has_value()) return SQLITE_IOERR_READ;
    found = std::move(*read);
  }
  std::memcpy(target, found.data(), found.size());
  if (found.size() == wanted) return SQLITE_OK;
  std::memset(static_cast<char*>(target) + found.size(), 0, wanted - found.size());
  return SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* file, const void* source, int size, sqlite3_int64 offset) {
  Open& open = of(file);
  const std::string_view bytes(static_cast<const char*>(source), static_cast<std::size_t>(size));
  const auto begin = static_cast<std::uint64_t>(offset);
  if (open.memory != nullptr) {
    if (open.memory->size() < begin + bytes.size()) open.memory->resize(begin + bytes.size());
    open.memory->replace(begin, bytes.size(), bytes);
    return SQLITE_OK;
  }
  const auto written = open.disk->write(open.node, begin, bytes, __builtin_return_address(0));
  if (written.has_value()) return SQLITE_OK;
  return written.error().fault == Fault::InputOutput ? SQLITE_IOERR_WRITE : SQLITE_FULL;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  Open& open = of(file);
  if (open.memory != nullptr) {
    open.memory->resize(static_cast<std::size_t>(size));
    return SQLITE_OK;
  }
  const auto done = open.disk->truncate(open.node, static_cast<std::uint64_t>(size), __builtin_return_address(0));
  return done.has_value() ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

int sync_file(sqlite3_file* file, int /*how*/) {
  Open& open = of(file);
  if (open.memory != nullptr) return SQLITE_OK;
  const VfsBug bug = open.state->bug;
  const bool skipped = (bug == VfsBug::NoLogSync && open.kind == SQLITE_OPEN_WAL) ||
                       (bug == VfsBug::NoDatabaseSync && open.kind == SQLITE_OPEN_MAIN_DB);
  if (!skipped) {
    auto synced = open.disk->sync(open.node, __builtin_return_address(0));
    if (!synced.has_value() && bug == VfsBug::RetriesFailedSync)
      synced = open.disk->sync(open.node, __builtin_return_address(0));
    if (!synced.has_value()) return SQLITE_IOERR_FSYNC;
  }
  if (open.name_is_unsafe) {
    open.name_is_unsafe = false;
    if (bug == VfsBug::NoDirectorySync) return SQLITE_OK;
    const auto named = open.disk->sync_directory(parent_path(open.path), __builtin_return_address(0));
    if (!named.has_value()) return SQLITE_IOERR_DIR_FSYNC;
  }
  return SQLITE_OK;
}

int size_of_file(sqlite3_file* file, sqlite3_int64* size) {
  Open& open = of(file);
  *size = static_cast<sqlite3_int64>(open.memory != nullptr ? open.memory->size() : open.disk->size_bytes(open.node));
  return SQLITE_OK;
}

int lock_file(sqlite3_file* file, int wanted) {
  Open& open = of(file);
  const std::lock_guard lock(open.state->mutex);
  Shared& shared = *open.shared;
  if (open.lock >= wanted) return SQLITE_OK;
  if (wanted == SQLITE_LOCK_SHARED) {
    if (shared.pending) return SQLITE_BUSY;
    ++shared.readers;
    open.lock = wanted;
    return SQLITE_OK;
  }
  if (shared.writer != nullptr && shared.writer != &open) return SQLITE_BUSY;
  shared.writer = &open;
  if (wanted == SQLITE_LOCK_RESERVED) {
    open.lock = wanted;
    return SQLITE_OK;
  }
  shared.pending = true;
  open.lock = SQLITE_LOCK_PENDING;
  if (shared.readers > 1) return SQLITE_BUSY;
  open.lock = SQLITE_LOCK_EXCLUSIVE;
  return SQLITE_OK;
}

int unlock_file(sqlite3_file* file, int wanted) {
  Open& open = of(file);
  const std::lock_guard lock(open.state->mutex);
  Shared& shared = *open.shared;
  if (open.lock <= wanted) return SQLITE_OK;
  if (shared.writer == &open) {
    shared.writer = nullptr;
    shared.pending = false;
  }
  if (wanted == SQLITE_LOCK_NONE && open.lock > SQLITE_LOCK_NONE) --shared.readers;
  open.lock = wanted;
  return SQLITE_OK;
}

int is_reserved(sqlite3_file* file, int* answer) {
  Open& open = of(file);
  const std::lock_guard lock(open.state->mutex);
  *answer = open.shared->writer != nullptr ? 1 : 0;
  return SQLITE_OK;
}

int control_file(sqlite3_file* /*file*/, int /*operation*/, void* /*argument*/) { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file* /*file*/) { return 4096; }
// As the unix layer on Linux: a torn write harms no bytes beside it.
int characteristics(sqlite3_file* /*file*/) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int map_index(sqlite3_file* file, int region, int size, int extend, void volatile** target) {
  Open& open = of(file);
  const std::lock_guard lock(open.state->mutex);
  Shared& shared = *open.shared;
  if (!open.uses_index) {
    open.uses_index = true;
    ++shared.users;
  }
  const auto at = static_cast<std::size_t>(region);
  if (extend == 0 && shared.regions.size() <= at) {
    *target = nullptr;
    return SQLITE_OK;
  }
  while (shared.regions.size() <= at)
    shared.regions.push_back(std::make_unique<std::string>(static_cast<std::size_t>(size), '\0'));
  *target = shared.regions[at]->data();
  return SQLITE_OK;
}

int lock_index(sqlite3_file* file, int offset, int count, int flags) {
  Open& open = of(file);
  const std::lock_guard lock(open.state->mutex);
  Shared& shared = *open.shared;
  const auto begin = static_cast<std::size_t>(offset);
  const std::size_t end = begin + static_cast<std::size_t>(count);
  const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    for (std::size_t i = begin; i < end; ++i) {
      const std::uint32_t bit = 1U << i;
      if ((open.shared_mask & bit) != 0) --shared.shared_locks[i];
      if ((open.exclusive_mask & bit) != 0) shared.exclusive_locks[i] = nullptr;
      open.shared_mask &= ~bit;
      open.exclusive_mask &= ~bit;
    }
    return SQLITE_OK;
  }
  for (std::size_t i = begin; i < end; ++i) {
    const std::uint32_t bit = 1U << i;
    const int others = shared.shared_locks[i] - ((open.shared_mask & bit) != 0 ? 1 : 0);
    if (shared.exclusive_locks[i] != nullptr && shared.exclusive_locks[i] != &open) return SQLITE_BUSY;
    if (exclusive && others > 0) return SQLITE_BUSY;
  }
  for (std::size_t i = begin; i < end; ++i) {
    const std::uint32_t bit = 1U << i;
    if (exclusive) {
      shared.exclusive_locks[i] = &open;
      open.exclusive_mask |= bit;
    } else if ((open.shared_mask & bit) == 0) {
      ++shared.shared_locks[i];
      open.shared_mask |= bit;
    }
  }
  return SQLITE_OK;
}

void index_barrier(sqlite3_file* file) { const std::lock_guard lock(of(file).state->mutex); }

int unmap_index(sqlite3_file* file, int /*remove*/) {
  Open& open = of(file);
  const std::lock_guard lock(open.state->mutex);
  if (!open.uses_index) return SQLITE_OK;
  open.uses_index = false;
  if (--open.shared->users == 0) open.shared->regions.clear();
  return SQLITE_OK;
}

const sqlite3_io_methods kMethods{2,           close_file,      read_file,    write_file,  truncate_file,
                                  sync_file,   size_of_file,    lock_file,    unlock_file, is_reserved,
                                  control_file, sector_size,    characteristics, map_index, lock_index,
                                  index_barrier, unmap_index,   nullptr,      nullptr};

int close_file(sqlite3_file* file) {
  Open& open = of(file);
  unmap_index(file, 0);
  unlock_file(file, SQLITE_LOCK_NONE);
  if (open.remove_when_closed && open.memory == nullptr)
    static_cast<void>(open.disk->remove(open.path, nullptr).has_value());
  open.~Open();
  file->pMethods = nullptr;
  return SQLITE_OK;
}

State& state_of(sqlite3_vfs* vfs) { return *static_cast<State*>(vfs->pAppData); }

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  State& state = state_of(vfs);
  file->pMethods = nullptr;
  const std::lock_guard lock(state.mutex);
  if (state.disk == nullptr) return SQLITE_CANTOPEN;
  constexpr int kKinds = 0x000FFF00;
  const int kind = flags & kKinds & ~(SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_SHAREDCACHE |
                                      SQLITE_OPEN_PRIVATECACHE);
  const bool create = (flags & SQLITE_OPEN_CREATE) != 0;
  NodeId node = kNoNode;
  bool made = false;
  if (name != nullptr) {
    const auto opened = state.disk->open(name, create, made, __builtin_return_address(0));
    if (!opened.has_value() || *opened == kNoNode || state.disk->is_directory(*opened)) return SQLITE_CANTOPEN;
    node = *opened;
  }
  Open* open = ::new (static_cast<void*>(file)) Open{};
  open->state = &state;
  open->disk = state.disk;
  open->node = node;
  open->path = name == nullptr ? "" : name;
  open->kind = kind;
  // Also when it was there: whoever made it may have been killed before it came to the sync.
  open->name_is_unsafe = create && (kind == SQLITE_OPEN_WAL || kind == SQLITE_OPEN_MAIN_JOURNAL ||
                                    kind == SQLITE_OPEN_SUPER_JOURNAL);
  open->remove_when_closed = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  if (name == nullptr) {
    open->memory = std::make_unique<std::string>();
    open->shared = std::make_shared<Shared>();
  } else {
    std::shared_ptr<Shared>& shared = state.shared[{state.disk, node}];
    if (shared == nullptr) shared = std::make_shared<Shared>();
    open->shared = shared;
  }
  open->base.pMethods = &kMethods;
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int sync_directory) {
  State& state = state_of(vfs);
  const std::lock_guard lock(state.mutex);
  const auto removed = state.disk->remove(name, __builtin_return_address(0));
  if (!removed.has_value()) return SQLITE_IOERR_DELETE;
  if (!*removed) return SQLITE_IOERR_DELETE_NOENT;
  if (sync_directory == 0 || state.bug == VfsBug::NoDirectorySync) return SQLITE_OK;
  const auto synced = state.disk->sync_directory(parent_path(name), __builtin_return_address(0));
  return synced.has_value() ? SQLITE_OK : SQLITE_IOERR_DIR_FSYNC;
}

int has_access(sqlite3_vfs* vfs, const char* name, int flags, int* answer) {
  State& state = state_of(vfs);
  const std::lock_guard lock(state.mutex);
  const NodeId node = state.disk == nullptr ? kNoNode : state.disk->find(name);
  // As the unix layer: an empty file doesn't count as one that exists.
  *answer = node != kNoNode && (flags != SQLITE_ACCESS_EXISTS || state.disk->size_bytes(node) > 0) ? 1 : 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs* /*vfs*/, const char* name, int size, char* target) {
  sqlite3_snprintf(size, target, "%s", name);
  return SQLITE_OK;
}

}  // namespace

SimulatedVfs::SimulatedVfs() : state_(std::make_unique<State>()) {
  sqlite3_initialize();
  state_->system = sqlite3_vfs_find(nullptr);
  state_->vfs = *state_->system;
  state_->vfs.iVersion = 2;
  state_->vfs.szOsFile = static_cast<int>(sizeof(Open));
  state_->vfs.pNext = nullptr;
  state_->vfs.zName = "martlet-simulated";
  state_->vfs.pAppData = state_.get();
  state_->vfs.xOpen = &open_file;
  state_->vfs.xDelete = &delete_file;
  state_->vfs.xAccess = &has_access;
  state_->vfs.xFullPathname = &full_path;
  sqlite3_vfs_register(&state_->vfs, 1);
}

SimulatedVfs::~SimulatedVfs() {
  sqlite3_vfs_unregister(&state_->vfs);
  sqlite3_vfs_register(state_->system, 1);
}

void SimulatedVfs::mount(SimulatedDisk* disk) {
  const std::lock_guard lock(state_->mutex);
  state_->disk = disk;
  std::erase_if(state_->shared, [](const auto& entry) { return entry.second.use_count() == 1; });
}

void SimulatedVfs::plant(VfsBug bug) {
  const std::lock_guard lock(state_->mutex);
  state_->bug = bug;
}

}  // namespace martlet::storage
