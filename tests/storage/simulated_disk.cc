#include "storage/simulated_disk.h"

#include <algorithm>
#include <array>

namespace martlet::storage {

DiskImage::DiskImage() { nodes[kRootNode].directory = true; }

std::string& DiskImage::bytes_for_change(NodeId node) {
  std::shared_ptr<std::string>& bytes = nodes.at(node).bytes;
  if (bytes.use_count() != 1) bytes = std::make_shared<std::string>(*bytes);
  return *bytes;
}

void DiskImage::write(NodeId node, std::uint64_t offset, std::string_view bytes) {
  std::string& content = bytes_for_change(node);
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size(), '\0');
  content.replace(offset, bytes.size(), bytes);
}

void DiskImage::truncate(NodeId node, std::uint64_t size_bytes) {
  bytes_for_change(node).resize(size_bytes, '\0');
}

NodeId DiskImage::find(std::string_view path) const {
  NodeId at = kRootNode;
  while (!path.empty()) {
    const std::size_t begin = path.find_first_not_of('/');
    if (begin == std::string_view::npos) return at;
    path.remove_prefix(begin);
    const std::size_t end = std::min(path.find('/'), path.size());
    const Node& node = nodes.at(at);
    const auto found = node.entries.find(std::string(path.substr(0, end)));
    if (!node.directory || found == node.entries.end()) return kNoNode;
    at = found->second;
    path.remove_prefix(end);
  }
  return at;
}

std::string_view name_of(Call call) {
  static constexpr std::array<std::string_view, 8> kNames{"open", "read", "write", "truncate", "sync", "rename",
                                                          "remove", "sync_directory"};
  return kNames[static_cast<std::size_t>(call)];
}

std::string_view name_of(Fault fault) {
  static constexpr std::array<std::string_view, 4> kNames{"EIO", "ENOSPC", "short write", "EMFILE"};
  return kNames[static_cast<std::size_t>(fault)];
}

std::optional<Fault> SimulatedDisk::enter(Call call, const void* site) const {
  if (is_dead()) return Fault::InputOutput;
  ++calls_[call];
  sites_.insert({call, site});
  if (!plan_.has_value() || plan_->call != call || --plan_->left > 0) return std::nullopt;
  const Fault fault = plan_->fault;
  plan_.reset();
  failed_ = true;
  failed_site_ = site;
  return fault;
}

void SimulatedDisk::log_op(DiskOp op) {
  if (changes_left_.has_value() && *changes_left_ > 0) --*changes_left_;
  if (recording_) log_.push_back(std::move(op));
}

std::pair<NodeId, std::string> SimulatedDisk::parent_of(std::string_view path) const {
  const std::size_t slash = path.rfind('/');
  return {image_.find(path.substr(0, slash == std::string_view::npos ? 0 : slash)),
          std::string(path.substr(slash + 1))};
}

NodeId SimulatedDisk::find(std::string_view path) const {
  const std::lock_guard lock(mutex_);
  return image_.find(path);
}

bool SimulatedDisk::is_directory(NodeId node) const {
  const std::lock_guard lock(mutex_);
  return image_.nodes.at(node).directory;
}

std::vector<std::string> SimulatedDisk::names(NodeId directory) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> found;
  for (const auto& [name, node] : image_.nodes.at(directory).entries) found.push_back(name);
  return found;
}

std::uint64_t SimulatedDisk::size_bytes(NodeId node) const {
  const std::lock_guard lock(mutex_);
  const Node& found = image_.nodes.at(node);
  return found.directory ? 0 : found.bytes->size();
}

SimulatedDisk::Answer<NodeId> SimulatedDisk::open(std::string_view path, bool create, bool& made, const void* site) {
  const std::lock_guard lock(mutex_);
  made = false;
  if (const auto fault = enter(Call::Open, site)) return tl::unexpected(Failure{*fault});
  if (const NodeId found = image_.find(path); found != kNoNode || !create) return found;
  const auto [parent, name] = parent_of(path);
  if (parent == kNoNode || !image_.nodes.at(parent).directory) return kNoNode;
  const NodeId node = image_.next++;
  image_.nodes[node].bytes = std::make_shared<std::string>();
  image_.nodes.at(parent).entries[name] = node;
  made = true;
  log_op({.kind = DiskOp::Kind::Add, .node = parent, .other = node, .name = name});
  return node;
}

