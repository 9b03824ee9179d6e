#include "platform/host.h"

#include "base/text.h"
#include "platform/internal/posix.h"
#include "platform/threads.h"

#include <fmt/format.h>
#include <gnu/libc-version.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <set>
#include <string_view>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <system_error>
#include <unistd.h>

namespace martlet::platform {
namespace {

// The value behind "name   : value" or "name: value"; "" when absent.
std::string line_value(const char* path, std::string_view name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(name)) continue;
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos && trim(std::string_view(line).substr(0, colon)) == name)
      return std::string(trim(std::string_view(line).substr(colon + 1)));
  }
  return "";
}

// "16384 kB" in bytes.
std::uint64_t kibibytes(const std::string& text) {
  std::uint64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') break;
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return number * 1024;
}

bool matters(std::string_view feature) {
  constexpr std::array<std::string_view, 10> kNames = {"sse4_1", "sse4_2", "ssse3", "avx",   "avx2",
                                                       "fma",    "f16c",   "bmi2",  "asimd", "sve"};
  return std::ranges::find(kNames, feature) != kNames.end() || feature.starts_with("avx512") ||
         feature.starts_with("amx");
}

// The type of the mount with this device number, as /proc/self/mountinfo names it: "fuse.sshfs".
std::string mount_type(dev_t device) {
  const std::string wanted = fmt::format("{}:{}", major(device), minor(device));
  std::ifstream file("/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string_view> fields = split(line, ' ');
    const auto dash = std::ranges::find(fields, std::string_view("-"));
    if (fields.size() > 3 && fields[2] == wanted && dash != fields.end() &&
        dash + 1 != fields.end())
      return std::string(*(dash + 1));
  }
  return "";
}

}  // namespace

Host describe_host() {
  Host host;
  utsname names{};
  if (::uname(&names) == 0) {
    host.name = static_cast<const char*>(names.nodename);
    host.kernel = fmt::format("{} {}", static_cast<const char*>(names.sysname),
                              static_cast<const char*>(names.release));
  }
  host.cpu_model = line_value("/proc/cpuinfo", "model name");
  host.cores = hardware_threads();
  host.memory_bytes = kibibytes(line_value("/proc/meminfo", "MemTotal"));
  std::ifstream group("/sys/fs/cgroup/memory.max");
  std::uint64_t group_bytes = 0;
  if (group >> group_bytes)  // "max" is no number
    host.memory_bytes = std::min(host.memory_bytes, group_bytes);
  std::string flags = line_value("/proc/cpuinfo", "flags");
  if (flags.empty()) flags = line_value("/proc/cpuinfo", "Features");
  std::set<std::string> features;
  for (const std::string_view feature : split(flags, ' '))
    if (matters(feature)) features.emplace(feature);
  host.cpu_features.assign(features.begin(), features.end());
  return host;
}

std::string glibc_version() { return gnu_get_libc_version(); }

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t available_memory_bytes() {
  return kibibytes(line_value("/proc/meminfo", "MemAvailable"));
}

double process_cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& value) {
    return static_cast<double>(value.tv_sec) + static_cast<double>(value.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int spare_descriptors(int wanted) {
  std::vector<int> taken;
  while (static_cast<int>(taken.size()) < wanted) {
    const int descriptor = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) break;
    taken.push_back(descriptor);
  }
  for (const int descriptor : taken) ::close(descriptor);
  return static_cast<int>(taken.size());
}

int open_descriptors() {
  std::error_code failure;
  std::filesystem::directory_iterator entries("/proc/self/fd", failure);
  int count = -1;  // the listing itself has one open
  for (; !failure && entries != std::filesystem::directory_iterator(); entries.increment(failure))
    ++count;
  return std::max(count, 0);
}

Result<DiskSpace> disk_space(const std::string& path) {
  struct statvfs found{};
  if (uninterrupted([&] { return ::statvfs(path.c_str(), &found); }) != 0)
    return fail_errno(errno, "asking for the free space of", path);
  return DiskSpace{static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize,
                   static_cast<std::uint64_t>(found.f_blocks) * found.f_frsize};
}

Result<bool> is_network_file_system(const std::string& path) {
  struct statfs found{};
  if (uninterrupted([&] { return ::statfs(path.c_str(), &found); }) != 0)
    return fail_errno(errno, "asking for the file system of", path);
  // Magic numbers of statfs(2): NFS, SMB, CIFS, SMB2, AFS, Coda, Ceph, Lustre, GPFS, 9p, OCFS2,
  // GFS2.
  constexpr std::array<std::uint64_t, 12> kNetwork = {
      0x6969,     0x517B,     0xFF534D42, 0xFE534D42, 0x5346414F, 0x73757245,
      0x00C36400, 0x0BD00BD0, 0x47504653, 0x01021997, 0x7461636F, 0x01161970};
  constexpr std::uint64_t kFuse = 0x65735546;
  const auto type = static_cast<std::uint64_t>(found.f_type) & 0xFFFFFFFFu;
  if (std::ranges::find(kNetwork, type) != kNetwork.end()) return true;
  if (type != kFuse) return false;
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return fail_errno(errno, "looking at", path);
  const std::string name = mount_type(status.st_dev);
  return name.starts_with("fuse.") && name != "fuse.fuse-overlayfs";
}

}  // namespace martlet::platform
