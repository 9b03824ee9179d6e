// platform/host.h: what this machine is and how it fares. Pure questions to the kernel;
// thread-safe. Recorded in runs, shown by `martlet version --verbose`, exported as telemetry.
#pragma once
#include "base/result.h"

#include <cstdint>
#include <string>
#include <vector>

namespace martlet::platform {

struct Host {
  std::string name;                // of the machine
  std::string kernel;              // "Linux 6.1.0"
  std::string cpu_model;           // "AMD EPYC 7B13"
  int cores = 1;                   // usable by this process
  std::uint64_t memory_bytes = 0;  // of the machine, or of our control group when that is less
  // Those instruction sets that can change a floating-point result or decide on a code path:
  // "sse4_2", "avx", "avx2", "fma", "avx512f" …, sorted.
  std::vector<std::string> cpu_features;
};
Host describe_host();

std::string glibc_version();  // "2.36": on whose exp, log and the like results depend

std::uint64_t resident_bytes();          // of this process
std::uint64_t available_memory_bytes();  // that could be had without swapping
// CPU time used by this process since its start, in seconds.
double process_cpu_seconds();
int open_descriptors();
// Of `wanted` further files, how many could be opened now.
int spare_descriptors(int wanted);

struct DiskSpace {
  std::uint64_t free_bytes = 0;  // for an ordinary user
  std::uint64_t total_bytes = 0;
};
// Of the file system that holds `path`. NotFound.
Result<DiskSpace> disk_space(const std::string& path);

// NFS, SMB, Ceph, Lustre, 9p, sshfs and the like, where locks and mmap cannot be relied upon
// (SQLite must not live there). NotFound.
Result<bool> is_network_file_system(const std::string& path);

}  // namespace martlet::platform
