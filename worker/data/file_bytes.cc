#include "worker/data/file_bytes.h"

#include <fcntl.h>
#include <glog/logging.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "common/error.h"

namespace zhiyin::worker::data {
namespace {

FileStamp StampOf(const struct stat& status) {
  return {status.st_size, status.st_mtim.tv_sec * int64_t{1'000'000'000} + status.st_mtim.tv_nsec,
          status.st_ino};
}

}  // namespace

struct FileBytes::Inflater {
  static constexpr size_t kInputBytes = 64 << 10;
  static constexpr int kGzipOnly =
      15 + 16;  // 15: the largest window; + 16: expect a gzip header, not one of zlib

  Inflater() { CHECK_EQ(inflateInit2(&stream, kGzipOnly), Z_OK); }
  ~Inflater() { inflateEnd(&stream); }

  z_stream stream = {};
  bool between_members = false;
  std::array<char, kInputBytes> input;
};

FileBytes::FileBytes(const std::string& path) : path_(path) {
  // Without O_NONBLOCK a named pipe that nobody writes to would hang here.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) Fail(path, ": ", std::strerror(errno), ", expected a file that can be read");
  struct stat status;
  const bool known = fstat(fd, &status) == 0;
  if (!known || !S_ISREG(status.st_mode)) {
    close(fd);
    Fail(path, ": is ", known && S_ISDIR(status.st_mode) ? "a folder" : "no regular file",
         ", expected a file");
  }
  unsigned char magic[2] = {};
  const ssize_t n = pread(fd, magic, sizeof(magic), 0);
  if (n < 0) {
    const int error = errno;
    close(fd);
    Fail(path, ": ", std::strerror(error), ", expected a file that can be read");
  }
  if (n == 2 && magic[0] == 0x1f && magic[1] == 0x8b) inflater_ = std::make_unique<Inflater>();
  stamp_ = StampOf(status);
  fd_ = fd;
}

FileBytes::~FileBytes() {
  close(fd_);
}

size_t FileBytes::Read(char* to, size_t n) {
  return inflater_ ? ReadGzip(to, n) : ReadRaw(to, n);
}

size_t FileBytes::ReadRaw(char* to, size_t n) {
  size_t n_read = 0;
  while (n_read < n) {
    const ssize_t got = read(fd_, to + n_read, n - n_read);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      Fail(path_, ": at byte ", n_raw_, ": ", std::strerror(errno), ", expected to read on");
    if (got == 0) {
      CheckUnchanged(true);
      break;
    }
    n_read += static_cast<size_t>(got);
    n_raw_ += got;
  }
  return n_read;
}

size_t FileBytes::ReadGzip(char* to, size_t n) {
  Inflater& gzip = *inflater_;
  z_stream& stream = gzip.stream;
  size_t n_done = 0;
  while (n_done < n) {
    if (stream.avail_in == 0) {
      stream.avail_in = static_cast<uInt>(ReadRaw(gzip.input.data(), gzip.input.size()));
      stream.next_in = reinterpret_cast<Bytef*>(gzip.input.data());
      if (stream.avail_in == 0) {
        if (gzip.between_members) break;
        Fail(path_, ": at byte ", n_raw_,
             ": the gzip ends too early, expected more compressed data");
      }
    }
    if (gzip.between_members) {
      inflateReset(&stream);
      gzip.between_members = false;
    }
    const size_t n_wanted = std::min(n - n_done, size_t{1} << 30);  // zlib counts in 32 bits
    stream.next_out = reinterpret_cast<Bytef*>(to + n_done);
    stream.avail_out = static_cast<uInt>(n_wanted);
    const int result = inflate(&stream, Z_NO_FLUSH);
    n_done += n_wanted - stream.avail_out;
    if (result == Z_STREAM_END) {
      gzip.between_members = true;
    } else if (result != Z_OK) {
      Fail(path_, ": at byte ", n_raw_ - stream.avail_in, ": corrupt gzip (",
           stream.msg != nullptr ? stream.msg : zError(result), "), expected compressed data");
    }
  }
  return n_done;
}

void FileBytes::Seek(int64_t offset) {
  CHECK(CanSeek());
  CheckUnchanged(false);
  if (lseek(fd_, offset, SEEK_SET) != offset)
    Fail(path_, ": ", std::strerror(errno), ", expected to read on at byte ", offset);
  n_raw_ = offset;
}

void FileBytes::CheckUnchanged(bool at_end) const {
  struct stat status;
  if (fstat(fd_, &status) != 0)
    Fail(path_, ": ", std::strerror(errno), ", expected a file that can be read");
  if ((!at_end || n_raw_ == stamp_.n_bytes) && StampOf(status) == stamp_) return;
  Fail(path_, ": changed while it was read: ", stamp_.n_bytes, " bytes when opened, ",
       status.st_size, " now, expected a file that stays as it is");
}

}  // namespace zhiyin::worker::data
