// Files in blocks, each with its checksum: damage is found where it is, before what it damaged is
// used.
//
// A block is 1 MiB, the last one what is left: its content, then 8 bytes, the little-endian XXH3 of
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

/// Of content. A whole block is one that the disk takes from memory without a copy between
/// (FileWriter).
inline constexpr size_t kBlockBytes = kDirectBytes - sizeof(uint64_t);

/// Whether a thread beside the caller's works on the file, which overlaps with what the caller
/// does.
enum class Beside { kNobody, kThread };

/// Writes one from start to end. Throws as FileWriter does, from any of its functions.
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
  /// On disk, for good. Nothing may follow.
  void Commit();
  /// The same without waiting, where there is a thread; then whether it is done, for which `wait`
  /// waits.
  void StartCommit();
  bool IsCommitted(bool wait);
  /// Whether a block more can be filled without waiting for the disk.
  bool HasRoom() { return !thread_.joinable() || pipe_.HasEmpty(); }

  /// Of the file. REQUIRES: Commit has returned.
  int64_t n_bytes() const { return file_.n_bytes(); }
  /// Of all content. The same.
  uint64_t digest() const { return digest_.Value(); }

 private:
  /// The block is filled.
  void Pass();
  void WriteOut(BlockPipe::Block* block);
  void JoinThread();

  FileWriter file_;
  BlockPipe pipe_;
  std::optional<BlockPipe::Block> block_;
  // Of whoever writes.
  uint64_t number_ = 0;
  Digest digest_;  // of the checksums
  bool commits_ = false;
  std::atomic<bool> is_over_ = false;  // the thread has nothing more to do
  std::thread thread_;
};

/// Reads one from start to end. Throws Error naming the file, and the bytes of the block that is
/// damaged or missing.
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
  /// Reads, and so checks, what is left.
  void SkipToEnd();

  /// Of the content: bytes not yet read, and read.
  int64_t n_left() const { return n_left_; }
  int64_t at() const { return at_; }
  /// Of the file.
  int64_t n_file_bytes() const { return n_file_bytes_; }
  const std::string& path() const { return file_.path(); }
  /// Of all content. REQUIRES: all is read.
  uint64_t digest() const { return digest_.Value(); }

 private:
  /// The next one, checked; nothing at the end of the file.
  void NextBlock();
  /// Only reads: the disk should not wait for a checksum. false: the end of the file.
  bool ReadIn(BlockPipe::Block* block);
  void CheckSum();

  FileReader file_;
  int64_t n_file_bytes_;
  int64_t n_left_ = 0;
  int64_t at_ = 0;
  BlockPipe pipe_;
  std::optional<BlockPipe::Block> block_;
  size_t n_used_ = 0;  // read of it
  uint64_t number_ = 0;
  Digest digest_;  // of the checksums
  std::thread thread_;
};

}  // namespace zhiyin
