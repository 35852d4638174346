#include "common/host_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <system_error>

namespace zhiyin {
namespace {

/// A cache line, at which the values of any type may begin.
constexpr size_t kAlignment = 64;

size_t RoundedUp(size_t n) {
  return (n + kAlignment - 1) / kAlignment * kAlignment;
}

std::string ErrnoText() {
  return std::system_category().message(errno);
}

/// A text that no other memory of any host has.
std::string NewToken() {
  std::random_device random;
  std::string token;
  for (int i = 0; i < 4; ++i) token += std::to_string(random()) + ".";
  return token;
}

}  // namespace

HostMemory::HostMemory(int fd, const std::string& token)
    : name_("/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd) + " " + token),
      fd_(fd) {
  Map(fd, token);
}

std::shared_ptr<const HostMemory> HostMemory::Open(const std::string& name) {
  const size_t space = name.find(' ');
  const int fd = open(name.substr(0, space).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) Fail("memory of the host, ", name, ": ", ErrnoText());
  const std::shared_ptr<HostMemory> memory(new HostMemory);
  memory->fd_ = fd;
  memory->Map(fd, name.substr(std::min(space, name.size() - 1) + 1));
  return memory;
}

void HostMemory::Map(int fd, const std::string& token) {
  struct stat status;
  if (fstat(fd, &status) != 0) Fail("memory of the host: ", ErrnoText());
  const size_t n = static_cast<size_t>(status.st_size);
  if (n < RoundedUp(token.size())) Fail("memory of the host: cut short");
  void* bytes = mmap(nullptr, n, PROT_READ, MAP_SHARED, fd, 0);
  if (bytes == MAP_FAILED) Fail("memory of the host: ", ErrnoText());
  mapped_ = {static_cast<const std::byte*>(bytes), n};
  if (std::memcmp(bytes, token.data(), token.size()) != 0)
    Fail("memory of the host: is another one than was named");
  n_token_ = RoundedUp(token.size());
}

HostMemory::~HostMemory() {
  if (!mapped_.empty()) munmap(const_cast<std::byte*>(mapped_.data()), mapped_.size());
  if (fd_ >= 0) close(fd_);
}

HostWriter::HostWriter() : fd_(memfd_create("zhiyin", MFD_CLOEXEC)), token_(NewToken()) {
  if (fd_ < 0) Fail("memory of the host: ", ErrnoText());
  Write(std::as_bytes(std::span(token_)));
  Pad();
}

HostWriter::~HostWriter() {
  if (fd_ >= 0) close(fd_);
}

void HostWriter::Put(std::span<const std::byte> bytes) {
  const uint64_t n = bytes.size();
  Write(std::as_bytes(std::span(&n, 1)));
  Pad();
  Write(bytes);
}

void HostWriter::Pad() {
  constexpr std::byte kZeros[kAlignment] = {};
  Write(std::span(kZeros).first(RoundedUp(n_written_) - n_written_));
}

void HostWriter::Write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    // At most a part, which Linux bounds for a call.
    const ssize_t n = write(fd_, bytes.data(), std::min<size_t>(bytes.size(), size_t{1} << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0)
      Fail("memory of the host: ", ErrnoText(), " behind ", n_written_,
           " bytes, expected a host with more memory");
    n_written_ += static_cast<size_t>(n);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
}

std::shared_ptr<const HostMemory> HostWriter::Finish() {
  // Not make_shared: the constructor is private.
  return std::shared_ptr<const HostMemory>(new HostMemory(std::exchange(fd_, -1), token_));
}

std::span<const std::byte> HostReader::Take() {
  const std::span<const std::byte> all = memory_->bytes();
  uint64_t n = 0;
  if (at_ + sizeof(n) > all.size()) Fail("memory of the host: cut short");
  std::memcpy(&n, &all[at_], sizeof(n));
  const size_t begin = RoundedUp(at_ + sizeof(n));
  if (n > all.size() || begin > all.size() - n) Fail("memory of the host: cut short");
  at_ = begin + n;
  return all.subspan(begin, n);
}

std::string HostIdentity() {
  // Processes find each other's memory in /proc, which is of a boot and a namespace of processes.
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  std::error_code error;
  const std::string processes = std::filesystem::read_symlink("/proc/self/ns/pid", error).string();
  return boot.empty() || error ? NewToken() : boot + " " + processes;
}

}  // namespace zhiyin
