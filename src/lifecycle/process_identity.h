// lifecycle/process_identity.h: which process drives a run, in a way that survives the reuse of
// process ids.
#pragma once
#include <string>

namespace martlet::lifecycle {

// "host:boot:pid:start" of this process.
std::string this_process();
// Whether that process still runs. One of another host or boot counts as alive on another host, as
// dead after a reboot of this one.
bool is_alive(const std::string& process);

}  // namespace martlet::lifecycle