SimulatedDisk::Answer<std::string> SimulatedDisk::read(NodeId node, std::uint64_t offset, std::size_t size_bytes,
                                                       const void* site) const {
  const std::lock_guard lock(mutex_);
  if (const auto fault = enter(Call::Read, site)) return tl::unexpected(Failure{*fault});
  const std::string& bytes = *image_.nodes.at(node).bytes;
  return offset >= bytes.size() ? std::string() : bytes.substr(offset, size_bytes);
}

SimulatedDisk::Answer<void> SimulatedDisk::write(NodeId node, std::uint64_t offset, std::string_view bytes,
                                                 const void* site) {
  const std::lock_guard lock(mutex_);
  const auto fault = enter(Call::Write, site);
  if (fault == Fault::ShortWrite) bytes = bytes.substr(0, bytes.size() / 2);
  if (!fault.has_value() || fault == Fault::ShortWrite) {
    image_.write(node, offset, bytes);
    log_op({.kind = DiskOp::Kind::Write, .node = node, .offset = offset, .bytes = std::string(bytes)});
  }
  if (fault.has_value()) return tl::unexpected(Failure{*fault});
  return {};
}

SimulatedDisk::Answer<void> SimulatedDisk::append(NodeId node, std::string_view bytes, const void* site) {
  return write(node, size_bytes(node), bytes, site);
}

SimulatedDisk::Answer<void> SimulatedDisk::truncate(NodeId node, std::uint64_t size_bytes, const void* site) {
  const std::lock_guard lock(mutex_);
  if (const auto fault = enter(Call::Truncate, site)) return tl::unexpected(Failure{*fault});
  image_.truncate(node, size_bytes);
  log_op({.kind = DiskOp::Kind::Truncate, .node = node, .offset = size_bytes});
  return {};
}

SimulatedDisk::Answer<void> SimulatedDisk::sync(NodeId node, const void* site) {
  const std::lock_guard lock(mutex_);
  const auto fault = enter(Call::Sync, site);
  if (is_dead()) return tl::unexpected(Failure{Fault::InputOutput});
  if (sync_failed_.contains(node)) ++retried_syncs_;
  if (fault.has_value()) sync_failed_.insert(node);
  log_op({.kind = fault.has_value() ? DiskOp::Kind::FailedSync : DiskOp::Kind::Sync, .node = node});
  if (fault.has_value()) return tl::unexpected(Failure{*fault});
  return {};
}

SimulatedDisk::Answer<bool> SimulatedDisk::sync_directory(std::string_view path, const void* site) {
  const std::lock_guard lock(mutex_);
  const auto fault = enter(Call::SyncDirectory, site);
  if (is_dead()) return tl::unexpected(Failure{Fault::InputOutput});
  const NodeId node = image_.find(path);
  if (node == kNoNode) return false;
  log_op({.kind = fault.has_value() ? DiskOp::Kind::FailedSyncDirectory : DiskOp::Kind::SyncDirectory, .node = node});
  if (fault.has_value()) return tl::unexpected(Failure{*fault});
  return true;
}

SimulatedDisk::Answer<bool> SimulatedDisk::make_directory(std::string_view path, const void* site) {
  const std::lock_guard lock(mutex_);
  if (const NodeId there = image_.find(path); there != kNoNode) return image_.nodes.at(there).directory;
  if (const auto fault = enter(Call::Open, site)) return tl::unexpected(Failure{*fault});
  const auto [parent, name] = parent_of(path);
  if (parent == kNoNode || !image_.nodes.at(parent).directory) return false;
  const NodeId node = image_.next++;
  image_.nodes[node].directory = true;
  image_.nodes.at(parent).entries[name] = node;
  log_op({.kind = DiskOp::Kind::Add, .node = parent, .other = node, .directory = true, .name = name});
  return true;
}

