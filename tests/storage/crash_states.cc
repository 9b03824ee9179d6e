#include "storage/crash_states.h"

#include <algorithm>
#include <array>

namespace martlet::storage {

namespace {

using Kind = DiskOp::Kind;

bool changes_directory(const DiskOp& op) {
  return op.kind == Kind::Add || op.kind == Kind::Remove || op.kind == Kind::Rename;
}

}  // namespace

std::string_view name_of(Survival survival) {
  static constexpr std::array<std::string_view, 5> kNames{"only what was synced", "everything", "a random part",
                                                          "a random part, torn at 512 B",
                                                          "a random part, torn at 4 KiB"};
  return kNames[static_cast<std::size_t>(survival)];
}

CrashStates::CrashStates(DiskImage first, std::vector<DiskOp> log) : log_(std::move(log)), safe_(std::move(first)) {
  // Files exist from the start, unnamed and empty: whether a name leads to them is the directories' matter.
  for (const DiskOp& op : log_) {
    if (op.kind != Kind::Add || safe_.nodes.contains(op.other)) continue;
    Node& node = safe_.nodes[op.other];
    node.directory = op.directory;
    if (!op.directory) node.bytes = std::make_shared<std::string>();
    safe_.next = std::max(safe_.next, op.other + 1);
  }
}

void CrashStates::apply(DiskImage& image, const DiskOp& op) const {
  Node& node = image.nodes.at(op.node);
  switch (op.kind) {
    case Kind::Write: image.write(op.node, op.offset, op.bytes); break;
    case Kind::Truncate: image.truncate(op.node, op.offset); break;
    case Kind::Add: node.entries[op.name] = op.other; break;
    case Kind::Remove: node.entries.erase(op.name); break;
    case Kind::Rename:
      node.entries.erase(op.name);
      node.entries[op.new_name] = op.other;
      break;
    case Kind::Sync:
    case Kind::FailedSync:
    case Kind::SyncDirectory:
    case Kind::FailedSyncDirectory: break;
  }
}

void CrashStates::advance_to(std::size_t position) {
  MARTLET_CHECK(position >= position_ && position <= log_.size(), "the log is walked forwards");
  for (; position_ < position; ++position_) {
    const DiskOp& op = log_[position_];
    if (op.kind != Kind::Sync && op.kind != Kind::SyncDirectory && op.kind != Kind::FailedSync &&
        op.kind != Kind::FailedSyncDirectory) {
      pending_.insert(position_);
      continue;
    }
    // A file system that can't write a directory stops altogether (ext4 aborts its journal, XFS shuts down): unlike a
    // file's pages, entries aren't forgotten, so that a later sync that succeeds has written them.
    if (op.kind == Kind::FailedSyncDirectory) continue;
    const bool of_directory = op.kind == Kind::SyncDirectory;
    const bool failed = op.kind == Kind::FailedSync;
    for (auto at = pending_.begin(); at != pending_.end();) {
      const DiskOp& earlier = log_[*at];
      if (earlier.node != op.node || changes_directory(earlier) != of_directory) {
        ++at;
      } else if (failed) {
        dropped_.insert(*at++);
      } else {
        // A sync that succeeds after one that failed doesn't bring back what that one dropped.
        if (!dropped_.contains(*at)) apply(safe_, earlier);
        at = pending_.erase(at);
      }
    }
  }
}

DiskImage CrashStates::state(Survival survival, Random& random) const {
  DiskImage image = safe_;
  if (survival == Survival::OnlySynced) return image;
  // Between almost nothing and almost everything, so that both are seen.
  const double share = survival == Survival::Everything ? 1.0 : random.uniform();
  std::vector<std::size_t> kept;
  for (const std::size_t at : pending_) {
    if (survival == Survival::Everything || random.uniform() < share) kept.push_back(at);
  }
  const bool torn = survival == Survival::Torn512 || survival == Survival::Torn4096;
  const std::size_t sector = survival == Survival::Torn512 ? 512 : 4096;
  const auto last_write = std::find_if(kept.rbegin(), kept.rend(),
                                       [&](std::size_t at) { return log_[at].kind == Kind::Write; });
  for (const std::size_t at : kept) {
    const DiskOp& op = log_[at];
    if (!torn || last_write == kept.rend() || at != *last_write) {
      apply(image, op);
      continue;
    }
    // Sectors are those of the disk: the first part ends where a sector does. Which of them arrive is anybody's guess.
    for (std::uint64_t begin = 0; begin < op.bytes.size();) {
      const std::uint64_t end =
          std::min<std::uint64_t>(op.bytes.size(), (op.offset + begin) / sector * sector + sector - op.offset);
      if (random.below(2) == 0) image.write(op.node, op.offset + begin, std::string_view(op.bytes).substr(begin, end - begin));
      begin = end;
    }
  }
  return image;
}

}  // namespace martlet::storage
