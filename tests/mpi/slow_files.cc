// A library to load before a program (LD_PRELOAD) whose files are slow.
//
//   SLOW_FILES=fsync:summary.json:2000,open:part-:100
//
// fsync of files whose paths hold "summary.json" takes 2,000 ms longer, and so does open of files
// whose paths hold "part-" by 100 ms.
#include <dlfcn.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdlib>
#include <sstream>
#include <string>

namespace {

void Delay(const std::string& call, const std::string& path) {
  const char* const rules = std::getenv("SLOW_FILES");
  if (rules == nullptr) return;
  std::istringstream in(rules);
  for (std::string rule; std::getline(in, rule, ',');) {
    std::istringstream parts(rule);
    std::string of;
    std::string part;
    long ms = 0;
    if (!std::getline(parts, of, ':') || !std::getline(parts, part, ':') || !(parts >> ms)) abort();
    if (of != call || path.find(part) == std::string::npos) continue;
    const timespec span{ms / 1000, ms % 1000 * 1'000'000};
    nanosleep(&span, nullptr);
  }
}

std::string PathOf(int fd) {
  char path[4096];
  const ssize_t n = readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof(path));
  return n > 0 ? std::string(path, static_cast<size_t>(n)) : std::string();
}

template <typename Function>
Function* Real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

int Open(const char* name, const char* path, int flags, mode_t mode) {
  Delay("open", path);
  return Real<int(const char*, int, ...)>(name)(path, flags, mode);
}

mode_t ModeOf(int flags, va_list more) {
  return (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
}

}  // namespace

extern "C" {

int fsync(int fd) {
  Delay("fsync", PathOf(fd));
  return Real<int(int)>("fsync")(fd);
}

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = ModeOf(flags, more);
  va_end(more);
  return Open("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = ModeOf(flags, more);
  va_end(more);
  return Open("open64", path, flags, mode);
}

}  // extern "C"
