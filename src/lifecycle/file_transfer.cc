#include "lifecycle/file_transfer.h"

#include "base/durable_directory.h"
#include "lifecycle/store_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

namespace martlet::lifecycle {

namespace {

constexpr std::uint64_t kPieceBytes = 1u << 20;

struct Sources {
  std::vector<StoreFile> files;
  std::size_t segments = 0;  // the first of them
};

Result<Sources> sources_of(const Store& store) {
  Sources found;
  MARTLET_TRY_SET(found.files, prediction_segments(store));
  found.segments = found.files.size();
  MARTLET_TRY_SET(const std::vector<StoreFile> logs, step_logs(store));
  found.files.insert(found.files.end(), logs.begin(), logs.end());
  return found;
}

// 0 when it isn't there.
Result<std::uint64_t> size_at(FileSystem& files, const std::string& path) {
  const auto status = files.status(path);
  if (status.has_value()) return status->size_bytes;
  if (status.error().code() == ErrorCode::NotFound) return std::uint64_t{0};
  return fail(status.error());
}

// Whether the first bytes of two files are the same.
Result<bool> begin_alike(FileSystem& files, const std::string& left, const std::string& right,
                         std::uint64_t size_bytes) {
  if (size_bytes == 0) return true;
  MARTLET_TRY_SET(const std::unique_ptr<File> ours, files.open_for_reading(left));
  MARTLET_TRY_SET(const std::unique_ptr<File> theirs, files.open_for_reading(right));
  for (std::uint64_t at = 0; at < size_bytes; at += kPieceBytes) {
    const auto wanted = static_cast<std::size_t>(std::min(kPieceBytes, size_bytes - at));
    MARTLET_TRY_SET(const std::string our_bytes, ours->read_at(at, wanted));
    MARTLET_TRY_SET(const std::string their_bytes, theirs->read_at(at, wanted));
    if (our_bytes.size() != wanted || our_bytes != their_bytes) return false;
  }
  return true;
}

Result<void> copy_head(FileSystem& files, const std::string& from, const std::string& to,
                       std::uint64_t size_bytes) {
  const std::string partial = to + ".new";
  MARTLET_TRY(create_directories_durably(files, parent_path(to)));
  MARTLET_TRY(files.remove_all(partial));
  MARTLET_TRY_SET(const std::unique_ptr<File> source, files.open_for_reading(from));
  MARTLET_TRY_SET(const std::unique_ptr<File> taken, files.create_new(partial));
  for (std::uint64_t at = 0; at < size_bytes; at += kPieceBytes) {
    MARTLET_TRY_SET(
        const std::string piece,
        source->read_at(at, static_cast<std::size_t>(std::min(kPieceBytes, size_bytes - at))));
    MARTLET_TRY(taken->append(piece));
  }
  MARTLET_TRY(taken->sync());
  MARTLET_TRY(taken->close());
  MARTLET_TRY(files.rename(partial, to));
  return files.sync_directory(parent_path(to));
}

Error written_since(const std::string& path) {
  return Error(ErrorCode::Conflict,
               fmt::format("the segment {} of the prediction log isn't an earlier copy: somebody "
                           "has written to the target since; if that may be lost, say --overwrite",
                           path));
}

class FileTransfer {
 public:
  FileTransfer(const Store& source, const std::string& directory, TargetFiles mode,
               CancelToken cancel)
      : source_(source), files_(source.host().files), directory_(directory), mode_(mode),
        cancel_(std::move(cancel)) {}

  enum class Extent : std::uint8_t { Count, Copy };
  Result<FileTransferCounts> run(Extent extent) {
    MARTLET_TRY_SET(const Sources found, sources_of(source_));
    for (std::size_t i = 0; i < found.files.size(); ++i) {
      if (cancel_.cancelled())
        return fail(ErrorCode::Cancelled, "copying files was cancelled; the same call goes on");
      MARTLET_TRY(bring(found.files[i], i < found.segments, extent));
    }
    MARTLET_TRY(look_for_others(found, extent));
    return counts_;
  }

 private:
  Result<void> bring(const StoreFile& file, bool is_segment, Extent extent) {
    const std::string from = join_path(source_.directory(), file.path);
    const std::string to = join_path(directory_, file.path);
    MARTLET_TRY_SET(const std::uint64_t there, size_at(files_, to));
    const bool keep = is_segment && mode_ == TargetFiles::Keep;
    if (keep && there > file.size_bytes) return fail(written_since(to));
    ++counts_.all;
    counts_.bytes += static_cast<std::int64_t>(file.size_bytes);
    if (extent == Extent::Copy) {
      MARTLET_TRY_SET(const bool alike,
                      begin_alike(files_, from, to, std::min(there, file.size_bytes)));
      if (keep && !alike) return fail(written_since(to));
      if (alike && there == file.size_bytes && files_.exists(to)) return {};
    } else if (there == file.size_bytes && files_.exists(to)) {
      return {};
    }
    ++counts_.copied;
    counts_.copied_bytes += static_cast<std::int64_t>(file.size_bytes);
    return extent == Extent::Copy ? copy(from, to, file.size_bytes) : Result<void>{};
  }

  // A step that is tried again begins its log anew, also while it is copied.
  Result<void> copy(const std::string& from, const std::string& to, std::uint64_t size_bytes) {
    constexpr int kAttempts = 3;
    for (int attempt = 1; attempt <= kAttempts; ++attempt) {
      auto copied = copy_head(files_, from, to, size_bytes);
      if (!copied.has_value()) {
        if (copied.error().code() == ErrorCode::NotFound) return {};  // gone meanwhile
        return fail(std::move(copied).error().with_context("copying " + from));
      }
      MARTLET_TRY_SET(const bool alike, begin_alike(files_, from, to, size_bytes));
      if (alike) return {};
      MARTLET_TRY_SET(size_bytes, size_at(files_, from));
    }
    return corrupt(fmt::format("{} doesn't come back as it was copied from {}", to, from));
  }

  Result<void> look_for_others(const Sources& found, Extent extent) {
    std::set<std::string> known;
    for (const StoreFile& file : found.files) known.insert(file.path);
    MARTLET_TRY_SET(const std::vector<StoreFile> theirs, files_below(files_, directory_));
    for (const StoreFile& file : theirs) {
      if (known.contains(file.path)) continue;
      ++counts_.only_there;
      if (mode_ == TargetFiles::Keep) continue;
      ++counts_.removed;
      if (extent == Extent::Copy) MARTLET_TRY(files_.remove(join_path(directory_, file.path)));
    }
    return {};
  }

  const Store& source_;
  FileSystem& files_;
  const std::string directory_;
  const TargetFiles mode_;
  const CancelToken cancel_;
  FileTransferCounts counts_;
};

}  // namespace

Result<FileTransferCounts> transfer_files(const Store& source, const std::string& directory,
                                          TargetFiles mode, const CancelToken& cancel) {
  return FileTransfer(source, directory, mode, cancel).run(FileTransfer::Extent::Copy);
}

Result<FileTransferCounts> count_files(const Store& source, const std::string& directory,
                                       TargetFiles mode) {
  return FileTransfer(source, directory, mode, CancelToken()).run(FileTransfer::Extent::Count);
}

}  // namespace martlet::lifecycle
