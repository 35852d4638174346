// Lines of text files, plain or gzip, one file after the other as if they were one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace zhiyin::worker {

/// The bytes of one file, decompressed if its first two bytes say gzip (RFC 1952; several members make one
/// stream). Throws Error naming the file, and the offset where the file is damaged, changed while it was
/// read, missing, no file, or unreadable. One thread.
class ByteSource {
 public:
  explicit ByteSource(const std::string& path);
  ~ByteSource();

  /// Fills `to` with up to n bytes; 0 at the end.
  size_t Read(char* to, size_t n);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Line ends are \n or \r\n; the last may be missing; a UTF-8 byte-order mark is dropped; empty lines are
/// passed over. One thread.
class LineReader {
 public:
  /// A longer line is reported as such, whatever it holds, and not kept.
  static constexpr size_t kMaxLineBytes = size_t{1} << 20;

  explicit LineReader(std::vector<std::string> files)
      : files_(std::move(files)), buffer_(2 * kMaxLineBytes) {}

  struct Line {
    std::string_view text;  // valid until the next call
    bool too_long = false;
    bool first_of_file = false;
  };
  /// False after the last line of the last file.
  bool Next(Line* line);

  /// Of the last line: "path:17".
  std::string Where() const;

 private:
  bool Refill();

  std::vector<std::string> files_;
  size_t next_file_ = 0;
  std::unique_ptr<ByteSource> source_;
  int64_t line_number_ = 0;
  bool at_file_start_ = false;
  bool file_had_line_ = false;
  std::vector<char> buffer_;
  size_t begin_ = 0;  // of what was not handed out yet
  size_t end_ = 0;
};

/// NUL bytes and invalid UTF-8 have no place in text.
bool IsText(std::string_view line);

}  // namespace zhiyin::worker
