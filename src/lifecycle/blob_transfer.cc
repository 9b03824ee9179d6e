#include "lifecycle/blob_transfer.h"

#include <fmt/format.h>

namespace martlet::lifecycle {

namespace {

constexpr std::size_t kMaxFindings = 1000;

void add_finding(std::vector<Finding>& findings, const Digest& digest, std::string_view rule,
                 std::string message) {
  if (findings.size() >= kMaxFindings) return;
  Finding finding;
  finding.path = digest.text();
  finding.rule = rule;
  finding.message = std::move(message);
  findings.push_back(std::move(finding));
}

std::string holder_text(const std::vector<artifacts::BlobReference>& references) {
  const artifacts::BlobHolder& holder = references.front().holder;
  std::string text = holder.kind + " " + holder.name;
  if (!holder.part.empty()) text += ", " + holder.part;
  return text;
}

Result<std::map<Digest, std::uint64_t>> listed(const artifacts::DurableBlobStore& store) {
  MARTLET_TRY_SET(const std::vector<artifacts::StoredBlob> blobs, store.list());
  std::map<Digest, std::uint64_t> sizes;
  for (const artifacts::StoredBlob& blob : blobs) sizes.emplace(blob.digest, blob.size_bytes);
  return sizes;
}

}  // namespace

Result<void> BlobTransfer::run(const std::function<Result<void>()>& between) {
  MARTLET_TRY_SET(const auto ours, listed(from_));
  MARTLET_TRY_SET(const auto theirs, listed(to_));
  BlobCopy copy(from_, to_, options_.present, options_.cancel);
  for (const auto& [digest, size_bytes] : ours) {
    if (known_.contains(digest) || damaged_.contains(digest)) continue;
    if (options_.cancel.cancelled())
      return fail(ErrorCode::Cancelled,
                  "copying blobs was cancelled; the same call goes on with it");
    if (between) MARTLET_TRY(between());
    const auto there = theirs.find(digest);
    MARTLET_TRY(
        add(copy, digest, size_bytes, there != theirs.end() && there->second == size_bytes));
  }
  MARTLET_TRY(copy.finish());
  counts_.copied += copy.counts().copied;
  counts_.copied_bytes += copy.counts().copied_bytes;
  if (options_.present == PresentBlobs::Trust) return {};
  for (const Digest& digest : copy.copied()) {
    if (between) MARTLET_TRY(between());
    MARTLET_TRY(read_back(digest));
  }
  return {};
}

Result<void> BlobTransfer::add(BlobCopy& copy, const Digest& digest, std::uint64_t size_bytes,
                               bool is_there) {
  const bool verify = options_.present == PresentBlobs::Verify;
  if (options_.same_place) {
    const auto sound = verify ? to_.verify(digest) : Result<void>{};
    counts_.read += verify ? 1 : 0;
    if (!sound.has_value()) {
      const ErrorCode code = sound.error().code();
      if (code != ErrorCode::NotFound && code != ErrorCode::Corrupt) return sound;
      damaged_.emplace(digest, sound.error().message());
      return {};
    }
  } else if (!is_there || verify) {
    const std::size_t damaged = copy.damaged().size();
    const std::size_t copied = copy.copied().size();
    MARTLET_TRY(copy.add(digest));
    if (copy.damaged().size() > damaged) {
      damaged_.emplace(digest, copy.damaged().back().message());
      return {};
    }
    if (copy.copied().size() == copied) ++counts_.read;
  }
  known_.emplace(digest, size_bytes);
  ++counts_.all;
  counts_.bytes += static_cast<std::int64_t>(size_bytes);
  return {};
}

Result<void> BlobTransfer::read_back(const Digest& digest) {
  if (options_.cancel.cancelled())
    return fail(ErrorCode::Cancelled,
                "checking blobs was cancelled; the same call goes on with it");
  ++counts_.read;
  auto sound = to_.verify(digest);
  if (sound.has_value()) return {};
  const ErrorCode code = sound.error().code();
  if (code != ErrorCode::NotFound && code != ErrorCode::Corrupt) return sound;
  return corrupt(fmt::format("blob {} doesn't come back as it was written to {}: {}; see to the "
                             "target's disk or server, then migrate again",
                             digest.text(), to_.place_of(digest), sound.error().message()));
}

Result<void> BlobTransfer::check(const StoreNeeds& needs) const {
  MARTLET_TRY_SET(const auto theirs, listed(to_));
  std::vector<Finding> findings;
  for (const auto& [digest, references] : needs.blobs) {
    if (known_.contains(digest)) continue;
    const auto damage = damaged_.find(digest);
    add_finding(findings, digest, damage == damaged_.end() ? "missing_blob" : "damaged_blob",
                fmt::format("{} needs blob {}, which is {}", holder_text(references), digest.text(),
                            damage == damaged_.end() ? "not in the source"
                                                     : "damaged there: " + damage->second));
  }
  for (const auto& [digest, size_bytes] : known_) {
    const auto there = theirs.find(digest);
    if (there != theirs.end() && there->second == size_bytes) continue;
    add_finding(findings, digest, "missing_blob",
                there == theirs.end()
                    ? fmt::format("blob {} isn't at the target any more", digest.text())
                    : fmt::format("blob {} has {} bytes at the target instead of {}", digest.text(),
                                  there->second, size_bytes));
  }
  if (findings.empty()) return {};
  std::string message = fmt::format(
      "{} blobs aren't whole (the first: {}); `martlet verify` says what to do about those of the "
      "source, and migrating again brings over what the target has lost",
      findings.size(), findings.front().message);
  return fail(Error(ErrorCode::Corrupt, std::move(message), std::move(findings)));
}

Result<void> BlobTransfer::count() {
  MARTLET_TRY_SET(const auto ours, listed(from_));
  MARTLET_TRY_SET(const auto theirs, listed(to_));
  for (const auto& [digest, size_bytes] : ours) {
    ++counts_.all;
    counts_.bytes += static_cast<std::int64_t>(size_bytes);
    const auto there = theirs.find(digest);
    if (there != theirs.end() && there->second == size_bytes) continue;
    ++counts_.copied;
    counts_.copied_bytes += static_cast<std::int64_t>(size_bytes);
  }
  return {};
}

std::vector<Digest> BlobTransfer::left_out() const {
  std::vector<Digest> digests;
  for (const auto& [digest, why] : damaged_) digests.push_back(digest);
  return digests;
}

}  // namespace martlet::lifecycle
