#include "worker/data/pipe.h"

#include <fcntl.h>
#include <glog/logging.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include "common/error.h"

namespace zhiyin::worker::data {
namespace {

/// How long a pipe is waited for between two ticks.
constexpr int kPipeWaitMs = 100;
/// After so long a wait the log says so, then each time that it has become twice as long.
constexpr int64_t kFirstWarningMs = 10'000;
/// The number of bytes in the stamp of a pipe, whose number is not known: it is not empty.
constexpr int64_t kPipeStampBytes = 1;

struct OpenPipes {
  std::mutex mutex;
  std::map<std::string, Pipe*> by_name;
};

OpenPipes& AllOpenPipes() {
  static OpenPipes pipes;
  return pipes;
}

bool IsDevNull(const struct stat& status) {
  return S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

int OpenStandardInput(int rank) {
  struct stat status;
  const int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
  if (fd < 0 || fstat(fd, &status) != 0 || IsDevNull(status)) {
    if (fd >= 0) close(fd);
    Fail(kStandardInput, ": rank ", rank, " reads standard input, and has none, expected data: ",
         "mpirun gives its own to one rank, to this one with --stdin ", rank);
  }
  return fd;
}

int OpenAnyPipe(const std::string& path, int rank) {
  if (path == kStandardInput) return OpenStandardInput(rank);
  // With O_NONBLOCK this does not wait for a writer; what reads waits, and ticks meanwhile.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) Fail(path, ": ", std::strerror(errno), ", expected a pipe that can be read");
  return fd;
}

class PipeFile : public RawFile {
 public:
  explicit PipeFile(Pipe* pipe) : pipe_(pipe) {}
  size_t ReadAt(int64_t offset, char* to, size_t n) override {
    return pipe_->ReadAt(offset, to, n);
  }
  FileStamp Stamp() override { return {kPipeStampBytes, 0, 0}; }
  bool IsPipe() const override { return true; }

 private:
  Pipe* pipe_;
};

}  // namespace

bool IsPipe(const std::string& path) {
  if (path == kStandardInput) return true;
  struct stat status;
  return stat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode);
}

bool IsPipe(const Split& split) {
  return split.file_size() == 1 && IsPipe(split.file(0));
}

Pipe::Descriptor::~Descriptor() {
  close(fd);
}

Pipe::Pipe(const std::string& path, int rank, Tick tick)
    : path_(path), tick_(std::move(tick)), file_(OpenAnyPipe(path, rank)) {
  OpenPipes& pipes = AllOpenPipes();
  const std::lock_guard lock(pipes.mutex);
  if (!pipes.by_name.emplace(path_, this).second)
    Fail(path_, ": is read already, expected a pipe for each job");
}

Pipe::~Pipe() {
  OpenPipes& pipes = AllOpenPipes();
  const std::lock_guard lock(pipes.mutex);
  pipes.by_name.erase(path_);
}

size_t Pipe::ReadAt(int64_t offset, char* to, size_t n) {
  std::array<char, 64 << 10> passed;
  while (n_read_ < offset) {
    const int64_t n_most = std::min<int64_t>(offset - n_read_, passed.size());
    if (ReadOn(passed.data(), static_cast<size_t>(n_most)) == 0) return 0;
  }
  const int64_t n_kept = static_cast<int64_t>(start_.size());
  size_t n_done = 0;
  if (offset < n_kept) {
    n_done = std::min(n, static_cast<size_t>(n_kept - offset));
    std::memcpy(to, start_.data() + offset, n_done);
  }
  if (n_done < n && offset + static_cast<int64_t>(n_done) < n_read_)
    Fail(path_, ": byte ", offset + static_cast<int64_t>(n_done), " is read a second time, and ",
         kStartBytes, " bytes of a pipe are kept: expected a good record among them, or a file");
  while (n_done < n) {
    const size_t got = ReadOn(to + n_done, n - n_done);
    if (got == 0) break;
    n_done += got;
  }
  return n_done;
}

size_t Pipe::ReadOn(char* to, size_t n) {
  ssize_t got = -1;
  while (got < 0 && !at_end_) {
    Wait();
    got = read(file_.fd, to, n);
    if (got < 0 && errno != EINTR && errno != EAGAIN)
      Fail(path_, ": at byte ", n_read_, ": ", std::strerror(errno), ", expected to read on");
  }
  if (got <= 0) {
    at_end_ = true;
    return 0;
  }
  if (const int64_t n_room = kStartBytes - static_cast<int64_t>(start_.size()); n_room > 0)
    start_.append(to, static_cast<size_t>(std::min<int64_t>(got, n_room)));
  n_read_ += got;
  return static_cast<size_t>(got);
}

void Pipe::Wait() {
  int64_t next_warning_ms = kFirstWarningMs;
  for (int64_t waited_ms = 0;; waited_ms += kPipeWaitMs) {
    tick_();
    pollfd polled = {file_.fd, POLLIN, 0};
    const int n_ready = poll(&polled, 1, kPipeWaitMs);
    if (n_ready < 0 && errno != EINTR)
      Fail(path_, ": ", std::strerror(errno), ", expected a pipe that can be read");
    if (n_ready > 0) return;
    if (waited_ms < next_warning_ms) continue;
    LOG(WARNING) << path_ << ": still waits for the next bytes of this pipe, for "
                 << waited_ms / 1000 << " s by now";
    next_warning_ms *= 2;
  }
}

std::unique_ptr<RawFile> OpenPipe(const std::string& path) {
  OpenPipes& pipes = AllOpenPipes();
  const std::lock_guard lock(pipes.mutex);
  const auto found = pipes.by_name.find(path);
  if (found == pipes.by_name.end()) return nullptr;
  return std::make_unique<PipeFile>(found->second);
}

void SetPipeTick(const std::string& path, Tick tick) {
  OpenPipes& pipes = AllOpenPipes();
  const std::lock_guard lock(pipes.mutex);
  if (const auto found = pipes.by_name.find(path); found != pipes.by_name.end())
    found->second->SetTick(std::move(tick));
}

}  // namespace zhiyin::worker::data
