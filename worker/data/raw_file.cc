#include "worker/data/raw_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/error.h"
#include "worker/data/pipe.h"
#include "worker/data/remote_file.h"

namespace zhiyin::worker::data {
namespace {

int OpenLocalFile(const std::string& path) {
  // Without O_NONBLOCK a named pipe that nobody writes to would hang here.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) Fail(path, ": ", std::strerror(errno), ", expected a file that can be read");
  return fd;
}

/// A descriptor that closes itself, also where the constructor of its owner throws.
struct LocalDescriptor {
  explicit LocalDescriptor(int open_fd) : fd(open_fd) {}
  ~LocalDescriptor() { close(fd); }
  LocalDescriptor(const LocalDescriptor&) = delete;
  LocalDescriptor& operator=(const LocalDescriptor&) = delete;

  const int fd;
};

/// A file of this host's file system.
class LocalFile : public RawFile {
 public:
  explicit LocalFile(const std::string& path) : path_(path), file_(OpenLocalFile(path)) {
    struct stat status;
    const bool is_known = fstat(file_.fd, &status) == 0;
    if (!is_known || !S_ISREG(status.st_mode))
      Fail(path_, ": is ", is_known && S_ISDIR(status.st_mode) ? "a folder" : "no regular file",
           ", expected a file");
  }

  size_t ReadAt(int64_t offset, char* to, size_t n) override {
    if (offset != at_ && lseek(file_.fd, offset, SEEK_SET) != offset)
      Fail(path_, ": ", std::strerror(errno), ", expected to read on at byte ", offset);
    at_ = offset;
    size_t n_read = 0;
    while (n_read < n) {
      const ssize_t got = read(file_.fd, to + n_read, n - n_read);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0)
        Fail(path_, ": at byte ", at_, ": ", std::strerror(errno), ", expected to read on");
      if (got == 0) break;
      n_read += static_cast<size_t>(got);
      at_ += got;
    }
    return n_read;
  }

  FileStamp Stamp() override {
    struct stat status;
    if (fstat(file_.fd, &status) != 0)
      Fail(path_, ": ", std::strerror(errno), ", expected a file that can be read");
    return {status.st_size, status.st_mtim.tv_sec * int64_t{1'000'000'000} + status.st_mtim.tv_nsec,
            status.st_ino};
  }

 private:
  std::string path_;
  LocalDescriptor file_;
  int64_t at_ = 0;  // where the descriptor stands
};

}  // namespace

std::unique_ptr<RawFile> OpenRawFile(const std::string& path) {
  if (std::unique_ptr<RawFile> pipe = OpenPipe(path); pipe != nullptr) return pipe;
  if (path == kStandardInput)
    Fail(path, ": is standard input, which is read once, as data.train by \"zhiyin train\" or as ",
         "data.test by \"zhiyin predict\", expected a file");
  if (IsRemote(path)) return OpenRemoteFile(path);
  return std::make_unique<LocalFile>(path);
}

}  // namespace zhiyin::worker::data
