// Files in blocks, each with its checksum, so that damage is found, with its position, before the
// damaged content is used.
//
// A block is 1 MiB, the last one may be shorter: content, then 8 bytes, the little-endian XXH3 of
// the content, seeded with the block's number. Integers of the content are little-endian, as they
// are in memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <thread>

#include "common/block_pipe.h"
#include "common/file.h"
#include "common/hash.h"

namespace zhiyin {

/// Bytes of content in a whole block, which with its checksum goes to disk without a copy
/// (FileWriter).
inline constexpr size_t kBlockBytes = kDirectBytes - sizeof(uint64_t);

/// Whether a second thread does the input and output, so that it overlaps with the caller's work.
enum class Beside { kNobody, kThread };

/// Writes a block file from start to end. Used by one thread. Any function may throw FileError.
class BlockWriter {
 public:
  explicit BlockWriter(const std::string& path, Beside beside = Beside::kNobody);
  ~BlockWriter();
  BlockWriter(const BlockWriter&) = delete;
  BlockWriter& operator=(const BlockWriter&) = delete;

  void Write(std::span<const std::byte> bytes);
  template <typename T>
  void Put(const T& value) {
    Write(std::as_bytes(std::span(&value, 1)));
  }
  /// Puts the file on disk for good. Nothing may be written afterwards.
  void Commit();
  /// Commits without waiting, where there is a thread.
  void StartCommit();
  /// Whether the commit is done; with `wait`, waits until it is.
  bool IsCommitted(bool wait);
  /// Whether another block can be filled without waiting for the disk.
  bool HasRoom() { return !thread_.joinable() || pipe_.HasEmpty(); }

  /// Bytes of the file. REQUIRES: Commit has returned.
  int64_t n_bytes() const { return file_.n_bytes(); }
  /// The digest of all checksums, which identifies the content. REQUIRES: Commit has returned.
  uint64_t digest() const { return digest_.Value(); }

 private:
  /// Hands a filled block on.
  void Pass();
  void WriteOut(BlockPipe::Block* block);
  void JoinThread();

  FileWriter file_;
  BlockPipe pipe_;
  std::optional<BlockPipe::Block> block_;
  // For the thread that writes.
  uint64_t number_ = 0;
  Digest digest_;  // of the checksums
  bool commits_ = false;
  std::atomic<bool> is_over_ = false;  // the thread has nothing more to do
  std::thread thread_;
};

/// Reads a block file from start to end. Used by one thread. Throws Error naming the file, and the
/// bytes of the block that is damaged or missing.
class BlockReader {
 public:
  explicit BlockReader(const std::string& path, Beside beside = Beside::kNobody);
  ~BlockReader();
  BlockReader(const BlockReader&) = delete;
  BlockReader& operator=(const BlockReader&) = delete;

  /// Fills all of `bytes` or throws.
  void Read(std::span<std::byte> bytes);
  template <typename T>
  T Get() {
    T value;
    Read(std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }
  /// Reads and checks the rest of the file.
  void SkipToEnd();

  /// Bytes of the content that are not yet read, and that are read.
  int64_t n_left() const { return n_left_; }
  int64_t at() const { return at_; }
  /// Bytes of the whole file.
  int64_t n_file_bytes() const { return n_file_bytes_; }
  const std::string& path() const { return file_.path(); }
  /// The digest as BlockWriter gives it. REQUIRES: all is read.
  uint64_t digest() const { return digest_.Value(); }

 private:
  /// Goes to the next block and checks it; no block at the end of the file.
  void NextBlock();
  /// Reads a block without checking it, since the disk should not wait for a checksum. Returns
  /// false at the end of the file.
  bool ReadIn(BlockPipe::Block* block);
  void CheckSum();

  FileReader file_;
  int64_t n_file_bytes_;
  int64_t n_left_ = 0;
  int64_t at_ = 0;
  BlockPipe pipe_;
  std::optional<BlockPipe::Block> block_;
  size_t n_used_ = 0;  // bytes of it that are read
  uint64_t number_ = 0;
  Digest digest_;  // of the checksums
  std::thread thread_;
};

}  // namespace zhiyin
