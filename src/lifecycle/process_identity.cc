#include "lifecycle/process_identity.h"

#include "base/text.h"
#include "platform/host.h"
#include "platform/real_file_system.h"

#include <vector>

namespace martlet::lifecycle {

namespace {

std::string read_small(const std::string& path) {
  platform::RealFileSystem files;
  auto file = files.open_for_reading(path);
  if (!file.has_value()) return "";
  auto text = (*file)->read_at(0, 4096);
  return text.has_value() ? std::string(trim(*text)) : "";
}

// Field 22 of /proc/PID/stat: the start in clock ticks since boot. The second field may hold spaces
// and parentheses.
std::string start_of(const std::string& pid) {
  const std::string stat = read_small("/proc/" + pid + "/stat");
  const std::size_t end = stat.rfind(')');
  if (end == std::string::npos) return "";
  const auto fields = split(std::string_view(stat).substr(end + 2), ' ');
  constexpr std::size_t kStart = 19;  // counted from the third field
  return fields.size() > kStart && fields[0] != "Z" ? std::string(fields[kStart]) : "";
}

std::string boot() { return read_small("/proc/sys/kernel/random/boot_id"); }

}  // namespace

std::string this_process() {
  const std::string stat = read_small("/proc/self/stat");
  const std::string pid = stat.substr(0, stat.find(' '));
  return platform::describe_host().name + ":" + boot() + ":" + pid + ":" + start_of(pid);
}

bool is_alive(const std::string& process) {
  const auto parts = split(process, ':');
  if (parts.size() != 4) return false;
  if (parts[0] != platform::describe_host().name) return true;
  if (parts[1] != boot()) return false;
  const std::string start = start_of(std::string(parts[2]));
  return !start.empty() && start == parts[3];
}

}  // namespace martlet::lifecycle
