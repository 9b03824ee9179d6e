#include "artifacts/tree.h"

#include "base/json.h"
#include "base/text.h"

#include <fmt/format.h>

namespace martlet::artifacts {

namespace {

constexpr std::size_t kMaxPathBytes = 1024;
constexpr std::size_t kMaxNameBytes = 255;  // what file systems allow
constexpr int kMaxDepth = 64;               // of directories that are read
constexpr std::size_t kPieceBytes = 1 << 20;

Error bad_path(std::string_view path, std::string_view why) {
  return Error(ErrorCode::InvalidArgument,
               fmt::format("the path {} can't be used: {}; use plain names with '/' between them",
                           to_text(Json(std::string(path))), why));
}

// A file can't be a directory as well.
Result<void> check_tree(const Tree& tree) {
  for (const auto& [path, file] : tree) {
    MARTLET_TRY(check_relative_path(path));
    for (std::size_t slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      if (tree.contains(path.substr(0, slash)))
        return fail(bad_path(path, "\"" + path.substr(0, slash) + "\" is a file of the same tree"));
    }
  }
  return {};
}

Result<void> add_directory(BlobStore& store, FileSystem& file_system, const std::string& directory,
                           const std::string& prefix, int depth, Tree& tree) {
  if (depth > kMaxDepth)
    return invalid_argument(
        fmt::format("storing {}: directories are nested more than {} deep", directory, kMaxDepth));
  MARTLET_TRY_SET(const std::vector<std::string> names, file_system.list(directory));
  for (const std::string& name : names) {
    const std::string full = join_path(directory, name);
    const std::string path = prefix.empty() ? name : prefix + "/" + name;
    MARTLET_TRY_SET(const FileStatus status, file_system.status(full));
    if (status.kind == FileKind::Directory) {
      MARTLET_TRY(add_directory(store, file_system, full, path, depth + 1, tree));
    } else if (status.kind == FileKind::Regular) {
      MARTLET_TRY_SET(const StoredBlob stored, store.put_file(full));
      tree[path] = {stored.digest, stored.size_bytes};
    } else {
      return invalid_argument(fmt::format(
          "storing {}: {} is neither a file nor a directory; remove it or copy what it points at",
          directory, full));
    }
  }
  return {};
}

Result<bool> holds_already(FileSystem& file_system, const std::string& path,
                           const TreeFile& wanted) {
  const auto status = file_system.status(path);
  if (!status.has_value()) {
    if (status.error().code() == ErrorCode::NotFound) return false;
    return fail(status.error());
  }
  if (status->kind == FileKind::Regular && status->size_bytes == wanted.size_bytes) {
    MARTLET_TRY_SET(const std::string bytes, file_system.read_file(path));
    if (digest_of(bytes) == wanted.digest) return true;
  }
  return fail(ErrorCode::AlreadyExists, path + " exists with other bytes; name an empty directory");
}

}  // namespace

Result<void> check_relative_path(std::string_view path) {
  if (path.empty()) return fail(bad_path(path, "it is empty"));
  if (path.size() > kMaxPathBytes)
    return fail(
        bad_path(path.substr(0, 60), fmt::format("it is longer than {} bytes", kMaxPathBytes)));
  if (!is_valid_utf8(path)) return fail(bad_path(path, "it isn't valid UTF-8"));
  for (const char c : path) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\')
      return fail(bad_path(path, "it has a control character or a backslash"));
  }
  for (const std::string_view name : split(path, '/')) {
    if (name.empty())
      return fail(bad_path(path, "it has an empty name, or begins or ends with '/'"));
    if (name == "." || name == "..")
      return fail(bad_path(path, "it has a name that points elsewhere"));
    if (name.size() > kMaxNameBytes)
      return fail(
          bad_path(path, fmt::format("it has a name of more than {} bytes", kMaxNameBytes)));
  }
  return {};
}

Result<Digest> put_manifest(BlobStore& store, const Tree& tree) {
  MARTLET_TRY(check_tree(tree));
  Json manifest = Json::object();
  for (const auto& [path, file] : tree)
    manifest[path] = {{"digest", file.digest.text()}, {"size", file.size_bytes}};
  return store.put(canonical_json(manifest));
}

