#include "launch/apps/terminal.h"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace zhiyin::launch::apps {

bool OutputIsWatched(bool under_mpirun) {
  if (!under_mpirun) return isatty(STDOUT_FILENO) != 0;
  const std::string parent = "/proc/" + std::to_string(getppid());
  std::string name;
  std::ifstream(parent + "/comm") >> name;
  if (name != "mpirun" && name != "mpiexec" && name != "orterun")
    return false;  // a daemon on another host
  const int output = open((parent + "/fd/1").c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK);
  if (output < 0) return false;
  const bool watched = isatty(output) != 0;
  close(output);
  return watched;
}

}  // namespace zhiyin::launch::apps
