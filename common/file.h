// Files that are whole or absent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/hash.h"

namespace zhiyin {

/// Writes a new file from start to end. Every error, a full disk among them, is an Error that names the file.
/// A file that was not committed is removed.
class FileWriter {
 public:
  explicit FileWriter(const std::string& path);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  void Write(std::span<const std::byte> bytes);
  template <typename T>
  void Put(const T& value) {
    Write(std::as_bytes(std::span(&value, 1)));
  }
  /// On disk, for good.
  void Commit();

  int64_t n_bytes() const { return n_bytes_; }
  uint64_t digest() const { return digest_.Value(); }

 private:
  std::string path_;
  std::FILE* file_;
  int64_t n_bytes_ = 0;
  Digest digest_;
};

/// Reads a file from start to end. Errors name the file and the offset.
class FileReader {
 public:
  explicit FileReader(const std::string& path);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  /// Fills all of `bytes` or throws.
  void Read(std::span<std::byte> bytes);
  template <typename T>
  T Get() {
    T value;
    Read(std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }
  /// Bytes not yet read.
  int64_t n_left() const { return n_bytes_ - at_; }
  int64_t at() const { return at_; }
  const std::string& path() const { return path_; }
  /// Of all that was read.
  uint64_t digest() const { return digest_.Value(); }

 private:
  std::string path_;
  std::FILE* file_;
  int64_t n_bytes_ = 0;
  int64_t at_ = 0;
  Digest digest_;
};

/// The whole of a file of at most `max_bytes`.
std::string ReadWholeFile(const std::string& path, int64_t max_bytes);

/// Writes under a temporary name beside it, then renames: readers see the old file or the new one.
void ReplaceFile(const std::string& path, std::string_view content);

/// Makes renames and new files in a folder last.
void SyncFolder(const std::string& path);

}  // namespace zhiyin
