#include "common/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <streambuf>

#include "common/error.h"

namespace zhiyin {
namespace {

constexpr size_t kBufferBytes = kDirectBytes;
/// O_DIRECT may require multiples of this for offset, length and address.
constexpr size_t kSector = 4096;
/// Smaller files are read through the page cache, where other processes that read them find them.
constexpr int64_t kDirectFrom = int64_t{64} << 20;

[[noreturn]] void FailWithErrno(const std::string& path, const char* action) {
  throw FileError(path + ": cannot " + action + ": " + std::strerror(errno));
}

std::function<void(const FileStep&)>& Watch() {
  static std::function<void(const FileStep&)> watch;
  return watch;
}

void Tell(FileStep::Kind kind, const std::string& path, const std::string& to = "",
          int64_t n_bytes = 0) {
  if (Watch()) Watch()({kind, path, to, n_bytes});
}

/// Whether these bytes can be written or read with O_DIRECT.
bool Fits(int64_t at, std::span<const std::byte> bytes) {
  return static_cast<size_t>(at) % kSector == 0 && bytes.size() % kSector == 0 &&
         reinterpret_cast<uintptr_t>(bytes.data()) % kSector == 0;
}

/// Sets or clears O_DIRECT. Returns false where the file system cannot do that.
bool SetDirect(int fd, bool direct) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return false;
  const int wanted = direct ? flags | O_DIRECT : flags & ~O_DIRECT;
  return flags == wanted || fcntl(fd, F_SETFL, wanted) == 0;
}

/// Sends the characters of a stream to a file, which outlives it. Throws FileError.
class FileStreamBuffer : public std::streambuf {
 public:
  explicit FileStreamBuffer(FileWriter* file) : file_(file) {
    setp(buffer_.data(), buffer_.data() + buffer_.size());
  }

 protected:
  int_type overflow(int_type c) override {
    sync();
    if (!traits_type::eq_int_type(c, traits_type::eof())) sputc(traits_type::to_char_type(c));
    return traits_type::not_eof(c);
  }
  int sync() override {
    file_->Write(std::as_bytes(std::span(pbase(), pptr())));
    setp(buffer_.data(), buffer_.data() + buffer_.size());
    return 0;
  }

 private:
  FileWriter* file_;
  std::array<char, 1 << 16> buffer_;
};

std::string TemporaryName(const std::string& path) {
  return path + ".tmp-" + std::to_string(getpid());
}

}  // namespace

void WatchFiles(std::function<void(const FileStep&)> watch) {
  Watch() = std::move(watch);
}

FileWriter::FileWriter(const std::string& path) : path_(path) {
  Tell(FileStep::kCreate, path);
  file_ = std::fopen(path.c_str(), "wb");
  if (file_ == nullptr) FailWithErrno(path_, "create");
  std::setvbuf(file_, nullptr, _IOFBF, kBufferBytes);
}

FileWriter::~FileWriter() {
  if (file_ == nullptr) return;
  std::fclose(file_);
  std::remove(path_.c_str());
}

void FileWriter::Write(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;  // its address may be null, which fwrite does not take
  Tell(FileStep::kWrite, path_, "", static_cast<int64_t>(bytes.size()));
  if (bytes.size() < kBufferBytes) {
    // The buffer is not written at multiples of a sector.
    if (is_direct_) SetDirect(fileno(file_), false);
    is_direct_ = false;
    if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size())
      FailWithErrno(path_, "write");
    n_bytes_ += static_cast<int64_t>(bytes.size());
  } else {
    WriteThrough(bytes);
  }
}

void FileWriter::WriteThrough(std::span<const std::byte> bytes) {
  if (std::fflush(file_) != 0) FailWithErrno(path_, "write");
  const int fd = fileno(file_);
  const int64_t begin = n_bytes_;
  while (!bytes.empty()) {
    if (is_direct_) is_direct_ = Fits(n_bytes_, bytes) && SetDirect(fd, true);
    if (!is_direct_) SetDirect(fd, false);
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EINVAL && is_direct_) {
      is_direct_ = false;
      continue;
    }
    if (n < 0) FailWithErrno(path_, "write");
    bytes = bytes.subspan(static_cast<size_t>(n));
    n_bytes_ += n;
  }
  // Starts the disk early, so that little is left to do at the end. A hint, which some file systems
  // do not know.
  if (!is_direct_) sync_file_range(fd, begin, n_bytes_ - begin, SYNC_FILE_RANGE_WRITE);
}

void FileWriter::Commit() {
  if (std::fflush(file_) != 0) FailWithErrno(path_, "write");
  Tell(FileStep::kSync, path_);
  if (fsync(fileno(file_)) != 0) FailWithErrno(path_, "sync");
  std::FILE* file = file_;
  file_ = nullptr;
  if (std::fclose(file) != 0) FailWithErrno(path_, "close");
}

