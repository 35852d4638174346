// Memory that one process of a host fills, and that all processes of the host read.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/error.h"

namespace zhiyin {

/// A read-only mapping of an anonymous file in memory (memfd_create(2)). The memory is counted once
/// on the host, whoever maps it, needs no /dev/shm, and is gone when the last process that has it
/// ends, however it ends. Any thread.
class HostMemory {
 public:
  /// Maps what another process of this host has written, by its name(), while that process holds
  /// it. Throws Error where it cannot: the process has ended, belongs to somebody else, or is on
  /// another host.
  static std::shared_ptr<const HostMemory> Open(const std::string& name);
  ~HostMemory();
  HostMemory(const HostMemory&) = delete;

  /// What other processes open it by; empty where another process has written it.
  const std::string& name() const { return name_; }
  std::span<const std::byte> bytes() const { return mapped_.subspan(n_token_); }

 private:
  friend class HostWriter;
  HostMemory() = default;
  /// Maps a file that this process has written, and owns `fd`.
  HostMemory(int fd, const std::string& token);
  /// Throws Error unless the file begins with the token.
  void Map(int fd, const std::string& token);

  std::string name_;
  int fd_ = -1;
  std::span<const std::byte> mapped_;
  size_t n_token_ = 0;
};

/// An array that is filled as a vector, then moved to the memory of the host by HostWriter, or read
/// there by HostReader. Used by one thread while it is filled, then by any number.
template <typename T>
class HostArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  /// The values while they are filled in. REQUIRES: they are in no memory of the host.
  std::vector<T>& Fill() { return own_; }

  std::span<const T> values() const { return memory_ ? values_ : std::span<const T>(own_); }
  size_t size() const { return values().size(); }
  bool empty() const { return values().empty(); }
  const T& operator[](size_t i) const { return values()[i]; }

 private:
  friend class HostReader;
  std::vector<T> own_;
  std::span<const T> values_;
  std::shared_ptr<const HostMemory> memory_;  // which has values_
};

/// Writes arrays to memory of the host one after the other, and lets go of each, so that at no time
/// more than one of them is there twice. Throws Error where the host has no memory left. HostReader
/// has functions of equal names, so that one template lists what an object shares.
class HostWriter {
 public:
  HostWriter();
  ~HostWriter();
  HostWriter(const HostWriter&) = delete;

  template <typename T>
  void Array(HostArray<T>* array) {
    Put(std::as_bytes(array->values()));
    *array = HostArray<T>();
  }
  template <typename T>
  void Value(T* value) {
    static_assert(std::is_trivially_copyable_v<T>);
    Put(std::as_bytes(std::span<const T>(value, 1)));
  }
  void Strings(std::vector<std::string>* strings) {
    size_t n = strings->size();
    Value(&n);
    for (const std::string& string : *strings) Put(std::as_bytes(std::span(string)));
  }
  /// Returns the memory. Call once, after everything is written.
  std::shared_ptr<const HostMemory> Finish();

 private:
  /// Writes bytes behind their number, from a multiple of kAlignment on.
  void Put(std::span<const std::byte> bytes);
  /// Writes zeros up to the next multiple of kAlignment.
  void Pad();
  void Write(std::span<const std::byte> bytes);

  int fd_;
  std::string token_;  // the first bytes
  size_t n_written_ = 0;
};

/// Reads what HostWriter has written, in the order in which it was written. Arrays stay where they
/// are, and keep the memory.
class HostReader {
 public:
  explicit HostReader(std::shared_ptr<const HostMemory> memory) : memory_(std::move(memory)) {}

  template <typename T>
  void Array(HostArray<T>* array) {
    const std::span<const std::byte> bytes = Take();
    array->own_ = {};
    array->values_ = {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
    array->memory_ = memory_;
  }
  template <typename T>
  void Value(T* value) {
    const std::span<const std::byte> bytes = Take();
    if (bytes.size() != sizeof(T)) Fail("memory of the host: damaged");
    std::memcpy(value, bytes.data(), sizeof(T));
  }
  void Strings(std::vector<std::string>* strings) {
    size_t n = 0;
    Value(&n);
    strings->clear();
    for (size_t i = 0; i < n; ++i) {
      const std::span<const std::byte> bytes = Take();
      strings->emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
  }

 private:
  /// The next bytes. Throws Error where there are none.
  std::span<const std::byte> Take();

  std::shared_ptr<const HostMemory> memory_;
  size_t at_ = 0;
};

/// Names this host's processes among those of a cluster: two processes that give equal names can
/// share HostMemory.
std::string HostIdentity();

}  // namespace zhiyin
