// tests/storage/simulated_disk.h: a disk in memory that remembers, in order, all that was done to it.
//
// It holds what a running program sees (the page cache), and a log of every write, truncate, sync, creation, rename,
// removal and directory sync, from which crash_states.h builds what a power loss may leave. It can fail the n-th call of
// a kind. A failed sync behaves as Linux' page cache does: the pages that should have been written are clean from then
// on and never reach the disk, while the program still reads them (fsyncgate). Thread-safe.
//
// simulated_file_system.h and simulated_vfs.h put martlet's FileSystem and SQLite's VFS over it.
#pragma once
#include "base/result.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace martlet::storage {

using NodeId = std::uint32_t;
inline constexpr NodeId kRootNode = 1;
inline constexpr NodeId kNoNode = 0;

// A file or a directory. Contents are shared between images until somebody changes them.
struct Node {
  bool directory = false;
  std::shared_ptr<std::string> bytes;      // of a file
  std::map<std::string, NodeId> entries;   // of a directory
};

// Everything on a disk at one moment. A value.
struct DiskImage {
  std::map<NodeId, Node> nodes;
  NodeId next = kRootNode + 1;

  DiskImage();
  std::string& bytes_for_change(NodeId node);  // no longer shared
  void write(NodeId node, std::uint64_t offset, std::string_view bytes);
  void truncate(NodeId node, std::uint64_t size_bytes);
  NodeId find(std::string_view path) const;  // kNoNode when absent
};

struct DiskOp {
  enum class Kind : std::uint8_t {
    Write,
    Truncate,
    Sync,
    FailedSync,
    Add,     // an entry `name` of directory `node` names `other`, which is new or came from elsewhere
    Remove,  // the entry is gone
    Rename,  // within one directory: atomic
    SyncDirectory,
    FailedSyncDirectory,
  };
  Kind kind = Kind::Write;
  NodeId node = kNoNode;
  NodeId other = kNoNode;
  bool directory = false;  // Add: what `other` is
  std::uint64_t offset = 0;  // or the new size
  std::string bytes = {};
  std::string name = {};
  std::string new_name = {};
};

// What can be made to fail.
enum class Call : std::uint8_t { Open, Read, Write, Truncate, Sync, Rename, Remove, SyncDirectory };
std::string_view name_of(Call call);
enum class Fault : std::uint8_t { InputOutput, NoSpace, ShortWrite, TooManyFiles };
std::string_view name_of(Fault fault);

class SimulatedDisk {
 public:
  SimulatedDisk() = default;
  explicit SimulatedDisk(DiskImage image) : image_(std::move(image)) {}

  // --- For the layers above. `site` is where in the program the call stands. Failures are reported as a Fault.
  struct Failure {
    Fault fault;
  };
  template <class T>
  using Answer = tl::expected<T, Failure>;

  NodeId find(std::string_view path) const;
  bool is_directory(NodeId node) const;
  std::vector<std::string> names(NodeId directory) const;
  std::uint64_t size_bytes(NodeId node) const;
  // kNoNode: the parent is missing. `made`: whether it is new.
  Answer<NodeId> open(std::string_view path, bool create, bool& made, const void* site);
  Answer<std::string> read(NodeId node, std::uint64_t offset, std::size_t size_bytes, const void* site) const;
  Answer<void> write(NodeId node, std::uint64_t offset, std::string_view bytes, const void* site);
  Answer<void> append(NodeId node, std::string_view bytes, const void* site);
  Answer<void> truncate(NodeId node, std::uint64_t size_bytes, const void* site);
  Answer<void> sync(NodeId node, const void* site);
  // Of the directory that this path names.
  Answer<bool> sync_directory(std::string_view path, const void* site);
  Answer<bool> make_directory(std::string_view path, const void* site);  // false: the parent is missing
  Answer<bool> rename(std::string_view from, std::string_view to, const void* site);
  Answer<bool> remove(std::string_view path, const void* site);  // false: absent

  // --- For tests.
  // From now on every change is logged; the image as it is now is taken to be on the disk, safely.
  void start_recording();
  void stop_recording();
  std::size_t position() const;  // operations logged so far
  DiskImage first_image() const;  // when recording started
  std::vector<DiskOp> log() const;
  DiskImage image() const;

  // Counts calls of this kind from now on and fails the n-th, once.
  void fail_nth(Call call, std::uint64_t nth, Fault fault);
  void never_fail();
  // As kill -9 of the process that uses it: from the n-th change on every call fails, without effect, until revive().
  void kill_after(std::uint64_t changes);
  void revive();
  bool is_killed() const;
  bool has_failed() const;
  const void* failed_site() const;
  // Syncs of a file after one of its syncs failed: a store must never try again.
  std::uint64_t retried_syncs() const;
  std::uint64_t calls(Call call) const;                   // since fail_nth or start
  std::set<std::pair<Call, const void*>> sites() const;  // where calls came from
  void forget_counts();
  // Flips one bit of a file, on the disk and in the cache.
  void flip_bit(std::string_view path, std::uint64_t bit);

 private:
  std::optional<Fault> enter(Call call, const void* site) const;
  bool is_dead() const { return changes_left_ == 0; }
  void log_op(DiskOp op);
  std::pair<NodeId, std::string> parent_of(std::string_view path) const;

  mutable std::mutex mutex_;  // guards everything below
  DiskImage image_;
  bool recording_ = false;
  DiskImage first_;
  std::vector<DiskOp> log_;
  std::set<NodeId> sync_failed_;
  std::uint64_t retried_syncs_ = 0;
  struct Plan {
    Call call = Call::Open;
    std::uint64_t left = 0;
    Fault fault = Fault::InputOutput;
  };
  mutable std::optional<Plan> plan_;
  mutable bool failed_ = false;
  std::optional<std::uint64_t> changes_left_;  // until the process is killed; 0: it was
  mutable const void* failed_site_ = nullptr;
  mutable std::map<Call, std::uint64_t> calls_;
  mutable std::set<std::pair<Call, const void*>> sites_;
};

}  // namespace martlet::storage
