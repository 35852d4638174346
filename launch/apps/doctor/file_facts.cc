#include "launch/apps/doctor/file_facts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/hash.h"
#include "worker/data/raw_file.h"
#include "worker/data/remote_file.h"

namespace zhiyin::launch::apps {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int64_t kHashedBytes = int64_t{1} << 20;
constexpr auto kPatience = std::chrono::seconds(2);
/// Enough to tell a full disk and to see how fast it is.
constexpr int64_t kProbeBytes = int64_t{8} << 20;

/// A file descriptor that closes itself.
class Descriptor {
 public:
  Descriptor(const std::string& path, int flags)
      : fd_(open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string ErrnoText() {
  return std::strerror(errno);
}

/// Adds bytes [begin, end) of the file; false when they cannot be read.
bool AddBytes(int fd, int64_t begin, int64_t end, Digest* digest) {
  std::vector<std::byte> piece(static_cast<size_t>(end - begin));
  for (size_t n = 0; n < piece.size();) {
    const ssize_t got =
        pread(fd, piece.data() + n, piece.size() - n, begin + static_cast<int64_t>(n));
    if (got == 0) errno = EIO;  // it has shrunk meanwhile
    if (got <= 0) return false;
    n += static_cast<size_t>(got);
  }
  digest->Update(piece);
  return true;
}

/// Does so for a file of another place.
FileFacts LookAtRemoteFile(const std::string& url) {
  FileFacts facts;
  try {
    const std::unique_ptr<worker::data::RawFile> file = worker::data::OpenRawFile(url);
    const int64_t n = file->Stamp().n_bytes;
    const int64_t head = std::min(n, kHashedBytes);
    Digest digest;
    for (const auto& [begin, end] :
         {std::pair(int64_t{0}, head), std::pair(std::max(head, n - kHashedBytes), n)}) {
      std::vector<char> piece(static_cast<size_t>(end - begin));
      if (file->ReadAt(begin, piece.data(), piece.size()) < piece.size())
        Fail("it has shrunk meanwhile");
      digest.Update(std::as_bytes(std::span(piece)));
    }
    facts.set_n_bytes(n);
    facts.set_hash(digest.Value());
  } catch (const Error& e) {
    facts.set_error(e.what());
  }
  return facts;
}

FileFacts LookAtFile(const std::string& path) {
  if (worker::data::IsRemote(path)) return LookAtRemoteFile(path);
  FileFacts facts;
  const Descriptor file(path, O_RDONLY | O_NONBLOCK);
  struct stat status {};
  if (file.get() < 0 || fstat(file.get(), &status) != 0) {
    facts.set_error(ErrnoText());
    return facts;
  }
  if (!S_ISREG(status.st_mode)) {
    facts.set_error("not a file");
    return facts;
  }
  const int64_t n = status.st_size;
  Digest digest;
  const int64_t head = std::min(n, kHashedBytes);
  if (!AddBytes(file.get(), 0, head, &digest) ||
      !AddBytes(file.get(), std::max(head, n - kHashedBytes), n, &digest)) {
    facts.set_error(ErrnoText());
    return facts;
  }
  facts.set_n_bytes(n);
  facts.set_hash(digest.Value());
  return facts;
}

/// Writes and syncs n bytes to a file; false when that fails, errno says why.
bool WriteFile(const std::string& path, int64_t n) {
  const Descriptor file(path, O_WRONLY | O_CREAT | O_EXCL);
  if (file.get() < 0) return false;
  // Not zeros: some file systems keep those as holes.
  std::vector<uint64_t> piece((size_t{1} << 20) / sizeof(uint64_t));
  for (size_t i = 0; i < piece.size(); ++i) piece[i] = Mix(i + 1);
  while (n > 0) {
    const ssize_t written =
        write(file.get(), piece.data(), static_cast<size_t>(std::min<int64_t>(n, kHashedBytes)));
    if (written < 0) return false;
    n -= written;
  }
  return fsync(file.get()) == 0;
}

int64_t FreeBytes(const std::string& folder) {
  struct statvfs disk {};
  if (statvfs(folder.c_str(), &disk) != 0) return 0;
  return static_cast<int64_t>(disk.f_bavail) * static_cast<int64_t>(disk.f_frsize);
}

void NoteWriteError(OutputFacts* facts) {
  facts->set_disk_is_full(errno == ENOSPC || errno == EDQUOT);
  facts->set_write_error(ErrnoText());
}

}  // namespace

DataFacts LookAtData(const DataQuestion& question) {
  DataFacts facts;
  for (const std::string& path : question.file()) *facts.add_file() = LookAtFile(path);
  return facts;
}

std::string TokenPath(const std::string& folder, const std::string& token, int rank) {
  return (fs::path(folder) / (".zhiyin-doctor-" + token + "-" + std::to_string(rank))).string();
}

bool SeesToken(const std::string& folder, const std::string& token, int rank) {
  const std::string path = TokenPath(folder, token, rank);
  const auto deadline = Clock::now() + kPatience;
  while (access(path.c_str(), F_OK) != 0) {
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return true;
}

OutputFacts LookAtOutput(const OutputQuestion& question, int rank) {
  OutputFacts facts;
  const std::string& folder = question.folder();
  struct stat status {};
  if (stat(folder.c_str(), &status) != 0) {
    facts.set_folder_error(ErrnoText());
    return facts;
  }
  if (!S_ISDIR(status.st_mode)) {
    facts.set_folder_error("not a folder");
    return facts;
  }
  if (question.token_is_there() && rank != 0)
    facts.set_saw_token(SeesToken(folder, question.token(), 0));
  facts.set_free_bytes(FreeBytes(folder));
  const std::string own = TokenPath(folder, question.token(), rank);
  if (!WriteFile(own, 1)) NoteWriteError(&facts);
  if (!question.measure_speed() || !facts.write_error().empty()) return facts;
  const std::string probe = own + ".probe";
  const auto began = Clock::now();
  if (WriteFile(probe, kProbeBytes)) {
    const std::chrono::duration<double> took = Clock::now() - began;
    facts.set_bytes_per_s(static_cast<double>(kProbeBytes) / took.count());
  } else {
    NoteWriteError(&facts);
  }
  unlink(probe.c_str());
  return facts;
}

BorrowedFolder::BorrowedFolder(const std::string& path)
    : path_(fs::absolute(path).lexically_normal()) {
  if (!path_.has_filename()) path_ = path_.parent_path();  // a slash at the end
  std::error_code error;
  fs::path at = path_;
  while (!fs::exists(at, error) && at.has_relative_path()) {
    ++n_made_;
    at = at.parent_path();
  }
  fs::create_directories(path_, error);
  if (error) error_ = error.message();
}

BorrowedFolder::~BorrowedFolder() {
  fs::path at = path_;
  for (int i = 0; i < n_made_ && (rmdir(at.c_str()) == 0 || errno == ENOENT); ++i)
    at = at.parent_path();
}

}  // namespace zhiyin::launch::apps
