#include "platform/gzip.h"

#include "base/file_system.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

namespace martlet::platform {
namespace {

constexpr int kGzipWindow = 15 + 16;  // 32 KiB, gzip header and trailer only
constexpr std::size_t kPiece = std::size_t{256} << 10;

// Feeds compressed bytes, hands on what comes out.
class Inflater {
 public:
  Inflater(std::uint64_t limit_bytes, std::string subject)
      : left_(limit_bytes), limit_(limit_bytes), subject_(std::move(subject)),
        output_(kPiece, '\0') {
    const int ready = ::inflateInit2(&stream_, kGzipWindow);
    MARTLET_CHECK(ready == Z_OK, "zlib cannot start");
  }
  ~Inflater() { ::inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  Result<void> feed(std::string_view bytes,
                    const std::function<Result<void>(std::string_view)>& sink) {
    while (!bytes.empty()) {
      const std::size_t part = std::min(bytes.size(), std::size_t{1} << 30);
      MARTLET_TRY(feed_part(bytes.substr(0, part), sink));
      bytes.remove_prefix(part);
    }
    return {};
  }

  Result<void> finish() const {
    if (!between_members_)
      return corrupt(
          fmt::format("reading {}: the gzip data is cut short; fetch the file again", subject_));
    return {};
  }

 private:
  Result<void> feed_part(std::string_view bytes,
                         const std::function<Result<void>(std::string_view)>& sink) {
    // zlib's interface is not const, though it does not write to its input.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    bool more = true;
    while (stream_.avail_in > 0 || more) {
      if (between_members_ && stream_.avail_in == 0) break;
      if (between_members_) ::inflateReset(&stream_);
      between_members_ = false;
      stream_.next_out = reinterpret_cast<Bytef*>(output_.data());
      stream_.avail_out = static_cast<uInt>(output_.size());
      const int state = ::inflate(&stream_, Z_NO_FLUSH);
      const std::size_t produced = output_.size() - stream_.avail_out;
      if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR)
        return corrupt(fmt::format("reading {}: this is no sound gzip data ({})", subject_,
                                   stream_.msg != nullptr ? stream_.msg : "unknown reason"));
      if (produced > left_)
        return fail(ErrorCode::ResourceExhausted,
                    fmt::format("reading {}: more than {} bytes come out of it", subject_, limit_));
      left_ -= produced;
      if (produced > 0) MARTLET_TRY(sink(std::string_view(output_).substr(0, produced)));
      between_members_ = state == Z_STREAM_END;
      more = stream_.avail_out == 0;
    }
    return {};
  }

  z_stream stream_{};
  std::uint64_t left_;
  std::uint64_t limit_;
  std::string subject_;
  std::string output_;
  bool between_members_ = false;
};

}  // namespace

Result<std::string> gunzip(std::string_view bytes, std::uint64_t limit_bytes) {
  std::string result;
  Inflater inflater(limit_bytes, "compressed bytes");
  MARTLET_TRY(inflater.feed(bytes, [&](std::string_view piece) -> Result<void> {
    result += piece;
    return {};
  }));
  MARTLET_TRY(inflater.finish());
  return result;
}

Result<void> gunzip_file(FileSystem& files, const std::string& path, std::uint64_t limit_bytes,
                         const std::function<Result<void>(std::string_view)>& sink) {
  MARTLET_TRY_SET(const std::unique_ptr<File> file, files.open_for_reading(path));
  Inflater inflater(limit_bytes, path);
  for (std::uint64_t at = 0;;) {
    MARTLET_TRY_SET(const std::string piece, file->read_at(at, kPiece));
    if (piece.empty()) return inflater.finish();
    MARTLET_TRY(inflater.feed(piece, sink));
    at += piece.size();
  }
}

Result<std::string> gunzip_file(FileSystem& files, const std::string& path,
                                std::uint64_t limit_bytes) {
  std::string result;
  MARTLET_TRY(gunzip_file(files, path, limit_bytes, [&](std::string_view piece) -> Result<void> {
    result += piece;
    return {};
  }));
  return result;
}

std::string gzip(std::string_view bytes, int level) {
  z_stream stream{};
  const int ready = ::deflateInit2(&stream, std::clamp(level, 1, 9), Z_DEFLATED, kGzipWindow, 8,
                                   Z_DEFAULT_STRATEGY);
  MARTLET_CHECK(ready == Z_OK, "zlib cannot start");
  gz_header header{};
  header.os = 255;  // unknown: the bytes must not depend on where they were made
  ::deflateSetHeader(&stream, &header);
  std::string result;
  std::string output(kPiece, '\0');
  int state = Z_OK;
  while (state != Z_STREAM_END) {
    if (stream.avail_in == 0 && !bytes.empty()) {
      const std::size_t part = std::min(bytes.size(), std::size_t{1} << 30);
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
      stream.avail_in = static_cast<uInt>(part);
      bytes.remove_prefix(part);
    }
    stream.next_out = reinterpret_cast<Bytef*>(output.data());
    stream.avail_out = static_cast<uInt>(output.size());
    state = ::deflate(&stream, bytes.empty() ? Z_FINISH : Z_NO_FLUSH);
    MARTLET_CHECK(state != Z_STREAM_ERROR, "zlib lost its state");
    result.append(output, 0, output.size() - stream.avail_out);
  }
  ::deflateEnd(&stream);
  return result;
}

}  // namespace martlet::platform