SimulatedDisk::Answer<bool> SimulatedDisk::rename(std::string_view from, std::string_view to, const void* site) {
  const std::lock_guard lock(mutex_);
  if (const auto fault = enter(Call::Rename, site)) return tl::unexpected(Failure{*fault});
  const auto [source, old_name] = parent_of(from);
  const auto [target, new_name] = parent_of(to);
  const NodeId node = image_.find(from);
  if (node == kNoNode || target == kNoNode) return false;
  image_.nodes.at(source).entries.erase(old_name);
  image_.nodes.at(target).entries[new_name] = node;
  if (source == target) {
    log_op({.kind = DiskOp::Kind::Rename, .node = source, .other = node, .name = old_name, .new_name = new_name});
  } else {
    log_op({.kind = DiskOp::Kind::Add, .node = target, .other = node, .name = new_name});
    log_op({.kind = DiskOp::Kind::Remove, .node = source, .name = old_name});
  }
  return true;
}

SimulatedDisk::Answer<bool> SimulatedDisk::remove(std::string_view path, const void* site) {
  const std::lock_guard lock(mutex_);
  if (const auto fault = enter(Call::Remove, site)) return tl::unexpected(Failure{*fault});
  const auto [parent, name] = parent_of(path);
  if (parent == kNoNode || image_.nodes.at(parent).entries.erase(name) == 0) return false;
  log_op({.kind = DiskOp::Kind::Remove, .node = parent, .name = name});
  return true;
}

void SimulatedDisk::start_recording() {
  const std::lock_guard lock(mutex_);
  recording_ = true;
  first_ = image_;
  log_.clear();
}

void SimulatedDisk::stop_recording() {
  const std::lock_guard lock(mutex_);
  recording_ = false;
}

std::size_t SimulatedDisk::position() const {
  const std::lock_guard lock(mutex_);
  return log_.size();
}

DiskImage SimulatedDisk::first_image() const {
  const std::lock_guard lock(mutex_);
  return first_;
}

std::vector<DiskOp> SimulatedDisk::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

DiskImage SimulatedDisk::image() const {
  const std::lock_guard lock(mutex_);
  return image_;
}

void SimulatedDisk::fail_nth(Call call, std::uint64_t nth, Fault fault) {
  const std::lock_guard lock(mutex_);
  plan_ = Plan{call, nth, fault};
  failed_ = false;
  failed_site_ = nullptr;
  retried_syncs_ = 0;
  sync_failed_.clear();
  calls_.clear();
}

void SimulatedDisk::never_fail() {
  const std::lock_guard lock(mutex_);
  plan_.reset();
}

void SimulatedDisk::kill_after(std::uint64_t changes) {
  const std::lock_guard lock(mutex_);
  changes_left_ = changes;
}

void SimulatedDisk::revive() {
  const std::lock_guard lock(mutex_);
  changes_left_.reset();
}

bool SimulatedDisk::is_killed() const {
  const std::lock_guard lock(mutex_);
  return is_dead();
}

bool SimulatedDisk::has_failed() const {
  const std::lock_guard lock(mutex_);
  return failed_;
}

const void* SimulatedDisk::failed_site() const {
  const std::lock_guard lock(mutex_);
  return failed_site_;
}

std::uint64_t SimulatedDisk::retried_syncs() const {
  const std::lock_guard lock(mutex_);
  return retried_syncs_;
}

std::uint64_t SimulatedDisk::calls(Call call) const {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(call);
  return found == calls_.end() ? 0 : found->second;
}

std::set<std::pair<Call, const void*>> SimulatedDisk::sites() const {
  const std::lock_guard lock(mutex_);
  return sites_;
}

void SimulatedDisk::forget_counts() {
  const std::lock_guard lock(mutex_);
  calls_.clear();
  sites_.clear();
}

void SimulatedDisk::flip_bit(std::string_view path, std::uint64_t bit) {
  const std::lock_guard lock(mutex_);
  const NodeId node = image_.find(path);
  MARTLET_CHECK(node != kNoNode && !image_.nodes.at(node).bytes->empty(), "only a bit that is there can be flipped");
  std::string& bytes = image_.bytes_for_change(node);
  const std::uint64_t at = bit % (8 * bytes.size());
  bytes[at / 8] = static_cast<char>(bytes[at / 8] ^ (1 << (at % 8)));
}

}  // namespace martlet::storage