void FileWriter::CommitAs(const std::string& path) {
  Commit();
  try {
    Rename(path_, path);
  } catch (const FileError&) {
    std::remove(path_.c_str());
    throw;
  }
  SyncFolder(std::filesystem::path(path).parent_path().string());
}

FileReader::FileReader(const std::string& path)
    // Without O_NONBLOCK a named pipe that nobody writes to would hang here.
    : path_(path), file_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  if (file_ < 0) FailWithErrno(path_, "open");
  struct stat status {};
  const bool known = fstat(file_, &status) == 0;
  if (!known || !S_ISREG(status.st_mode)) {
    close(file_);
    Fail(path_, ": not a file, expected one");
  }
  n_bytes_ = status.st_size;
  is_direct_ = n_bytes_ >= kDirectFrom;
}

FileReader::~FileReader() {
  close(file_);
}

void FileReader::Read(std::span<std::byte> bytes) {
  if (static_cast<int64_t>(bytes.size()) > n_left()) {
    Fail(path_, ": ends at byte ", n_bytes_, ", expected ", bytes.size(), " more at byte ", at_);
  }
  while (!bytes.empty()) {
    if (is_direct_) is_direct_ = Fits(at_, bytes) && SetDirect(file_, true);
    if (!is_direct_) SetDirect(file_, false);
    const ssize_t n = read(file_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EINVAL && is_direct_) {
      is_direct_ = false;
      continue;
    }
    if (n < 0) FailWithErrno(path_, "read");
    if (n == 0) Fail(path_, ": became shorter while it was read, at byte ", at_);
    bytes = bytes.subspan(static_cast<size_t>(n));
    at_ += n;
  }
}

void FileReader::SkipTo(int64_t at) {
  if (lseek(file_, at, SEEK_SET) < 0) FailWithErrno(path_, "read");
  at_ = at;
}

std::string_view SchemeOf(std::string_view name) {
  const std::string_view scheme = name.substr(0, name.find("://"));
  const auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '-' || c == '.';
  };
  const bool is_url = scheme.size() < name.size() && !scheme.empty() && scheme[0] != '.' &&
                      std::all_of(scheme.begin(), scheme.end(), is_part);
  return is_url ? scheme : std::string_view();
}

std::string AbsolutePath(const std::string& folder, const std::string& path) {
  return std::filesystem::absolute(std::filesystem::path(folder) / path)
      .lexically_normal()
      .string();
}

std::string ReadWholeFile(const std::string& path, int64_t max_bytes) {
  FileReader file(path);
  if (file.n_left() > max_bytes)
    Fail(path, ": ", file.n_left(), " bytes, expected at most ", max_bytes);
  std::string content(static_cast<size_t>(file.n_left()), '\0');
  file.Read(std::as_writable_bytes(std::span(content)));
  return content;
}

void ReplaceFile(const std::string& path, std::string_view content) {
  FileWriter file(TemporaryName(path));
  file.Write(std::as_bytes(std::span(content)));
  file.CommitAs(path);
}

void ReplaceFile(const std::string& path, const std::function<void(std::ostream&)>& write) {
  FileWriter file(TemporaryName(path));
  FileStreamBuffer buffer(&file);
  std::ostream out(&buffer);
  out.exceptions(std::ios::badbit);  // a failed write throws its FileError
  write(out);
  out.flush();
  file.CommitAs(path);
}

void SyncFolder(const std::string& path) {
  Tell(FileStep::kSyncFolder, path);
  const int folder = open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY);
  if (folder < 0) FailWithErrno(path, "open the folder");
  const bool synced = fsync(folder) == 0;
  close(folder);
  if (!synced) FailWithErrno(path, "sync the folder");
}

void MakeFolder(const std::string& path) {
  Tell(FileStep::kMakeFolder, path);
  if (mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) FailWithErrno(path, "make the folder");
  SyncFolder(std::filesystem::path(path).parent_path().string());
}

void Rename(const std::string& from, const std::string& to) {
  Tell(FileStep::kRename, from, to);
  if (std::rename(from.c_str(), to.c_str()) != 0)
    FailWithErrno(from, ("rename it to " + to).c_str());
}

void RemoveFile(const std::string& path) {
  Tell(FileStep::kRemove, path);
  if (std::remove(path.c_str()) != 0) FailWithErrno(path, "remove");
}

void RemoveAll(const std::string& path) {
  Tell(FileStep::kRemove, path);
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) throw FileError(path + ": cannot remove: " + error.message());
}

}  // namespace zhiyin
