#include "worker/data/file_bytes.h"

#include <fcntl.h>
#include <glog/logging.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "common/error.h"
#include "worker/data/codec/codec.h"

namespace zhiyin::worker::data {
namespace {

/// The beginning of the small file that Git LFS puts in the place of a large one.
constexpr std::string_view kLfsPointer = "version https://git-lfs.github.com/spec/";

FileStamp StampOf(const struct stat& status) {
  return {status.st_size, status.st_mtim.tv_sec * int64_t{1'000'000'000} + status.st_mtim.tv_nsec,
          status.st_ino};
}

int OpenDataFile(const std::string& path) {
  // Without O_NONBLOCK a named pipe that nobody writes to would hang here.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) Fail(path, ": ", std::strerror(errno), ", expected a file that can be read");
  return fd;
}

}  // namespace

FileBytes::Descriptor::~Descriptor() {
  close(fd);
}

FileBytes::FileBytes(const std::string& path, ReadCounts* counts)
    : path_(path), counts_(counts), file_(OpenDataFile(path)) {
  Count(0, 1);
  struct stat status;
  const bool known = fstat(file_.fd, &status) == 0;
  if (!known || !S_ISREG(status.st_mode))
    Fail(path_, ": is ", known && S_ISDIR(status.st_mode) ? "a folder" : "no regular file",
         ", expected a file");
  if (ReadRawAt(0, kLfsPointer.size()) == kLfsPointer)
    Fail(path_,
         ": is a pointer of Git LFS, expected the file itself, which \"git lfs pull\" fetches");
  codec_ = RecogniseCodec([this](int64_t offset, size_t n) { return ReadRawAt(offset, n); });
  if (codec_ != nullptr) Decompress();
  stamp_ = StampOf(status);
}

void FileBytes::Decompress() {
  decompressor_ = std::make_unique<Decompressor>(
      *codec_, path_, [this](char* to, size_t n) { return ReadRaw(to, n); });
}

size_t FileBytes::Read(char* to, size_t n) {
  const size_t n_read = decompressor_ ? decompressor_->Read(to, n) : ReadRaw(to, n);
  n_since_tick_ += static_cast<int64_t>(n_read);
  if (n_since_tick_ >= kTickBytes) {
    n_since_tick_ = 0;
    tick_();
  }
  return n_read;
}

size_t FileBytes::ReadRaw(char* to, size_t n) {
  size_t n_read = 0;
  while (n_read < n) {
    const ssize_t got = read(file_.fd, to + n_read, n - n_read);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      Fail(path_, ": at byte ", n_raw_, ": ", std::strerror(errno), ", expected to read on");
    if (got == 0) {
      CheckUnchanged(true);
      break;
    }
    n_read += static_cast<size_t>(got);
    n_raw_ += got;
    Count(got, 0);
  }
  return n_read;
}

std::string FileBytes::ReadRawAt(int64_t offset, size_t n) {
  std::string bytes(n, '\0');
  const ssize_t got = pread(file_.fd, bytes.data(), n, offset);
  if (got < 0) Fail(path_, ": ", std::strerror(errno), ", expected a file that can be read");
  Count(got, 0);
  bytes.resize(static_cast<size_t>(got));
  return bytes;
}

void FileBytes::Count(int64_t n_bytes, int64_t n_files) const {
  if (counts_ == nullptr) return;
  counts_->n_bytes.fetch_add(n_bytes, std::memory_order_relaxed);
  counts_->n_files.fetch_add(n_files, std::memory_order_relaxed);
}

void FileBytes::Seek(int64_t offset) {
  CheckUnchanged(false);
  if (IsPlain()) {
    SeekRaw(offset);
    return;
  }
  const SeekPoint* nearest = nullptr;
  if (points_ != nullptr) {
    const auto behind =
        std::upper_bound(points_->begin(), points_->end(), offset,
                         [](int64_t byte, const SeekPoint& point) { return byte < point.n_out; });
    if (behind != points_->begin()) nearest = &*(behind - 1);
  }
  const bool is_behind = decompressor_->n_out() > offset;
  if (nearest != nullptr && (is_behind || nearest->n_out > decompressor_->n_out())) {
    SeekRaw(nearest->n_in);
    decompressor_->GoTo(*nearest);
  } else if (is_behind) {
    SeekRaw(0);
    Decompress();
  }
  std::array<char, 64 << 10> passed;
  while (const int64_t n = offset - decompressor_->n_out()) {
    const size_t n_here = std::min(static_cast<size_t>(n), passed.size());
    if (Read(passed.data(), n_here) < n_here)
      Fail(path_, ": ends before byte ", offset,
           " of the uncompressed data, expected a file that "
           "stays as it is");
  }
}

void FileBytes::NotePoints(int64_t every) {
  if (decompressor_ != nullptr) decompressor_->NotePoints(every);
}

std::vector<SeekPoint> FileBytes::points() const {
  return decompressor_ == nullptr ? std::vector<SeekPoint>() : decompressor_->points();
}

void FileBytes::SeekRaw(int64_t offset) {
  if (lseek(file_.fd, offset, SEEK_SET) != offset)
    Fail(path_, ": ", std::strerror(errno), ", expected to read on at byte ", offset);
  n_raw_ = offset;
}

void FileBytes::CheckUnchanged(bool at_end) const {
  struct stat status;
  if (fstat(file_.fd, &status) != 0)
    Fail(path_, ": ", std::strerror(errno), ", expected a file that can be read");
  if ((!at_end || n_raw_ == stamp_.n_bytes) && StampOf(status) == stamp_) return;
  Fail(path_, ": changed while it was read: ", stamp_.n_bytes, " bytes when opened, ",
       status.st_size, " now, expected a file that stays as it is");
}

}  // namespace zhiyin::worker::data
