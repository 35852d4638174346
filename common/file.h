// Files that are whole or absent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>

#include "common/error.h"

namespace zhiyin {

/// The system refused to do something with a file or folder, which the text names with the cause.
class FileError : public Error {
 public:
  using Error::Error;
};

/// Pieces of this size, at a page's border in memory, go to the disk and come from there without a
/// copy in the system's memory, where the file system can do that and nothing but such pieces came
/// before.
inline constexpr size_t kDirectBytes = size_t{1} << 20;

/// Writes a new file from start to end. Every error, a full disk among them, is a FileError.
/// A file that was not committed is removed.
class FileWriter {
 public:
  explicit FileWriter(const std::string& path);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  void Write(std::span<const std::byte> bytes);
  /// Puts the file on disk for good. Nothing may be written afterwards.
  void Commit();
  /// Commits the file and renames it to `path`, over a file that is there: readers of `path` see
  /// the old file or the whole new one. REQUIRES: `path` is on the file system of this file.
  void CommitAs(const std::string& path);

  int64_t n_bytes() const { return n_bytes_; }

 private:
  /// Writes bytes that are too many for the buffer.
  void WriteThrough(std::span<const std::byte> bytes);
  std::string path_;
  std::FILE* file_;
  int64_t n_bytes_ = 0;
  bool is_direct_ = true;  // until something does not fit, or the system says no
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
  /// Bytes not yet read.
  int64_t n_left() const { return n_bytes_ - at_; }
  int64_t at() const { return at_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int file_;
  int64_t n_bytes_ = 0;
  int64_t at_ = 0;
  bool is_direct_ = false;
};

/// The whole of a file of at most `max_bytes`.
std::string ReadWholeFile(const std::string& path, int64_t max_bytes);

/// Writes a file under a temporary name beside it, then renames it: readers see the old file or the
/// new one, never a part. Throws FileError; a file that could not be written is removed.
void ReplaceFile(const std::string& path, std::string_view content);
/// Replaces a file by what `write` sends to the stream, which throws the FileError of a failed
/// write. What `write` throws is passed on, and leaves the old file as it was.
void ReplaceFile(const std::string& path, const std::function<void(std::ostream&)>& write);

/// Makes renames and new files in a folder last.
void SyncFolder(const std::string& path);

/// Makes a folder where there is none, and makes it last. Throws Error when the one above it does
/// not exist.
void MakeFolder(const std::string& path);
/// Over what is there, if it is a file or nothing.
void Rename(const std::string& from, const std::string& to);
void RemoveFile(const std::string& path);
/// Whatever is there, or nothing.
void RemoveAll(const std::string& path);

/// What is about to be done to files, for tests that make it fail.
struct FileStep {
  enum Kind { kCreate, kWrite, kSync, kRename, kMakeFolder, kRemove, kSyncFolder };
  Kind kind;
  std::string path;
  std::string to;       // of a rename
  int64_t n_bytes = 0;  // of a write
};
/// Is called before every step of this process; what it throws is the step's failure. Empty: nobody
/// is. REQUIRES: no other thread works with files meanwhile.
void WatchFiles(std::function<void(const FileStep&)> watch);

}  // namespace zhiyin
