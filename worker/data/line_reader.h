// The lines of one data file, or its records, where quoted values hold line ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "worker/data/decoded_bytes.h"
#include "worker/data/format/delimited.h"

namespace zhiyin::worker::data {

/// A line, or the lines of a record, without the last line end.
struct Line {
  /// Valid until the next call of the reader; empty where too_long.
  std::string_view text;
  /// That of its first line, from 1, empty lines included.
  int64_t number = 0;
  /// True for a line longer than LineReader::kMaxBytes, whose text is skipped.
  bool too_long = false;
};

/// Reads the lines of a file as UTF-8. Lines end in \n or \r\n, the last one possibly at the end of
/// the file; in a file whose first 256 KiB have no \n but a \r they end in \r. Empty lines are
/// skipped, and so is a byte order mark at the beginning. Memory is bounded whatever the file
/// contains. Throws Error as DecodedBytes does, for an archive (NameOfArchive), and where most of
/// the first lines end in \n\r. Used by one thread.
///
/// Lines that a quoted value connects are one record and count as one line. Where the quotes do not
/// fit, or the record would be longer than kMaxBytes, its first line is alone, so that a stray
/// quote spoils no other line.
class LineReader {
 public:
  /// The length of the longest record that is read, without its line end.
  static constexpr size_t kMaxBytes = 1 << 20;

  /// Without a dialect: lines of UTF-8, whatever they hold. Counts as FileBytes does.
  explicit LineReader(const std::string& path, Dialect dialect = Dialect(),
                      ReadCounts* counts = nullptr);

  /// What the beginning of a file tells of all of it.
  struct Look {
    Dialect dialect;
    char line_end = '\n';
  };
  Look look() const { return {dialect_, line_end_}; }
  /// Opens a file again that cannot have changed, without reading its beginning. REQUIRES: it
  /// CanSeek(), and Seek is called first.
  LineReader(const std::string& path, Look look, ReadCounts* counts);

  /// The dialect of the file: its delimiter is known if the file has a line.
  const Dialect& dialect() const { return dialect_; }
  /// The first bytes of the file as UTF-8, without a byte order mark. REQUIRES: it was opened
  /// without a look, and nothing was read of it yet.
  std::string_view start() const { return {buffer_.get() + begin_, end_ - begin_}; }
  /// Reads the next line that is not empty; returns false at the end of the file.
  bool Next(Line* line);
  /// Skips the next n lines that are not empty; returns how many there were.
  int64_t Skip(int64_t n);

  /// A place between two lines of a file that can seek.
  struct Place {
    int64_t offset = 0;   // of the next line's first byte
    int64_t n_lines = 0;  // before it
  };
  bool CanSeek() const { return file_.CanSeek(); }
  /// The file as it is on disk, compressed or not.
  FileBytes& file() { return file_.file(); }
  const FileBytes& file() const { return file_.file(); }
  Place place() const { return {n_bytes_ - static_cast<int64_t>(end_ - begin_), n_lines_}; }
  /// Continues at a place. REQUIRES: CanSeek(); a reader of this file returned the place.
  void Seek(const Place& place);
  /// From now on reads nothing behind byte `offset` of the file before a line needs it. What has
  /// been read stays read. Seek ends this.
  void ReadAheadTo(int64_t offset) { ahead_to_ = offset; }
  /// Continues at the first line that begins at byte `offset` or behind it, and counts lines from
  /// there. REQUIRES: CanSeek(); 0 < offset.
  void SeekLineFrom(int64_t offset);
  /// Ends the file, for Next and Skip, before the first line that begins at byte `offset` or behind
  /// it, of which hardly more is read than its beginning. Seek ends this. REQUIRES: CanSeek().
  void EndAt(int64_t offset);

  const std::string& path() const { return file_.path(); }
  const FileStamp& stamp() const { return file_.stamp(); }

 private:
  /// Finds what only the beginning of the file tells: byte order mark, line ends, delimiter.
  void LookAtStart();
  bool NextMaybeEmpty(Line* line);
  /// Looks for a line end from byte *n of the unread bytes on, and reads more of the file for it.
  /// Returns whether there is one; *n becomes its position, or the number of unread bytes where
  /// there is none, which is above kMaxBytes or ends the file.
  bool FindLineEnd(size_t* n);
  /// Adds the lines that quotes connect with the line of *n unread bytes; *has_end: whether a line
  /// end follows it.
  void ConnectLines(size_t* n, bool* has_end);
  /// Moves the unread bytes to the front of the buffer and reads more; returns false at the end of
  /// the file.
  bool Fill();
  /// Skips the rest of a line that is too long.
  void DropLine();

  Dialect dialect_;
  DecodedBytes file_;
  char line_end_ = '\n';
  std::unique_ptr<char[]> buffer_;  // not initialised: most files are shorter
  // The unread bytes: buffer_[begin_, end_).
  size_t begin_ = 0;
  size_t end_ = 0;
  bool at_end_ = false;
  int64_t n_bytes_ = 0;   // offset of end_ in the file, as UTF-8
  int64_t ahead_to_ = 0;  // an offset; without effect where it is not behind n_bytes_
  int64_t end_at_ = std::numeric_limits<int64_t>::max();  // an offset
  int64_t n_lines_ = 0;
};

}  // namespace zhiyin::worker::data
