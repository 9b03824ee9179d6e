#include "storage/ledger.h"

#include "platform/real_file_system.h"

#include <algorithm>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

namespace martlet::storage {

std::int64_t Ledger::begin(Json operation) {
  const std::int64_t number = next_++;
  operation["kind"] = "intent";
  operation["n"] = number;
  write(std::move(operation));
  return number;
}

void Ledger::acknowledge(std::int64_t number, Json result) {
  result["kind"] = "ack";
  result["n"] = number;
  write(std::move(result));
}

void Ledger::refuse(std::int64_t number, const std::string& message) {
  write({{"kind", "failed"}, {"n", number}, {"error", message}});
}

namespace {

std::int64_t next_number(const std::vector<Json>& entries) {
  std::int64_t next = 1;
  for (const Json& entry : entries) next = std::max(next, entry.value("n", std::int64_t{0}) + 1);
  return next;
}

}  // namespace

void MemoryLedger::continue_from(std::vector<Json> entries) {
  const std::lock_guard lock(mutex_);
  next_ = next_number(entries);
  entries_.clear();
  for (Json& entry : entries) entries_.emplace_back(0, std::move(entry));
}

std::vector<Json> MemoryLedger::entries() const {
  const std::lock_guard lock(mutex_);
  std::vector<Json> all;
  for (const auto& [position, entry] : entries_) all.push_back(entry);
  return all;
}

std::vector<Json> MemoryLedger::entries_at(std::size_t position) const {
  const std::lock_guard lock(mutex_);
  std::vector<Json> found;
  for (const auto& [at, entry] : entries_) {
    if (at <= position) found.push_back(entry);
  }
  return found;
}

void MemoryLedger::write(Json entry) {
  const std::lock_guard lock(mutex_);
  entries_.emplace_back(position_(), std::move(entry));
}

Result<std::unique_ptr<FileLedger>> FileLedger::open(const std::string& path) {
  std::vector<Json> before;
  if (auto read = read_ledger(path); read.has_value()) {
    before = std::move(*read);
  } else if (read.error().code() != ErrorCode::NotFound) {
    return fail(std::move(read).error());
  }
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor < 0) return unavailable("opening the ledger " + path + " failed");
  // A line that a killed writer didn't finish is as good as never written; the next one must not continue it.
  platform::RealFileSystem files;
  MARTLET_TRY_SET(const std::string text, files.read_file(path));
  const std::size_t last = text.rfind('\n');
  if (::ftruncate(descriptor, last == std::string::npos ? 0 : static_cast<off_t>(last) + 1) != 0) {
    ::close(descriptor);
    return unavailable("cutting off the unfinished line of the ledger " + path + " failed");
  }
  std::unique_ptr<FileLedger> ledger(new FileLedger(descriptor));
  ledger->next_ = next_number(before);
  return ledger;
}

FileLedger::~FileLedger() { ::close(descriptor_); }

void FileLedger::write(Json entry) {
  const std::string line = to_text(entry) + "\n";
  const ssize_t put = ::write(descriptor_, line.data(), line.size());
  MARTLET_CHECK(put == static_cast<ssize_t>(line.size()), "a line of the ledger is written whole");
}

Result<std::vector<Json>> read_ledger(const std::string& path) {
  platform::RealFileSystem files;
  MARTLET_TRY_SET(const std::string text, files.read_file(path));
  std::vector<Json> entries;
  std::string_view rest = text;
  for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    auto entry = parse_json(rest.substr(0, end));
    if (!entry.has_value() || !entry->is_object())
      return corrupt("reading the ledger " + path + ": line " + std::to_string(entries.size() + 1) + " is no JSON object");
    entries.push_back(std::move(*entry));
    rest.remove_prefix(end + 1);
  }
  return entries;
}

}  // namespace martlet::storage
