#include "launch/apps/supervise/descendants.h"

#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <unordered_map>

namespace zhiyin::launch::apps {
namespace {

/// The parents of all processes of the system.
std::unordered_map<pid_t, pid_t> Parents() {
  std::unordered_map<pid_t, pid_t> parents;
  DIR* const folder = opendir("/proc");
  if (folder == nullptr) return parents;
  while (const dirent* entry = readdir(folder)) {
    pid_t process = 0;
    const char* const end = entry->d_name + std::strlen(entry->d_name);
    if (std::from_chars(entry->d_name, end, process).ptr != end) continue;
    std::ifstream file("/proc/" + std::string(entry->d_name) + "/stat");
    std::string line;
    if (!std::getline(file, line)) continue;
    // The name, in parentheses, may hold spaces and parentheses of its own.
    const size_t name_end = line.rfind(')');
    if (name_end == std::string::npos) continue;
    std::istringstream rest(line.substr(name_end + 1));
    char state = 0;
    pid_t parent = 0;
    if (rest >> state >> parent) parents[process] = parent;
  }
  closedir(folder);
  return parents;
}

}  // namespace

void AdoptOrphans() {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
}

std::vector<pid_t> Descendants() {
  const std::unordered_map<pid_t, pid_t> parents = Parents();
  const pid_t self = getpid();
  std::vector<pid_t> found;
  for (const auto& [process, parent] : parents) {
    // A process that ended while the table was read may leave a gap in the way up, never a circle.
    pid_t above = parent;
    while (above != self) {
      const auto at = parents.find(above);
      if (at == parents.end() || at->second == above) break;
      above = at->second;
    }
    if (above == self) found.push_back(process);
  }
  return found;
}

bool KillDescendants(std::chrono::milliseconds limit) {
  constexpr std::chrono::milliseconds kLookAgain{5};
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (true) {
    for (const pid_t process : Descendants()) kill(process, SIGKILL);
    while (waitpid(-1, nullptr, WNOHANG) > 0) continue;
    if (Descendants().empty()) return true;
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kLookAgain);
  }
}

}  // namespace zhiyin::launch::apps
