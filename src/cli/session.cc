#include "cli/session.h"

#include "cli/blob_access.h"
#include "platform/real_clock.h"
#include "platform/real_file_system.h"
#include "platform/system_random.h"
#include "platform/threads.h"

#include <elf.h>
#include <link.h>

#include <cmath>
#include <cstdlib>
#include <cstring>

namespace martlet::cli {

struct Session::Parts {
  platform::RealFileSystem files;
  platform::RealClock clock;
  platform::SystemRandom random;
  Log log;
  platform::ThreadPool pool;
  lifecycle::Host host;

  Parts(LogLevel level, LogFormat format)
      : log(level, format), pool({.threads = 0, .queue_limit = 1024, .name = "compute"}, log),
        host{files, clock, random, log, pool, program_version(), code_version()} {}
};

namespace {

constexpr const char* kKeyId = "AWS_ACCESS_KEY_ID";
constexpr const char* kSecret = "AWS_SECRET_ACCESS_KEY";
constexpr const char* kSessionToken = "AWS_SESSION_TOKEN";
constexpr const char* kRegion = "AWS_REGION";

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

lifecycle::BlobAccess blob_access(const std::string& place) {
  lifecycle::BlobAccess access;
  access.place = place;
  access.key_id = variable(kKeyId);
  access.secret = Secret(variable(kSecret));
  access.session_token = Secret(variable(kSessionToken));
  access.region = variable(kRegion);
  return access;
}

Session::Session() = default;
Session::~Session() = default;

const lifecycle::Host& Session::host() {
  if (parts_ == nullptr) {
    const LogLevel level = log_level == "debug"   ? LogLevel::Debug
                           : log_level == "info"  ? LogLevel::Info
                           : log_level == "error" ? LogLevel::Error
                           : log_level == "off"   ? LogLevel::Off
                                                  : LogLevel::Warn;
    parts_ = std::make_unique<Parts>(level,
                                     log_format == "json" ? LogFormat::JsonLines : LogFormat::Text);
  }
  return parts_->host;
}

Result<lifecycle::Project> Session::project() {
  return lifecycle::load_project(host().files, project_path);
}

Result<std::unique_ptr<lifecycle::Store>> Session::store(const lifecycle::Project& project,
                                                         lifecycle::WhenMissing when_missing) {
  return lifecycle::Store::open(host(), lifecycle::store_place(store_path, project.directory),
                                when_missing, blob_access(blobs_place));
}

Result<std::unique_ptr<lifecycle::Store>> Session::existing_store() {
  return open_named(lifecycle::WhenMissing::Refuse);
}

Result<std::unique_ptr<lifecycle::Store>> Session::named_store() {
  return open_named(lifecycle::WhenMissing::Create);
}

Result<std::unique_ptr<lifecycle::Store>> Session::open_named(lifecycle::WhenMissing when_missing) {
  const bool is_directory = [&] {
    const auto status = host().files.status(project_path);
    return status.has_value() && status->kind == FileKind::Directory;
  }();
  const std::string project_directory = project_path.empty() ? "."
                                        : is_directory       ? project_path
                                                             : parent_path(project_path);
  return lifecycle::Store::open(host(), lifecycle::store_place(store_path, project_directory),
                                when_missing, blob_access(blobs_place));
}

namespace {

// The GNU build id of the main program, from its notes in memory.
int find_build_id(dl_phdr_info* info, std::size_t, void* out) {
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& header = info->dlpi_phdr[i];
    if (header.p_type != PT_NOTE) continue;
    const char* at = reinterpret_cast<const char*>(info->dlpi_addr + header.p_vaddr);
    const char* end = at + header.p_memsz;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      ElfW(Nhdr) note;
      std::memcpy(&note, at, sizeof note);
      const char* name = at + sizeof note;
      const char* bytes = name + ((note.n_namesz + 3) & ~3u);
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
          std::memcmp(name, "GNU", 4) == 0) {
        static constexpr char kHex[] = "0123456789abcdef";
        auto& text = *static_cast<std::string*>(out);
        for (unsigned k = 0; k < note.n_descsz; ++k) {
          const auto byte = static_cast<unsigned char>(bytes[k]);
          text += kHex[byte >> 4];
          text += kHex[byte & 15];
        }
        return 1;
      }
      at = bytes + ((note.n_descsz + 3) & ~3u);
    }
  }
  return 1;  // the main program comes first; no other is of interest
}

}  // namespace

std::string program_version() { return MARTLET_VERSION; }

std::string code_version() {
  std::string id;
  dl_iterate_phdr(&find_build_id, &id);
  return "martlet-" + program_version() + (id.empty() ? "" : "-" + id.substr(0, 16));
}

std::vector<std::pair<std::string, std::string>>
webhook_variables(const lifecycle::Project& project) {
  std::vector<std::pair<std::string, std::string>> variables;
  for (const monitoring::AlertRule& rule : project.monitoring.alerts) {
    for (const monitoring::Action& action : rule.then) {
      const auto name = action.variable();
      if (!name.has_value()) continue;
      if (const char* value = std::getenv(name->c_str()); value != nullptr)
        variables.emplace_back(*name, value);
    }
  }
  return variables;
}

std::vector<std::pair<std::string, std::string>> blob_variables() {
  std::vector<std::pair<std::string, std::string>> variables;
  for (const char* name : {kKeyId, kSecret, kSessionToken, kRegion}) {
    if (std::string value = variable(name); !value.empty())
      variables.emplace_back(name, std::move(value));
  }
  return variables;
}

std::vector<std::pair<std::string, std::string>> database_variables() {
  std::vector<std::pair<std::string, std::string>> variables;
  for (const char* name : {"HOME", "PGPASSWORD", "PGPASSFILE", "PGUSER", "PGSSLMODE",
                           "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY"}) {
    if (const char* value = std::getenv(name); value != nullptr)
      variables.emplace_back(name, value);
  }
  return variables;
}

std::string number_text(double value) {
  if (std::isnan(value)) return "-";
  char text[40];
  std::snprintf(text, sizeof text, std::fabs(value) >= 1e6 ? "%.0f" : "%.6g", value);
  return text;
}

std::string number_text(const Json& value) {
  return value.is_number() ? number_text(value.get<double>()) : "-";
}

}  // namespace martlet::cli
