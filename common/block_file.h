// Files that consist of blocks with checksums, so that damage is found before the damaged content
// is used, with its position.
//
// A block is 1 MiB long; the last one may be shorter. It holds content, then 8 bytes: the XXH3 of
// the content, seeded with the block's number, in little-endian order. Integers in the content are
// little-endian, too.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <thread>

#include "common/block_pipe.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/tick.h"

namespace zhiyin {

/// The bytes of content in a full block. With the checksum, it has the size that FileWriter writes
/// without a copy.
inline constexpr size_t kBlockBytes = kDirectBytes - sizeof(uint64_t);

/// Whether a second thread reads or writes the file, concurrently with the caller's work.
enum class Beside { kNobody, kThread };

/// Writes a block file from start to end. Used by one thread. Any function may throw FileError.
class BlockWriter {
 public:
  /// `on_wait` is called about ten times a second while Write waits for the second thread, which
  /// waits for the disk; may throw, which ends the wait.
  explicit BlockWriter(
      const std::string& path, Beside beside = Beside::kNobody,
      std::function<void()> on_wait = [] {});
  ~BlockWriter();
  BlockWriter(const BlockWriter&) = delete;
  BlockWriter& operator=(const BlockWriter&) = delete;

  void Write(std::span<const std::byte> bytes);
  template <typename T>
  void Put(const T& value) {
    Write(std::as_bytes(std::span(&value, 1)));
  }
  /// Waits until the file is on disk (fsync). Nothing may be written afterwards.
  void Commit();
  /// Begins to commit and returns at once, if there is a second thread; otherwise commits.
  void StartCommit();
  /// Whether the commit is done; with `wait`, waits until it is.
  bool IsCommitted(bool wait);
  /// Whether another block can be filled without waiting for the disk.
  bool HasRoom() { return !thread_.joinable() || pipe_.HasEmpty(); }

  /// The bytes of the file. REQUIRES: the commit is done.
  int64_t n_bytes() const { return file_.n_bytes(); }
  /// The digest of all checksums, which identifies the content. REQUIRES: the commit is done.
  uint64_t digest() const { return digest_.Value(); }

 private:
  /// Passes the current block to be written.
  void Pass();
  void WriteOut(BlockPipe::Block* block);
  void JoinThread();

  FileWriter file_;
  std::function<void()> on_wait_;
  BlockPipe pipe_;
  std::optional<BlockPipe::Block> block_;
  // Used by the thread that writes.
  uint64_t number_ = 0;
  Digest digest_;  // of the checksums
  bool commits_ = false;
  std::atomic<bool> is_over_ = false;  // the thread has nothing more to do
  std::thread thread_;
};

/// Reads a block file from start to end. Used by one thread. All functions throw Error, naming the
/// file and the bytes of the block, when a block is damaged or missing.
class BlockReader {
 public:
  /// `tick` is called by the functions that read, for every block.
  explicit BlockReader(
      const std::string& path, Beside beside = Beside::kNobody, Tick tick = [] {});
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
  /// Continues at byte `at` of the content and reads no blocks between, so that digest() has no
  /// meaning afterwards. REQUIRES: no second thread; `at` is before the end.
  void SkipTo(int64_t at);

  /// The bytes of content that have not been read yet.
  int64_t n_left() const { return n_left_; }
  /// The bytes of content that have been read.
  int64_t at() const { return at_; }
  /// The bytes of the whole file.
  int64_t n_file_bytes() const { return n_file_bytes_; }
  const std::string& path() const { return file_.path(); }
  /// The digest, equal to BlockWriter::digest(). REQUIRES: all content has been read.
  uint64_t digest() const { return digest_.Value(); }

 private:
  /// Moves to the next block and checks it. At the end of the file there is no current block.
  void NextBlock();
  /// Reads a block without checking it, so that the thread that reads does not spend time on
  /// checksums. Returns false at the end of the file.
  bool ReadIn(BlockPipe::Block* block);
  void CheckSum();

  FileReader file_;
  Tick tick_;
  int64_t n_file_bytes_;
  int64_t n_left_ = 0;
  int64_t at_ = 0;
  BlockPipe pipe_;
  std::optional<BlockPipe::Block> block_;
  size_t n_used_ = 0;  // bytes of block_ that have been read
  uint64_t number_ = 0;
  Digest digest_;  // of the checksums
  std::thread thread_;
};

}  // namespace zhiyin