Result<Digest> put_tree(BlobStore& store, const std::map<std::string, std::string>& files) {
  Tree tree;
  std::vector<std::string_view> blobs;
  for (const auto& [path, bytes] : files) {
    tree[path] = {Digest(), bytes.size()};
    blobs.push_back(bytes);
  }
  MARTLET_TRY(check_tree(tree));
  MARTLET_TRY_SET(const std::vector<Digest> digests, store.put_many(blobs));
  std::size_t index = 0;
  for (auto& [path, file] : tree) file.digest = digests[index++];
  return put_manifest(store, tree);
}

Result<Digest> put_tree_of(BlobStore& store, FileSystem& file_system,
                           const std::string& directory) {
  Tree tree;
  MARTLET_TRY(add_directory(store, file_system, directory, "", 0, tree));
  return put_manifest(store, tree);
}

Result<Tree> read_tree(const BlobStore& store, const Digest& tree) {
  MARTLET_TRY_SET(const std::string bytes, store.get(tree));
  const auto bad = [&](std::string_view why) {
    return Error(
        ErrorCode::Corrupt,
        fmt::format("blob {} isn't a manifest of files: {}; it was written by something else",
                    tree.text(), why));
  };
  auto manifest = parse_json(bytes);
  if (!manifest.has_value()) return fail(bad(manifest.error().message()));
  if (!manifest->is_object()) return fail(bad("no object"));
  Tree files;
  for (const auto& [path, entry] : manifest->items()) {
    auto digest_text = text_member(entry, "digest", path);
    auto size_bytes = integer_member(entry, "size", path);
    if (!digest_text.has_value() || !size_bytes.has_value() || *size_bytes < 0)
      return fail(bad("no digest and size for " + path));
    auto digest = Digest::parse(*digest_text);
    if (!digest.has_value()) return fail(bad(digest.error().message()));
    files[path] = {*digest, static_cast<std::uint64_t>(*size_bytes)};
  }
  if (auto safe = check_tree(files); !safe.has_value()) return fail(bad(safe.error().message()));
  return files;
}

Result<std::string> read_tree_file(const BlobStore& store, const Digest& tree,
                                   const std::string& path) {
  MARTLET_TRY_SET(const Tree files, read_tree(store, tree));
  const auto found = files.find(path);
  if (found == files.end())
    return not_found(fmt::format("there is no file {} in {}", path, tree.text()));
  return store.get(found->second.digest);
}

Result<void> copy_tree(const BlobStore& from, BlobStore& to, const Digest& tree) {
  MARTLET_TRY_SET(const Tree files, read_tree(from, tree));
  for (const auto& [path, file] : files) {
    auto bytes = from.get(file.digest);
    if (!bytes.has_value())
      return fail(std::move(bytes).error().with_context("copying " + path + " of " + tree.text()));
    MARTLET_TRY(to.put(*bytes));
  }
  MARTLET_TRY_SET(const Digest copied, put_manifest(to, files));
  if (copied == tree) return {};
  // Written by something that orders or spells the manifest in another way: its own bytes count.
  MARTLET_TRY_SET(const std::string manifest, from.get(tree));
  MARTLET_TRY(to.put(manifest));
  return {};
}

Result<void> materialise(const BlobStore& store, FileSystem& file_system, const Digest& tree,
                         const std::string& directory) {
  MARTLET_TRY_SET(const Tree files, read_tree(store, tree));
  MARTLET_TRY(file_system.create_directories(directory));
  for (const auto& [path, file] : files) {
    const std::string target = join_path(directory, path);
    MARTLET_TRY_SET(const bool present, holds_already(file_system, target, file));
    if (present) continue;
    MARTLET_TRY(file_system.create_directories(parent_path(target)));
    MARTLET_TRY_SET(const std::unique_ptr<BlobReader> reader, store.open(file.digest));
    MARTLET_TRY_SET(const std::unique_ptr<File> out, file_system.create_new(target));
    for (std::uint64_t offset = 0; offset < reader->size_bytes();) {
      MARTLET_TRY_SET(const std::string piece, reader->read_at(offset, kPieceBytes));
      if (piece.empty())
        return unavailable(
            fmt::format("blob {} ended early while it was copied", file.digest.text()));
      MARTLET_TRY(out->append(piece));
      offset += piece.size();
    }
    MARTLET_TRY(out->close());
  }
  return {};
}

}  // namespace martlet::artifacts
